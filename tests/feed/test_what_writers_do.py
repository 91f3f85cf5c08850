"""Writers delete, truncate, rewrite, rename and make mistakes; what was hashed is what is served."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from seeder.errors import FeedError
from seeder.feed.library import Library
from seeder.feed.publisher import LONG
from seeder.feed.task import FeedConfig, FeedTask
from seeder.feed.watch import Watch
from seeder.torrent.metainfo import matches


def write_playlist(
    folder: Path, *names: str, first: int = 0, end: bool = False, file: str = "index.m3u8"
) -> None:
    """As writers do: under a temporary name, then renamed into place."""
    body = "".join(f"#EXTINF:2,\n{name}\n" for name in names)
    head = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{file}.tmp").write_text(head + body + "#EXT-X-ENDLIST\n" * end)
    (folder / f"{file}.tmp").rename(folder / file)


def write_segments(folder: Path, *names: str, size: int = 100_000) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in names:
        found[name] = os.urandom(size)
        (folder / name).write_bytes(found[name])
    return found


async def test_a_live_segment_deleted_or_cut_off_is_served_and_seeded_as_it_was(
    feed_dir: Path, publishing: Any, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tv = feed_dir / "tv"
    data = write_segments(tv, "a.ts", "b.ts", "c.ts")
    write_playlist(tv, "a.ts", "b.ts", "c.ts")
    async with publishing(feed_dir, seed=True) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        before = {name: feed.torrent("tv", name) for name in data}
        (tv / "a.ts").unlink()
        (tv / "b.ts").write_bytes(data["b.ts"][:70_000])
        (tv / "c.ts").write_bytes(b"")
        await wait_until(lambda: "b.ts was cut off" in caplog.text and "c.ts was cut off" in caplog.text)
        await wait_until(lambda: len(feed.session.seeding()) == 3)
        for name in data:
            assert feed.bytes_of("tv", name) == data[name]
            assert feed.torrent("tv", name) == before[name]
        assert feed.tagged("tv")


async def test_a_live_playlist_of_hours_grows_segment_by_segment(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    """Its updates are worked out in a thread, while segments that are loaded arrive on the loop."""
    tv, names = feed_dir / "tv", [f"{n:05}.ts" for n in range(LONG + 200)]
    write_segments(tv, *names, size=100)
    async with publishing(feed_dir) as feed:
        for count in range(LONG + 190, LONG + 201, 2):
            write_playlist(tv, *names[:count])
            await wait_until(lambda: feed.library.stream("tv") and feed.view("tv").segments == count)  # noqa: B023
        await wait_until(lambda: feed.tagged("tv"))
        assert feed.listed("tv") == names
        assert feed.torrent("tv", names[-1]).name == names[-1]


@pytest.mark.parametrize("end", [False, True], ids=["live", "recorded"])
async def test_a_listed_segment_that_is_rewritten_gets_a_new_torrent(
    feed_dir: Path, publishing: Any, wait_until: Any, end: bool
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts")
    write_playlist(tv, "a.ts", end=end)
    async with publishing(feed_dir, seed=True) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        before = feed.torrent("tv", "a.ts")
        data = write_segments(tv, "a.ts", size=90_000)["a.ts"]
        await wait_until(lambda: feed.tagged("tv") and feed.torrent("tv", "a.ts") != before)
        after = feed.torrent("tv", "a.ts")
        assert feed.bytes_of("tv", "a.ts") == data
        assert matches(after, data)
        await wait_until(lambda: feed.session.seeding() == {after.infohash})
        assert not feed.library.knows(before.infohash)
        await wait_until(lambda: before.infohash in feed.retired)


async def test_a_recording_whose_segment_is_deleted_lists_it_without_serving_it(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts", "b.ts")
    write_playlist(tv, "a.ts", "b.ts", end=True)
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        (tv / "a.ts").unlink()
        await wait_until(lambda: feed.library.resource("tv", "a.ts") is None)
        assert feed.listed("tv") == ["a.ts", "b.ts"]
        assert len(feed.playlist("tv").torrents) == 1


async def test_a_segment_missing_from_the_start_is_listed_and_tagged_when_it_comes(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts")
    write_playlist(tv, "a.ts", "b.ts")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: len(feed.playlist("tv").torrents) == 1)
        assert feed.listed("tv") == ["a.ts", "b.ts"]
        assert feed.library.resource("tv", "b.ts") is None
        write_segments(tv, "b.ts")
        await wait_until(lambda: feed.tagged("tv"))


async def test_a_segment_is_published_only_when_it_is_listed(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts")
    write_playlist(tv, "a.ts")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        data = write_segments(tv, "b.ts", "unlisted.key")["b.ts"]
        shelf = feed.task._publishers["tv"][0]._shelf
        await wait_until(lambda: "tv/b.ts" in shelf._early)  # closed: hashed, so that it is ready
        assert feed.library.resource("tv", "b.ts") is None
        write_playlist(tv, "a.ts", "b.ts")
        await wait_until(lambda: feed.listed("tv") == ["a.ts", "b.ts"])
        assert feed.tagged("tv")  # in the very first view that lists it
        assert feed.bytes_of("tv", "b.ts") == data
        assert feed.library.resource("tv", "unlisted.key") is None


async def test_what_is_no_playlist_is_told_once_and_the_last_good_one_stays(
    feed_dir: Path, publishing: Any, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts")
    write_playlist(tv, "a.ts")
    (feed_dir / "junk").mkdir()
    (feed_dir / "junk" / "index.m3u8").write_bytes(b"\xff\xfe not a playlist")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        good = feed.playlist("tv").text
        for _ in range(3):
            (tv / "index.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\nno-extinf.ts\n")
            await wait_until(lambda: "index.m3u8 is not a playlist (line 3" in caplog.text)
        assert feed.playlist("tv").text == good
        assert feed.library.stream("junk") is None
        write_segments(tv, "b.ts")
        write_playlist(tv, "a.ts", "b.ts")
        await wait_until(lambda: feed.listed("tv") == ["a.ts", "b.ts"])
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert sum("stream tv: index.m3u8 is not a playlist" in w for w in warnings) == 1
    assert sum("stream junk: index.m3u8 is not a playlist" in w for w in warnings) == 1


async def test_a_playlist_written_in_place_piece_by_piece_is_never_published_half(
    feed_dir: Path, publishing: Any, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tv = feed_dir / "tv"
    write_segments(tv, "a.ts", "b.ts")
    write_playlist(tv, "a.ts")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        with (tv / "index.m3u8").open("w") as handle:
            for part in (
                "#EXTM",
                "3U\n#EXT-X-TARGETDURATION:2\n",
                "#EXTINF:2,\na.ts\n#EXTI",
                "NF:2,\nb.ts\n",
            ):
                handle.write(part)
                handle.flush()
                await asyncio.sleep(0.02)
        await wait_until(lambda: feed.listed("tv") == ["a.ts", "b.ts"])
    assert "not a playlist" not in caplog.text


async def test_paths_that_leave_the_stream_are_not_served(
    feed_dir: Path, publishing: Any, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (feed_dir.parent / "secret").write_text("secret")
    tv = feed_dir / "tv"
    write_segments(feed_dir / "other", "x.ts")
    write_segments(tv, "a.ts")
    (tv / "link.ts").symlink_to("../../secret")
    (tv / ".hidden.ts").write_text("hidden")
    (feed_dir / "outside").symlink_to("..")
    names = [
        "a.ts",
        "link.ts",
        "../other/x.ts",
        "../../secret",
        "%2e%2e/other/x.ts",
        "/etc/passwd",
        ".hidden.ts",
    ]
    write_playlist(tv, *names)
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: len(feed.playlist("tv").torrents) == 1)
        assert set(feed.view("tv").resources) == {"a.ts"}
        assert [s.name for s in feed.library.streams()] == ["tv"]
    assert "outside in the feed is a link that leads out of it" in caplog.text
    assert "'../../secret', which is no file of the stream" in caplog.text


async def test_a_stream_whose_name_is_not_utf8_costs_the_others_nothing(
    feed_dir: Path, publishing: Any, wait_until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("tv", os.fsdecode(b"lat\xe9n")):
        write_segments(feed_dir / name, "a.ts")
        write_playlist(feed_dir / name, "a.ts")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        assert [view.name for view in feed.library.streams()] == ["tv"]
        assert "'lat\\udce9n' in the feed is not served: rename it" in caplog.text


async def test_streams_appear_and_vanish_while_it_runs(
    feed_dir: Path, ts_vod: Path, publishing: Any, wait_until: Any
) -> None:
    async with publishing(feed_dir, seed=True) as feed:
        assert feed.library.streams() == ()
        shutil.copytree(ts_vod, feed_dir / "copied")
        shutil.copytree(ts_vod, feed_dir.parent / "moved")
        (feed_dir.parent / "moved").rename(feed_dir / "moved")
        write_segments(feed_dir, "flat0.ts")
        write_playlist(feed_dir, "flat0.ts", file="flat.m3u8")
        await wait_until(lambda: feed.tagged("copied") and feed.tagged("moved"))
        await wait_until(lambda: feed.tagged("flat", "flat.m3u8"))
        shared = feed.torrent("copied", "seg0.ts").infohash
        assert feed.torrent("moved", "seg0.ts").infohash == shared
        await wait_until(lambda: shared in feed.session.seeding())
        shutil.rmtree(feed_dir / "copied")
        await wait_until(lambda: feed.library.stream("copied") is None)
        assert feed.library.knows(shared)
        assert shared not in feed.retired
        (feed_dir / "moved").rename(feed_dir.parent / "gone")
        await wait_until(lambda: feed.library.stream("moved") is None)
        await wait_until(lambda: shared in feed.retired)
        assert shared not in feed.session.seeding()
        assert [s.name for s in feed.library.streams()] == ["flat"]


async def test_a_live_stream_that_ends_becomes_a_recording_on_disk(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    data = write_segments(tv, "a.ts", "b.ts")
    write_playlist(tv, "a.ts", "b.ts")
    async with publishing(feed_dir, seed=True) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        assert feed.resource("tv", "a.ts").data is not None
        spool = feed.task._seeding._spool
        await wait_until(lambda: spool.used == 200_000)
        (tv / "a.ts").unlink()
        await wait_until(lambda: "tv/a.ts" not in feed.task._files)
        write_playlist(tv, "a.ts", "b.ts", end=True)
        await wait_until(lambda: not feed.view("tv").live)
        await wait_until(lambda: feed.resource("tv", "b.ts").data is None)
        await wait_until(lambda: spool.used == 100_000 and len(feed.session.seeding()) == 2)
        assert feed.bytes_of("tv", "a.ts") == data["a.ts"]  # gone from the disk: kept
        assert feed.bytes_of("tv", "b.ts") == data["b.ts"]
        assert feed.retired == []


async def test_a_segment_that_left_the_window_can_still_be_had_for_a_while(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    names = [f"{n}.ts" for n in range(12)]
    data = write_segments(tv, *names, size=1000)
    async with publishing(feed_dir) as feed:
        for first in range(9):
            write_playlist(tv, *names[first : first + 3], first=first)
            last = names[first + 2]
            await wait_until(lambda last=last: feed.library.stream("tv") and feed.listed("tv")[-1] == last)
        resources = feed.view("tv").resources
        # Listed are 8, 9, 10; three more have torrents still, and another window can be had over HTTP.
        assert [n for n in names if n in resources] == names[2:11]
        assert [n for n in names if n in resources and resources[n].torrent] == names[5:11]
        assert feed.bytes_of("tv", "2.ts") == data["2.ts"]


async def test_live_bytes_beyond_the_memory_bound_are_served_from_disk(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    names = [f"{n}.ts" for n in range(10)]
    data = write_segments(tv, *names)
    write_playlist(tv, *names)
    async with publishing(feed_dir, memory_bytes=350_000) as feed:
        await wait_until(lambda: feed.tagged("tv"))

        def held() -> list[str]:
            return [n for n in names if feed.resource("tv", n).data is not None]

        await wait_until(lambda: held() == names[-3:])
        assert all(feed.bytes_of("tv", n) == data[n] for n in names)
        assert feed.tagged("tv")


async def test_without_events_scans_find_everything(
    feed_dir: Path, publishing: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network file system, or when the kernel has no watches left."""

    def refuse(self: Watch) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(Watch, "_start", refuse)
    tv = feed_dir / "tv"
    async with publishing(feed_dir) as feed:
        write_segments(tv, "a.ts")
        write_playlist(tv, "a.ts")
        await wait_until(lambda: feed.tagged("tv"))
        write_segments(tv, "b.ts")
        write_playlist(tv, "a.ts", "b.ts")
        await wait_until(lambda: feed.listed("tv") == ["a.ts", "b.ts"] and feed.tagged("tv"))


async def test_a_feed_folder_that_is_replaced_is_followed(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    write_segments(feed_dir / "one", "a.ts")
    write_playlist(feed_dir / "one", "a.ts")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("one"))
        feed_dir.rename(feed_dir.parent / "old")
        await wait_until(lambda: feed.library.stream("one") is None)
        feed_dir.mkdir()
        write_segments(feed_dir / "two", "a.ts")
        write_playlist(feed_dir / "two", "a.ts")
        await wait_until(lambda: feed.tagged("two"))


@pytest.mark.parametrize("what", ["missing", "file"])
async def test_a_feed_that_cannot_be_used_is_one_clear_line(tmp_path: Path, what: str) -> None:
    feed = tmp_path / "feed"
    if what == "file":
        feed.touch()
    with pytest.raises(FeedError) as caught:
        await FeedTask(FeedConfig(feed), Library(feed)).run()
    assert str(feed) in str(caught.value)
    assert "\n" not in str(caught.value)
