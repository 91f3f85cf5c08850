from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.cmaf import InitSection, Splitter
from seeder.ingest.packager import Packager
from seeder.ingest.playlist import MediaPlaylist
from seeder.ingest.segmenter import Cut

NOW = 1_763_700_000.0


@pytest.fixture
def init(fragmented: bytes) -> InitSection:
    splitter = Splitter()
    splitter.feed(fragmented)
    assert splitter.init is not None
    return splitter.init


def cut(number: int, *, jumped: bool = False, duration: float = 2.0) -> Cut:
    return Cut(b"\0\0\0\x08moof\0\0\0\x08mdat", number * 2.0, duration, 50, jumped)


def packager(folder: Path, **options: Any) -> Packager:
    return Packager(folder / "s", "v0", options.pop("window", 8), lambda: NOW, **options)


def listed(pack: Packager) -> MediaPlaylist:
    assert pack.playlist is not None
    return pack.playlist


async def test_times_count_from_the_anchor_and_never_run_backwards(tmp_path: Path, init: InitSection) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, media_start=10.0)
        for number in (5, 6):
            assert await pack.add({"v0": cut(number)})
        pack.begin_run({"v0": init}, 2, NOW - 100, media_start=0.0)  # the clock was set back
        await pack.add({"v0": cut(0)})
        assert [entry.start - NOW for entry in listed(pack).entries] == [0, 2, 4]
        assert [entry.discontinuity for entry in listed(pack).entries] == [False, False, True]


async def test_a_jump_gets_a_discontinuity_and_an_init_section_of_its_own(
    tmp_path: Path, init: InitSection
) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        for number, jumped in ((0, False), (1, False), (9, True), (10, False)):
            await pack.add({"v0": cut(number, jumped=jumped)})
        entries = listed(pack).entries
    assert [entry.discontinuity for entry in entries] == [False, False, True, False]
    assert len({entry.init for entry in entries}) == 2
    assert entries[2].start == NOW + 18


async def test_a_segment_that_cannot_be_written_is_dropped_and_marked(
    tmp_path: Path, init: InitSection
) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        obstacle = tmp_path / "s" / "v0" / listed(pack).entries[0].uri.replace("-00000000", "-00000001")
        obstacle.mkdir()  # stands where the next segment belongs, whoever we are (root writes everywhere)
        assert not await pack.add({"v0": cut(1)})
        assert "going on when it can" in pack.last_error
        obstacle.rmdir()
        assert await pack.add({"v0": cut(2)})
        assert pack.last_error == ""
        playlist = listed(pack)
    assert (playlist.msn, playlist.next_msn) == (0, 2)
    assert [entry.discontinuity for entry in playlist.entries] == [False, True]
    assert playlist.entries[1].start == NOW + 4


async def test_a_playlist_that_could_not_be_written_is_caught_up_with(
    tmp_path: Path, init: InitSection
) -> None:
    index = tmp_path / "s" / "v0" / "index.m3u8"
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        index.mkdir()
        await pack.add({"v0": cut(0)})
        assert pack.last_error
        index.rmdir()
        await pack.add({"v0": cut(1)})
        assert index.read_text().count("#EXTINF") == 2


async def test_a_folder_that_is_removed_under_us_is_made_again(tmp_path: Path, init: InitSection) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        for path in (tmp_path / "s" / "v0").iterdir():
            path.unlink()
        (tmp_path / "s" / "v0").rmdir()
        assert await pack.add({"v0": cut(1)})


async def test_a_restart_goes_on_where_the_playlist_ends(tmp_path: Path, init: InitSection) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        for number in range(10):
            await pack.add({"v0": cut(number)})
        first = listed(pack)
    async with packager(tmp_path) as pack:
        assert (pack.target_duration, pack.timeline_end) == (2, NOW + 20)
        pack.begin_run({"v0": init}, 99, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        second = listed(pack)
    assert (second.target_duration, second.msn, second.next_msn) == (2, first.msn + 1, first.next_msn + 1)
    assert second.entries[:-1] == first.entries[1:]
    assert second.entries[-1].discontinuity
    assert second.entries[-1].init not in {entry.init for entry in first.entries}


async def test_after_a_damaged_playlist_no_number_is_used_again(tmp_path: Path, init: InitSection) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        for number in range(3):
            await pack.add({"v0": cut(number)})
        first = listed(pack)
    (tmp_path / "s" / "v0" / "index.m3u8").write_bytes(b"\0" * 100)
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        second = listed(pack)
    assert second.msn == 3
    assert second.discontinuity_sequence > first.discontinuity_sequence
    assert second.entries[0].uri not in {entry.uri for entry in first.entries}


async def test_an_emptied_folder_uses_no_uri_again(tmp_path: Path, init: InitSection) -> None:
    uris = set()
    for clock in (NOW, NOW + 1):
        async with Packager(tmp_path / "s", "v0", 8, lambda clock=clock: clock) as pack:  # type: ignore[misc]
            pack.begin_run({"v0": init}, 2, clock, 0.0)
            await pack.add({"v0": cut(0)})
            uris |= {listed(pack).entries[0].uri, listed(pack).entries[0].init}
        for path in (tmp_path / "s" / "v0").iterdir():
            path.unlink()
    assert len(uris) == 4


async def test_a_file_goes_only_after_its_hook_and_its_time(
    tmp_path: Path, init: InitSection, eventually: Callable[[Callable[[], bool], str], Any]
) -> None:
    asked: list[str] = []
    let_go = asyncio.Event()

    async def retire(path: Path) -> None:
        asked.append(path.name)
        await let_go.wait()

    async with packager(tmp_path, window=3, retire=retire) as pack:
        pack.begin_run({"v0": init}, 1, NOW, 0.0)
        for number in range(8):
            await pack.add({"v0": Cut(cut(0).data, number * 0.1, 0.1, 3)})
            pack.begin_run({"v0": init}, 1, NOW, 0.0)
        # Three Target Durations of 1 s: 0.1 s segments do not leave the window however many there are.
        assert len(listed(pack).entries) == 8
        for number in range(8, 12):
            await pack.add({"v0": Cut(cut(0).data, number * 1.0, 1.0, 25)})
        gone = tmp_path / "s" / "v0" / f"{int(NOW):08x}-00000000.m4s"
        await eventually(lambda: asked == [gone.name], "the hook is asked for the first to leave")
        assert gone.exists()
        let_go.set()
        await eventually(lambda: not gone.exists(), "the file is deleted")


async def test_endlist_is_written_only_when_asked_for(tmp_path: Path, init: InitSection) -> None:
    async with packager(tmp_path) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        await pack.finish(False)
        index = tmp_path / "s" / "v0" / "index.m3u8"
        assert "ENDLIST" not in index.read_text()
        await pack.finish(True)
        assert index.read_text().endswith("#EXT-X-ENDLIST\n")


async def test_a_folder_that_cannot_be_used_is_an_ingest_error(tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(b"a file")
    with pytest.raises(IngestError, match="cannot be used"):
        async with packager(tmp_path):
            pass


async def three(
    folder: Path, init: InitSection, cuts: range, variants: tuple[str, ...], **options: Any
) -> Any:
    """Segments in several variants, by a packager that ends after them."""
    async with packager(folder, **options) as pack:
        pack.begin_run(dict.fromkeys(variants, init), 2, NOW, 0.0)
        for number in cuts:
            await pack.add(dict.fromkeys(variants, cut(number)))
        return pack


def index(folder: Path, variant: str) -> str:
    return (folder / "s" / variant / "index.m3u8").read_text()


async def test_a_segment_is_there_in_all_variants_or_in_none(tmp_path: Path, init: InitSection) -> None:
    both = ("v0", "v1")
    async with packager(tmp_path) as pack:
        pack.begin_run(dict.fromkeys(both, init), 2, NOW, 0.0)
        assert await pack.add(dict.fromkeys(both, cut(0)))
        uri = listed(pack).entries[0].uri.replace("-00000000", "-00000001")
        (tmp_path / "s" / "v1" / uri).mkdir()  # the disk takes it in one variant and not in the other
        assert not await pack.add(dict.fromkeys(both, cut(1)))
        assert not (tmp_path / "s" / "v0" / uri).exists()
        (tmp_path / "s" / "v1" / uri).rmdir()
        assert await pack.add(dict.fromkeys(both, cut(2)))
    assert index(tmp_path, "v0") == index(tmp_path, "v1")
    assert index(tmp_path, "v0").count("#EXT-X-DISCONTINUITY\n") == 1


async def test_a_crash_between_two_playlists_is_made_good(tmp_path: Path, init: InitSection) -> None:
    both = ("v0", "v1")
    await three(tmp_path, init, range(3), both)
    behind = index(tmp_path, "v1")
    await three(tmp_path, init, range(1), both)
    text = index(tmp_path, "v0")
    (tmp_path / "s" / "v1" / "index.m3u8").write_text(behind)  # killed before this one was written
    await three(tmp_path, init, range(1), both)
    assert index(tmp_path, "v0") == index(tmp_path, "v1")
    assert index(tmp_path, "v1").startswith(text)


async def test_files_of_all_variants_are_deleted(
    tmp_path: Path, init: InitSection, eventually: Callable[[Callable[[], bool], str], Any]
) -> None:
    both = ("v0", "v1")
    async with packager(tmp_path, window=3) as pack:
        pack.begin_run(dict.fromkeys(both, init), 1, NOW, 0.0)
        for number in range(6):
            await pack.add(dict.fromkeys(both, Cut(cut(0).data, number * 1.0, 1.0, 25)))
        name = f"{int(NOW):08x}-00000000.m4s"
        files = [tmp_path / "s" / variant / name for variant in both]
        assert all(file.exists() for file in files)
        await eventually(lambda: not any(file.exists() for file in files), "both are deleted")


async def test_a_multivariant_playlist_lists_what_is_made_now(tmp_path: Path, init: InitSection) -> None:
    def variants() -> list[str]:
        text = (tmp_path / "s" / "master.m3u8").read_text()
        return [line.split("/")[0] for line in text.splitlines() if not line.startswith("#")]

    await three(tmp_path, init, range(2), ("v0", "v1", "v2"))
    assert sorted(variants()) == ["v0", "v1", "v2"]
    await three(tmp_path, init, range(2), ("v0", "v2"))
    assert sorted(variants()) == ["v0", "v2"]
    assert "../v2/" in index(tmp_path, "v1")


async def test_a_variant_that_was_given_up_is_kept_up_as_long_as_somebody_may_be_watching(
    tmp_path: Path, init: InitSection
) -> None:
    await three(tmp_path, init, range(3), ("v0", "v1", "a0"), window=3)
    await three(tmp_path, init, range(3), ("v0",), window=3)
    assert index(tmp_path, "v1").replace("../v0/", "") == index(tmp_path, "v0")
    assert index(tmp_path, "a0").endswith("#EXT-X-ENDLIST\n")  # sound alone has nothing to go on with
    await three(tmp_path, init, range(1), ("v0",), window=3)
    assert not (tmp_path / "s" / "v1" / "index.m3u8").exists()
    assert not (tmp_path / "s" / "a0" / "index.m3u8").exists()


async def test_another_programs_variant_is_left_alone(tmp_path: Path, init: InitSection) -> None:
    other = tmp_path / "s" / "v1"
    other.mkdir(parents=True)
    (other / "index.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nout000.ts\n")
    await three(tmp_path, init, range(2), ("v0",))
    assert "out000.ts" in index(tmp_path, "v1")


async def test_a_window_to_seek_back_in_lists_that_much_and_offers_delta_updates(
    tmp_path: Path, init: InitSection
) -> None:
    index = tmp_path / "s" / "v0" / "index.m3u8"
    async with packager(tmp_path, dvr=60.0) as pack:
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        for number in range(40):
            await pack.add({"v0": cut(number)})
        assert (len(listed(pack).entries), listed(pack).msn) == (30, 10), "60 s of 2 s each"
        assert "#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=36.0" in index.read_text()
        assert (index.parent / listed(pack).entries[0].uri).exists()
    async with packager(tmp_path) as pack:  # without: the window, as ever
        pack.begin_run({"v0": init}, 2, NOW, 0.0)
        await pack.add({"v0": cut(0)})
        assert len(listed(pack).entries) == 8
        assert "SERVER-CONTROL" not in index.read_text()
