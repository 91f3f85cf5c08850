"""Files of many segments (EXT-X-BYTERANGE): each range has a torrent of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from seeder.hls.manifest import annotate
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Addresses, Kind, Resource, Span
from seeder.torrent.metainfo import matches

HEAD = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n"
DATA = os.urandom(200_000)


def write(folder: Path, *ranges: str, head: str = "", end: bool = True, file: str = "index.m3u8") -> None:
    """As writers do: under a temporary name, then renamed into place."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = "".join(f"#EXTINF:2,\n#EXT-X-BYTERANGE:{text}\nall.mp4\n" for text in ranges)
    (folder / "tmp").write_text(HEAD + head + entries + "#EXT-X-ENDLIST\n" * end)
    (folder / "tmp").rename(folder / file)


def add(folder: Path, stop: int) -> None:
    """The writer is done with its file after ``stop`` bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all.mp4").write_bytes(DATA[:stop])


def read(feed: Any, resource: Resource) -> bytes:
    with feed.library.read(resource) as handle:
        found: bytes = handle.read(resource.size)
        return found


async def test_the_ranges_of_a_recording_have_torrents_and_are_seeded_from_the_spool(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    add(tv, 200_000)
    head = '#EXT-X-MAP:URI="all.mp4",BYTERANGE="800@0"\n'
    write(tv, "100000@800", "50000", "10@199990", head=head)
    async with publishing(feed_dir, seed=True) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        resource = feed.library.resource("tv", "all.mp4")
        assert resource.kind is Kind.SEGMENT
        assert resource.torrent is None
        assert read(feed, resource) == DATA
        spans = [Span(800, 100_000), Span(100_800, 50_000), Span(199_990, 10)]
        assert set(resource.parts) == set(spans)
        found = list(feed.playlist("tv").torrents.values())
        assert [t.name for t in found] == ["all.mp4@800", "all.mp4@100800", "all.mp4@199990"]
        await wait_until(lambda: len(feed.session.seeding()) == 3)
        for torrent, span in zip(found, spans, strict=True):
            assert matches(torrent, span.of(DATA))
            assert feed.library.knows(torrent.infohash)
            assert feed.task._seeding._spool.path(torrent.infohash).read_bytes() == span.of(DATA)
        manifest = annotate(feed.playlist("tv"), bytes(20), Addresses("http://h", "ws://h/announce"), "tv")
        assert "ws=" not in manifest


async def test_a_file_that_grows_while_it_is_listed_is_served_and_hashed_as_far_as_it_is(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    tv.mkdir()
    with (tv / "all.mp4").open("wb", buffering=0) as handle:
        handle.write(DATA[:50_000])
        write(tv, "20000@0", "20000", end=False)
        async with publishing(feed_dir, scan_seconds=3600.0) as feed:
            await wait_until(lambda: feed.tagged("tv"))
            first, _ = feed.playlist("tv").torrents.values()
            handle.write(DATA[50_000:90_000])  # and the file stays open: nothing says that it is longer
            assert read(feed, feed.library.resource("tv", "all.mp4"))[:40_000] == DATA[:40_000]
            write(tv, "20000@20000", "20000", "20000", end=False, head="#EXT-X-MEDIA-SEQUENCE:1\n")
            await wait_until(lambda: len(feed.playlist("tv").torrents) == 3)
            assert [t.name for t in feed.playlist("tv").torrents.values()] == [
                f"all.mp4@{n}0000" for n in (2, 4, 6)
            ]
            for torrent, at in zip(
                feed.playlist("tv").torrents.values(), (20_000, 40_000, 60_000), strict=True
            ):
                assert matches(torrent, DATA[at : at + 20_000])
            assert not feed.library.knows(first.infohash), "what is not listed any more is forgotten"
            assert read(feed, feed.library.resource("tv", "all.mp4"))[:80_000] == DATA[:80_000]


async def test_a_file_that_was_made_anew_is_hashed_anew(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    add(tv, 40_000)
    write(tv, "20000@0", "20000", end=False)
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        (tv / "all.mp4").write_bytes(DATA[::-1])
        write(tv, "20000@0", "20000", "20000", end=False)
        await wait_until(lambda: len(feed.playlist("tv").torrents) == 3)
        for torrent, at in zip(feed.playlist("tv").torrents.values(), (0, 20_000, 40_000), strict=True):
            assert matches(torrent, DATA[::-1][at : at + 20_000])


async def test_frames_in_the_segments_of_others_take_nothing_from_these(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    add(tv, 100_000)
    write(tv, "500@100", "500@5000", head="#EXT-X-I-FRAMES-ONLY\n", file="frames.m3u8")
    (tv / "index.m3u8").write_text(HEAD + "#EXTINF:2,\nall.mp4\n#EXT-X-ENDLIST\n")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        (torrent,) = feed.playlist("tv").torrents.values()
        assert matches(torrent, DATA[:100_000])
        assert feed.playlist("tv", "frames.m3u8").torrents == {}


async def test_what_ffmpeg_writes_into_one_file_is_published_range_by_range(
    ffmpeg: str, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    tv = feed_dir / "tv"
    tv.mkdir()
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10", "-t", "6"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "hls", "-hls_time", "1"),
        *("-hls_list_size", "0", "-hls_flags", "single_file", "-hls_segment_type", "fmp4", "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=60, cwd=tv)
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("tv"))
        playlist = parse(feed.playlist("tv").text)
        assert isinstance(playlist, MediaPlaylist)
        assert len(playlist.segments) == 6
        (name,) = {segment.uri for segment in playlist.segments}
        data = (tv / name).read_bytes()
        for segment in playlist.segments:
            assert segment.span is not None
            assert matches(feed.playlist("tv").torrents[segment.line], segment.span.of(data))
