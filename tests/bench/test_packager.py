from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.swarm.packager import KEPT, Packager, Schedule, master_playlist, media_playlist
from bench.swarm.settings import WINDOW
from bench.swarm.stream import Stream
from seeder.hls.playlist import MediaPlaylist, parse

NAMES = tuple(f"seg{k:05d}.m4s" for k in range(200))


def test_a_segment_is_released_when_what_it_shows_is_over() -> None:
    schedule = Schedule(1000.0)
    assert schedule.released(0) == 1002.0
    assert [schedule.newest(now) for now in (1000.0, 1001.9, 1002.0, 1004.0)] == [-1, -1, 0, 1]


def test_the_window_slides_and_every_segment_has_its_date() -> None:
    playlist = parse(media_playlist(Schedule(1000.0), NAMES, 20))
    assert isinstance(playlist, MediaPlaylist)
    assert [segment.uri for segment in playlist.segments] == list(NAMES[20 - WINDOW + 1 : 21])
    assert playlist.segments[-1].msn == 20
    assert "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:17:20.000Z" in playlist.text, "segment 20 began at 1040"


def test_a_stream_shorter_than_the_window_is_listed_whole() -> None:
    assert media_playlist(Schedule(1000.0), NAMES, 1).count("#EXTINF") == 2


def test_the_multivariant_playlist_names_the_variant() -> None:
    assert master_playlist(1_600_000).splitlines()[-1] == "video/index.m3u8"


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    folder = tmp_path / "stream"
    folder.mkdir()
    for name in ("init.mp4", *NAMES[:40]):
        (folder / name).write_bytes(name.encode())
    return Stream(folder, NAMES[:40], (12,) * 40, 48)


async def test_a_window_is_there_at_once_and_files_stay_for_another(stream: Stream, tmp_path: Path) -> None:
    packager = Packager(stream, tmp_path / "feed")
    folder = tmp_path / "feed" / "show" / "video"
    assert sorted(f.name for f in folder.glob("*.m4s")) == list(NAMES[:WINDOW])
    packager.schedule = Schedule(packager.schedule.epoch - 2 * 20)  # forty seconds later
    running = asyncio.create_task(packager.run())
    async with asyncio.timeout(60):
        while not (folder / NAMES[WINDOW + 19]).exists():
            await asyncio.sleep(0.01)
    running.cancel()
    left = sorted(f.name for f in folder.glob("*.m4s"))
    assert left[-1] >= NAMES[WINDOW + 19]
    assert len(left) == KEPT
    assert not list(folder.glob(".*.tmp"))
