"""What may befall a recording: kills, full disks, deleted folders, writers with ideas of their own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seeder import service
from seeder.config import Config, Plan
from seeder.recording import disk
from seeder.recording.about import State, load
from tests.conftest import Start
from tests.recording.conftest import Open, Studio, Writer, media, playlist, until, uris


def playable(folder: Path) -> list[str]:
    """What a recording lists, every bit of it there."""
    found = []
    for path in media(folder):
        for segment in playlist(path).segments:
            assert (path.parent / segment.uri).stat().st_size > 0
            found.append(segment.uri)
    return found


async def test_killed_at_any_moment_it_can_be_played_and_goes_on_with_nothing_lost_or_twice(
    live_torrent: Start, feed_dir: Path
) -> None:
    dice = random.Random(6)
    garden = Writer(feed_dir, "garden", window=1000)
    writing = True

    async def write() -> None:
        while writing:
            garden.add(f"{garden.first} ".encode() * 2000)
            await asyncio.sleep(0.1)

    def recordings() -> list[Path]:
        return [f for f in sorted(feed_dir.iterdir()) if (f / "recording.json").exists()]

    job: asyncio.Task[None] | None = None
    try:
        for _ in range(2):
            before = len(playable(recordings()[0])) if recordings() else 0
            server = await live_torrent("serve", "--feed", str(feed_dir), "--record")
            job = job or asyncio.create_task(write())
            await until(lambda: recordings() and len(playable(recordings()[0])) > before)  # noqa: B023
            await asyncio.sleep(dice.random() / 4)
            server.kill()
            (folder,) = recordings()
            assert playable(folder) == [f"seg{n}.ts" for n in range(len(playable(folder)))]
            assert "#EXT-X-ENDLIST" not in (folder / "index.m3u8").read_text()
        server = await live_torrent("serve", "--feed", str(feed_dir), "--record")
        writing = False
        await job
        garden.write(ended=True)
        (folder,) = recordings()
        await until(lambda: (about := load(folder)) and about.state is State.READY)
        whole = playlist(folder / "index.m3u8")
        assert whole.ended
        assert [s.uri for s in whole.segments] == [f"seg{n}.ts" for n in range(garden.first)]
        for number in range(garden.first):
            assert (folder / f"seg{number}.ts").read_bytes() == f"{number} ".encode() * 2000
        about = load(folder)
        assert about is not None
        assert (about.segments, about.lost) == (garden.first, 0.0)
        await server.stop()
    finally:
        writing = False
        if job is not None:
            await job


async def test_whatever_step_it_is_killed_before_the_next_start_makes_it_whole(
    recording: Open, feed_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / "left"
    left.mkdir()

    def before(name: str) -> None:
        real = getattr(os, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            for folder in feed_dir.glob("garden-*"):
                with contextlib.suppress(OSError, shutil.Error):  # others are at work, too
                    shutil.copytree(folder, left / f"{len(list(left.iterdir())):03}-{name}")
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, step)

    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", prefix="6b02592d-0000000")
        garden.folder.mkdir()
        for name in ("link", "replace", "rename", "pwrite", "ftruncate", "unlink"):
            before(name)
        for count in range(1, 4):
            ours = garden.folder / f"6b02592d-{count:08}.m4s"
            ours.write_bytes(b"%d" % count * 1000)
            garden.list(ours.name)
            await studio.recorded("garden", count)
        garden.write(ended=True)
        await studio.ready("garden")
        monkeypatch.undo()
    whole = [f"6b02592d-{count:08}.m4s" for count in range(1, 4)]
    feed = tmp_path / "again"
    shutil.copytree(left, feed)
    kept = [folder for folder in sorted(feed.iterdir()) if load(folder) is not None]
    assert len(kept) >= 12
    for folder in kept:
        assert playable(folder) == whole[: len(playable(folder))], folder
    async with recording(feed, grace=0.5) as studio:
        await until(lambda: not [r for r in studio.all("garden") if r.state is not State.READY])
        for folder in (folder for folder in kept if folder.exists()):
            found = playable(folder)
            assert found == whole[: len(found)]
            assert all(playlist(path).ended for path in media(folder))
            about = load(folder)
            assert about is not None
            assert (about.segments, about.duration) == (len(found), 2.0 * len(found))


async def test_what_nobody_goes_on_with_is_finished_at_the_next_start(
    recording: Open, feed_dir: Path
) -> None:
    garden = Writer(feed_dir, "garden")
    async with recording(feed_dir) as studio:
        garden.add()
        folder = await studio.recorded("garden", 1)
        shutil.copytree(folder, feed_dir.parent / "killed")
    # As a kill would have left it; with half a line more.
    shutil.rmtree(folder)
    shutil.move(feed_dir.parent / "killed", folder)
    with (folder / ".journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,"p":"index')
    (folder / ".seg1.ts.tmp").write_bytes(b"half of i")
    shutil.rmtree(feed_dir / "garden")
    async with recording(feed_dir, grace=0.5) as studio:
        await studio.ready("garden")
        assert playlist(folder / "index.m3u8").ended
        assert uris(folder / "index.m3u8") == ["seg0.ts"]
        await until(lambda: not list(folder.glob(".*")))


async def test_a_recording_without_its_journal_is_finished_from_its_playlists(
    recording: Open, feed_dir: Path
) -> None:
    garden = Writer(feed_dir, "garden")
    async with recording(feed_dir) as studio:
        garden.add()
        folder = await studio.recorded("garden", 1)
        shutil.copytree(folder, feed_dir.parent / "killed", ignore=shutil.ignore_patterns(".*"))
    shutil.rmtree(folder)
    shutil.move(feed_dir.parent / "killed", folder)
    async with recording(feed_dir) as studio:
        await studio.ready("garden")
        whole = playlist(folder / "index.m3u8")
        assert (whole.ended, whole.playlist_type) == (True, "VOD")


async def test_silence_ends_it_and_what_comes_later_is_another_one(recording: Open, feed_dir: Path) -> None:
    async with recording(feed_dir, grace=1.0) as studio:
        garden = Writer(feed_dir, "garden", target=0)
        garden.add()
        first = await studio.ready("garden")
        garden.add()
        second = await studio.recorded("garden", 1, number=1)
        assert uris(first / "index.m3u8") == ["seg0.ts"]
        assert uris(second / "index.m3u8") == ["seg1.ts"]


async def test_a_folder_deleted_under_it_is_told_and_another_begins(recording: Open, feed_dir: Path) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden")
        garden.add()
        folder = await studio.recorded("garden", 1)
        shutil.rmtree(folder)
        garden.add()
        await until(lambda: "recording.gone" in studio.kinds())
        assert not folder.exists() or load(folder) is not None, "nothing is written into what is gone"
        garden.add()
        again = await studio.recorded("garden", 1)
        await until(lambda: uris(again / "index.m3u8")[-1] == "seg2.ts")


async def test_a_long_one_is_followed_by_another_without_a_hole(
    recording: Open, feed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeder.recording.take.MOST_SEGMENTS", 2)
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=9)
        for _ in range(5):
            garden.add()
        await studio.ready("garden", 1)
        garden.write(ended=True)
        found = [uris(await studio.ready("garden", number) / "index.m3u8") for number in range(3)]
        assert found == [["seg0.ts", "seg1.ts"], ["seg2.ts", "seg3.ts"], ["seg4.ts"]]


async def test_empty_segments_and_gaps_are_left_out_and_told(
    recording: Open, feed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeder.recording.listings.ABSENT", 0.2)
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=20)
        garden.add()
        garden.add(b"")
        garden.add()
        garden.list("nowhere.ts")
        garden.list("gap.ts", tags="#EXT-X-GAP\n")
        garden.add()
        folder = await studio.recorded("garden", 3)
        garden.write(ended=True)
        await studio.ready("garden")
        whole = playlist(folder / "index.m3u8")
        assert [(s.uri, s.discontinuity) for s in whole.segments] == [
            ("seg0.ts", False), ("seg2.ts", True), ("seg3.ts", True),
        ]  # fmt: skip
        about = load(folder)
        assert about is not None
        assert (about.state, about.lost) == (State.INCOMPLETE, 6.0)


async def test_without_hard_links_it_copies_and_our_own_files_are_linked(
    recording: Open, feed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with recording(feed_dir) as studio:
        ours = Writer(feed_dir, "ours", prefix="6b02592d-0000000")
        for stream, links in (("ours", True), ("without", False)):
            ours.stream, ours.first, ours.msn = stream, 0, 0
            ours.entries.clear()
            if not links:
                monkeypatch.setattr(os, "link", refuse)
            name = ours.add()
            ours_name = ours.folder / "6b02592d-00000001.m4s"
            ours_name.write_bytes(b"fragment" * 100)
            ours.list(ours_name.name)
            folder = await studio.recorded(stream, 2)
            assert uris(folder / "index.m3u8") == [name, ours_name.name]
            assert (folder / ours_name.name).samefile(ours_name) is links
            assert not (folder / name).samefile(ours.folder / name), "others may write over theirs"
            assert (folder / ours_name.name).read_bytes() == b"fragment" * 100


def refuse(*args: object, **kwargs: object) -> None:
    raise PermissionError(errno.EPERM, "no links on this file system")


async def test_streams_that_look_like_recordings_and_share_names_stay_apart(
    recording: Open, feed_dir: Path
) -> None:
    async with recording(feed_dir, clock=lambda: 1_767_225_600.0) as studio:
        (feed_dir / "garden-20260101-000000").mkdir()
        (feed_dir / "garden-20260101-000000-2").write_text("a file")
        for stream in ("garden", "garden-20260101-000000", "roof"):
            Writer(feed_dir, stream, at=1_767_225_600.0).add()
        for stream in ("garden", "garden-20260101-000000", "roof"):
            folder = await studio.recorded(stream, 1)
            assert (folder / "seg0.ts").read_bytes() == f"{stream}/seg0.ts ".encode() * 500
        (name,) = (r.name for r in studio.all("garden"))
        assert name == "garden-20260101-000000-3", "neither the stream's nor the file's"


async def test_a_clock_that_jumps_changes_nothing(recording: Open, feed_dir: Path) -> None:
    now = [1_763_700_000.0]
    async with recording(feed_dir, clock=lambda: now[0]) as studio:
        garden = Writer(feed_dir, "garden")
        for count, jump in enumerate((0.0, -90_000.0, 400_000.0), 1):
            now[0] += jump
            garden.add()
            folder = await studio.recorded("garden", count)
        garden.write(ended=True)
        await studio.ready("garden")
        assert uris(folder / "index.m3u8") == ["seg0.ts", "seg1.ts", "seg2.ts"]
        assert len(studio.all("garden")) == 1


async def test_live_files_are_let_go_of_though_their_torrents_are_seeded_on(
    feed_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LET_GO", 3600.0)
    config = Config(port=0, record=True, keys=tmp_path / "keys.json")
    async with service.running(Plan(config, feed_dir.resolve())) as running:
        garden = Writer(feed_dir, "garden", window=3)
        for count in range(1, 12):
            garden.add()
            await until(lambda: shown(running.library, "garden", count))  # noqa: B023
        folder = next(f for f in feed_dir.iterdir() if (f / "recording.json").exists())
        view = await until(lambda: running.library.stream(folder.name))
        torrent = view.resources["seg0.ts"].torrent
        assert torrent is not None
        if running.seed is not None:
            await until(lambda: torrent.infohash in running.seed.seeding())  # type: ignore[union-attr]
        async with asyncio.timeout(90):
            await running._let_go(feed_dir.resolve() / "garden" / "seg0.ts")
        assert running.library.knows(torrent.infohash)


def shown(library: Any, stream: str, last: int) -> bool:
    view = library.stream(stream)
    return view is not None and f"seg{last - 1}.ts" in view.resources


async def test_libtorrent_goes_on_from_the_recordings_file_when_the_live_one_is_deleted(
    feed_dir: Path,
) -> None:
    from tests.recording.conftest import studio as opened

    async with opened(feed_dir, seed=True, memory_bytes=1) as studio:
        garden = Writer(feed_dir, "garden", window=3)
        garden.add()
        folder = await studio.recorded("garden", 1)
        await until(lambda: studio.feed.tagged("garden"))
        torrent = studio.feed.torrent("garden", "seg0.ts")
        session = studio.feed.session
        assert session is not None
        await until(lambda: torrent.infohash in session.seeding())
        for _ in range(12):
            garden.add()
            await until(lambda: f"seg{garden.first - 1}.ts" in studio.feed.listed("garden"))
        await until(lambda: not studio.feed.task.reads(garden.folder / "seg0.ts"))
        (garden.folder / "seg0.ts").unlink()
        await until(lambda: studio.feed.task.reads(folder / "seg0.ts"))
        await until(lambda: torrent.infohash in session.seeding())


# --- disks -----------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A feed on a disk of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting a small disk takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("reserve", [20, 10**9], ids=["reserve", "to the last byte"])
async def test_a_full_disk_costs_the_recording_what_left_the_window_and_nothing_else(
    small_disk: Path, recording: Open, reserve: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "SHARE", reserve)
    async with recording(small_disk) as studio:
        garden = Writer(small_disk, "garden", window=3)
        for _ in range(2):
            await step(studio, garden)
        folder = await studio.recorded("garden", 2)
        (small_disk / "filler").write_bytes(b"")
        with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096) == 4096:
                pass
        lost = []
        for _ in range(6):  # the live stream has a place of its own
            with (small_disk / "filler").open("r+b") as file:
                file.truncate(max(0, file.seek(0, os.SEEK_END) - 36_864))
            lost.append(await step(studio, garden))
            with contextlib.suppress(OSError), (small_disk / "filler").open("ab", buffering=0) as file:
                while file.write(b"x" * 4096) == 4096:
                    pass
            await until(lambda: studio.recorder.trouble())
        assert "garden: " in studio.recorder.trouble()
        assert uris(folder / "index.m3u8")[:2] == ["seg0.ts", "seg1.ts"]
        (small_disk / "filler").unlink()
        await until(lambda: not studio.recorder.trouble())
        last = await step(studio, garden)
        await until(lambda: last in uris(folder / "index.m3u8"))
        garden.write(ended=True)
        await studio.ready("garden")
        about, whole = load(folder), playlist(folder / "index.m3u8")
        assert about is not None
        assert about.state is State.INCOMPLETE
        missing = garden.first - len(whole.segments)
        assert missing > 0
        assert about.lost == pytest.approx(2.0 * missing)
        assert sum(s.discontinuity for s in whole.segments) >= 1
        assert len(set(playable(folder))) == len(whole.segments)
        assert about.bytes == sum((folder / s.uri).stat().st_size for s in whole.segments)


async def step(studio: Studio, garden: Writer) -> str:
    name = garden.add(os.urandom(32_768))
    await until(lambda: studio.feed.library.stream("garden") and name in studio.feed.listed("garden"))
    return name
