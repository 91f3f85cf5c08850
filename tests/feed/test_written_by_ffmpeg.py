"""What real ffmpegs write is published: the original README's feeds, and what broke the original."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from seeder.hls.check import check
from seeder.hls.manifest import annotate
from seeder.hls.playlist import MediaPlaylist, MultivariantPlaylist, parse
from seeder.model import Addresses, Kind
from seeder.torrent.metainfo import matches

ADDRESSES = Addresses("http://127.0.0.1:8008", "ws://127.0.0.1:8008/announce")

SOURCE = [
    *("-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25"),
    *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
]
CODECS = [
    *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "150k", "-g", "25", "-keyint_min", "25"),
    *("-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "48k"),
]


async def run(ffmpeg: str, *arguments: str, cwd: Path | None = None) -> None:
    process = await asyncio.create_subprocess_exec(
        ffmpeg, "-nostdin", "-v", "error", "-y", *arguments, cwd=cwd
    )
    assert await process.wait() == 0


@contextlib.asynccontextmanager
async def live(ffmpeg: str, folder: Path, *muxer: str) -> AsyncIterator[None]:
    """A live ffmpeg with 1 s segments in a window of four, three times as fast as a clock."""
    folder.mkdir(parents=True, exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(
            ffmpeg,
            "-nostdin",
            "-v",
            "error",
            "-readrate",
            "3",
            *SOURCE,
            *CODECS,
            "-f",
            "hls",
            "-hls_time",
            "1",
        ),
        *("-hls_list_size", "4", *muxer, str(folder / "index.m3u8")),
        cwd=folder,
    )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.fixture(scope="module")
async def movie(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    await run(ffmpeg, *SOURCE, "-t", "25", *CODECS, str(path))
    return path


def manifest(feed: Any, stream: str, path: str = "index.m3u8") -> str:
    return annotate(feed.playlist(stream, path), feed.view(stream).rendezvous, ADDRESSES, stream)


async def test_the_original_readmes_recording_in_the_feed_itself(
    ffmpeg: str, movie: Path, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    await run(
        *(ffmpeg, "-i", str(movie), "-codec:", "copy", "-start_number", "0", "-hls_time", "10"),
        *("-hls_list_size", "0", "-f", "hls", "chunks.m3u8"),
        cwd=feed_dir,
    )
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("chunks", "chunks.m3u8"))
        assert feed.listed("chunks", "chunks.m3u8") == ["chunks0.ts", "chunks1.ts", "chunks2.ts"]
        assert not feed.view("chunks").live
        found = check([manifest(feed, "chunks", "chunks.m3u8")])
        assert {f.rule for f in found} == {"target-duration-long"}, "ten seconds were its author's choice"
        for name in feed.listed("chunks", "chunks.m3u8"):
            data = (feed_dir / name).read_bytes()
            assert feed.bytes_of("chunks", name) == data
            assert matches(feed.torrent("chunks", name), data)
            assert feed.resource("chunks", name).data is None  # a recording stays on disk
        master = parse(feed.playlist("chunks", "master.m3u8").text)
        assert isinstance(master, MultivariantPlaylist)
        assert [v.uri for v in master.variants] == ["chunks.m3u8"]


@pytest.mark.parametrize(
    "muxer",
    [
        ("-hls_flags", "delete_segments"),
        ("-hls_flags", "delete_segments", "-hls_segment_type", "fmp4"),
        ("-hls_flags", "delete_segments+temp_file+program_date_time", "-hls_segment_filename", "%05d.ts"),
    ],
    ids=["mpegts", "fmp4", "zero-padded"],
)
async def test_a_live_stream_that_deletes_its_segments(
    ffmpeg: str, feed_dir: Path, publishing: Any, wait_until: Any, muxer: tuple[str, ...]
) -> None:
    """Segments get their torrents, outlive their files, and leave with the window."""
    seen: list[str] = []
    async with publishing(feed_dir, seed=True) as feed, live(ffmpeg, feed_dir / "tv", *muxer):
        await wait_until(lambda: feed.tagged("tv"))
        first = feed.listed("tv")[0]
        data, torrent = feed.bytes_of("tv", first), feed.torrent("tv", first)
        assert feed.resource("tv", first).data is not None  # live: from memory
        changes = feed.library.changes()
        async with asyncio.timeout(90), contextlib.aclosing(changes):
            async for _ in changes:
                playlist = feed.playlist("tv")
                if not seen or playlist.text != seen[-1]:
                    seen.append(playlist.text)
                if torrent.infohash in feed.retired:
                    break
        assert matches(torrent, data)
        assert not (feed_dir / "tv" / first).exists()
        assert not feed.library.knows(torrent.infohash)
        assert torrent.infohash not in feed.session.seeding()
        newest = feed.torrent("tv", feed.listed("tv")[-1]).infohash
        await wait_until(lambda: newest in feed.session.seeding())
        # ffmpeg itself breaks a rule now and then (its TARGETDURATION changes): ours are the tags.
        tags = [f for text in seen for f in check([text]) if f.section == "live-torrent tags"]
        assert tags == []
        if "fmp4" in muxer:
            assert feed.resource("tv", "init.mp4").kind is Kind.INIT


async def test_variants_in_subfolders_whose_files_have_the_same_names(
    ffmpeg: str, movie: Path, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    folder = feed_dir / "show"
    folder.mkdir()
    await run(
        *(ffmpeg, "-i", str(movie), "-t", "6", "-map", "0:v", "-map", "0:v"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-b:v:0", "100k", "-b:v:1", "300k"),
        *("-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-var_stream_map", "v:0 v:1"),
        *("-master_pl_name", "all.m3u8", "-hls_segment_filename", "v%v/seg%03d.ts", "v%v/index.m3u8"),
        cwd=folder,
    )
    async with publishing(feed_dir) as feed:
        await wait_until(
            lambda: feed.tagged("show", "v0/index.m3u8") and feed.tagged("show", "v1/index.m3u8")
        )
        assert feed.playlist("show", "master.m3u8").text == (folder / "all.m3u8").read_text()
        for name in ("seg000.ts", "seg001.ts", "seg002.ts"):
            low, high = (feed.torrent("show", f"{v}/{name}") for v in ("v0", "v1"))
            assert low.infohash != high.infohash
            assert matches(low, (folder / "v0" / name).read_bytes())
            assert matches(high, (folder / "v1" / name).read_bytes())


async def test_names_with_blanks_and_reserved_characters(
    ts_vod: Path, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    """ffmpeg does not percent-encode; a writer that does is right too."""
    folder = feed_dir / "My Show #1"
    folder.mkdir()
    raw, encoded = "säg ment 100%.ts", "a%23b%3F.ts"
    shutil.copy(ts_vod / "seg0.ts", folder / raw)
    shutil.copy(ts_vod / "seg1.ts", folder / "a#b?.ts")
    shutil.copy(ts_vod / "seg2.ts", folder / "lit%41.ts")
    body = "".join(f"#EXTINF:2,\n{uri}\n" for uri in (raw, encoded, "lit%41.ts"))
    (folder / "index.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{body}#EXT-X-ENDLIST\n")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("My Show #1"))
        for path, name in ((raw, raw), ("a#b?.ts", "a#b?.ts"), ("litA.ts", "lit%41.ts")):
            assert feed.bytes_of("My Show #1", path) == (folder / name).read_bytes()
        assert check([manifest(feed, "My Show #1")]) == []


async def test_it_may_be_started_from_another_directory(
    ts_vod: Path, feed_dir: Path, publishing: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ts_vod, feed_dir / "vod")
    monkeypatch.chdir(feed_dir.parent)
    async with publishing(Path("feed")) as feed:
        monkeypatch.chdir("/")
        await wait_until(lambda: feed.tagged("vod"))
        assert feed.bytes_of("vod", "seg0.ts") == (ts_vod / "seg0.ts").read_bytes()


@pytest.mark.parametrize("count", [1, 2])
async def test_fewer_than_three_segments(
    ts_vod: Path, feed_dir: Path, publishing: Any, wait_until: Any, count: int
) -> None:
    folder = feed_dir / "short"
    folder.mkdir()
    for n in range(count):
        shutil.copy(ts_vod / f"seg{n}.ts", folder)
    body = "".join(f"#EXTINF:2,\nseg{n}.ts\n" for n in range(count))
    (folder / "index.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{body}")
    async with publishing(feed_dir) as feed:
        await wait_until(lambda: feed.tagged("short"))
        assert len(feed.listed("short")) == count


async def test_a_playlist_of_1200_segments_gets_all_its_tags_and_seeds_a_bounded_number(
    feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    folder = feed_dir / "long"
    folder.mkdir()
    for n in range(1200):
        (folder / f"{n:05}.ts").write_bytes(os.urandom(2000))
    body = "".join(f"#EXTINF:2,\n{n:05}.ts\n" for n in range(1200))
    (folder / "index.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{body}#EXT-X-ENDLIST\n")
    async with publishing(feed_dir, seed=True, max_torrents=20) as feed:
        await wait_until(lambda: feed.tagged("long"))
        asked = feed.library.resource("long", "01100.ts")
        assert asked is not None
        assert asked.torrent is not None
        wanted = asked.torrent.infohash
        await wait_until(lambda: wanted in feed.session.seeding())
        assert len(feed.session.seeding()) <= 20
        assert feed.retired == []  # all are still published


async def test_a_finished_folder_is_played_over_and_over(
    fmp4_vod: Path, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    shutil.copytree(fmp4_vod, feed_dir / "loop")
    async with publishing(feed_dir, loop=True, seed=True) as feed:
        await wait_until(lambda: feed.tagged("loop"))
        texts = [feed.playlist("loop").text]
        async with asyncio.timeout(60), contextlib.aclosing(feed.library.changes()) as changes:
            async for _ in changes:
                if feed.playlist("loop").text != texts[-1]:
                    texts.append(feed.playlist("loop").text)
                if len(texts) == 3:
                    break
        assert {f.rule for f in check(texts)} <= {"uri-reused"}
        assert feed.view("loop").live
        first, last = parse(texts[0]), parse(texts[-1])
        assert isinstance(first, MediaPlaylist)
        assert isinstance(last, MediaPlaylist)
        assert last.media_sequence > first.media_sequence
        assert not last.ended
        assert feed.playlist("loop").live
        assert check([manifest(feed, "loop")]) == []
        assert feed.bytes_of("loop", "init.mp4") == (fmp4_vod / "init.mp4").read_bytes()
