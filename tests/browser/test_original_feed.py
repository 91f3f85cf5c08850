"""The feeds of the original live-torrent's README, made by its own ffmpeg commands, in real Chromium."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.asking import plays, stats, until
from tests.conftest import NewPage, Start


@pytest.fixture(scope="session")
def movie(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An H.264/AAC film of 45 s with a key frame a second, as one downloads them."""
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", "45", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"),
        *("-c:a", "aac", str(path)),
    ]
    subprocess.run(command, check=True, timeout=100)
    return path


def to_hls(ffmpeg: str, movie: Path, feed: Path) -> None:
    """Into the feed folder itself, ten-second MPEG-TS segments beside ``chunks.m3u8``."""
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-i", str(movie)),
        *("-codec:", "copy", "-start_number", "0", "-hls_time", "10", "-hls_list_size", "0"),
        *("-f", "hls", "chunks.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=feed)


@pytest.fixture
def live_ffmpeg(ffmpeg: str, movie: Path, feed_dir: Path) -> Iterator[Path]:
    """ffmpeg at work: a live stream ``show`` whose old segments it deletes."""
    folder = feed_dir / "show"
    folder.mkdir()
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-readrate", "1", "-readrate_initial_burst", "8", "-stream_loop", "-1", "-i", str(movie)),
        *("-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "5"),
        *("-hls_flags", "delete_segments", "index.m3u8"),
    ]
    process = subprocess.Popen(command, cwd=folder)
    yield feed_dir
    process.kill()
    process.wait()


async def test_a_recording_plays_to_its_end(
    ffmpeg: str, movie: Path, feed_dir: Path, live_torrent: Start, new_page: NewPage
) -> None:
    to_hls(ffmpeg, movie, feed_dir)
    server = await live_torrent("serve", "--feed", str(feed_dir))
    page = await new_page()
    await page.goto(f"{server.url}/watch/chunks?mode=loader")
    await plays(page)
    await page.evaluate("document.querySelector('video').currentTime = 43")

    async def ended() -> bool:
        return bool(await page.evaluate("document.querySelector('video').ended"))

    await until("the recording has ended", ended, page)
    told = await stats(page)
    assert {segment["msn"] for segment in told["segments"]} >= {0, 4}


async def test_a_looped_recording_is_live_and_shared(
    ffmpeg: str, movie: Path, feed_dir: Path, live_torrent: Start, new_page: NewPage
) -> None:
    to_hls(ffmpeg, movie, feed_dir)
    server = await live_torrent("serve", "--feed", str(feed_dir), "--loop")
    pages = [await new_page(), await new_page()]
    for page in pages:
        await page.goto(f"{server.url}/watch/chunks?mode=loader")
        await plays(page)

    async def exchanging() -> bool:
        first, second = [await stats(page) for page in pages]
        return bool(first["bytesFromPeers"] + second["bytesFromPeers"] > 0)

    await until("bytes come from the other viewer", exchanging, pages[1])
    playlist = await pages[0].evaluate("fetch('/live/chunks/chunks.m3u8').then(answer => answer.text())")
    assert "#EXT-X-ENDLIST" not in playlist


async def test_a_live_feed_whose_segments_are_deleted_plays_on(
    live_ffmpeg: Path, live_torrent: Start, new_page: NewPage
) -> None:
    server = await live_torrent("serve", "--feed", str(live_ffmpeg))
    page = await new_page()
    await page.goto(f"{server.url}/watch/show?mode=loader")
    await plays(page)
    seen = len((await stats(page))["segments"])

    async def more() -> bool:
        return len((await stats(page))["segments"]) >= seen + 5

    await until("five more segments", more, page)
    assert (await stats(page))["stalls"] == 0
    # The writer has deleted what left its window; nobody noticed.
    listed = sorted(path.name for path in (live_ffmpeg / "show").glob("*.ts"))
    assert "index0.ts" not in listed
