"""Shared by the browser tests: a recording to broadcast, and a live stream."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.broadcast import SECONDS, Recording
from tests.conftest import Running, commands, make_hls

LENGTH = 240
"""Seconds: longer than any test, so that no broadcast ends during one."""
RATE = 10
"""Frames a second: all that a test looks at is whether they come."""


@pytest.fixture(scope="session")
def recording(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A small test picture with a tone as fMP4 segments of SECONDS each."""
    folder = tmp_path_factory.mktemp("recording")
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={RATE}"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(LENGTH), "-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "600k", "-pix_fmt", "yuv420p"),
        *("-g", str(RATE * SECONDS), "-keyint_min", str(RATE * SECONDS), "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", "64k"),
        *("-f", "hls", "-hls_time", str(SECONDS), "-hls_list_size", "0", "-hls_segment_type", "fmp4"),
        *("-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", str(folder / "seg%d.m4s")),
        str(folder / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return Recording.read(folder)


@pytest.fixture(scope="session")
def long_vod(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight minutes of 2 s segments: looped as a live stream, none comes again during a test."""
    folder = tmp_path_factory.mktemp("long-vod")
    return make_hls(
        ffmpeg,
        folder,
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-hls_segment_filename", str(folder / "seg%03d.m4s")),
        seconds=2 * LENGTH,
        rate=RATE,
    )


def just_begun(playlist: str, now: float) -> str:
    """A VOD playlist of like segments without some of its last: its loop, whose cycles are counted from the
    epoch (seeder/feed/loop.py), has just begun, so that a test meets its seam only when it asks for it."""
    entries = re.findall(r"#EXTINF:.*\n.*\n", playlist)
    each = float(entries[0][len("#EXTINF:") :].split(",")[0])
    kept = min(range(len(entries) * 3 // 4, len(entries) + 1), key=lambda count: now % (count * each))
    head = playlist[: playlist.index(entries[0])]
    return head + "".join(entries[:kept]) + "#EXT-X-ENDLIST\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def live(tmp_path_factory: pytest.TempPathFactory, long_vod: Path) -> AsyncIterator[Running]:
    """A server that plays ``long_vod`` as the live stream ``show``, for all tests of a file: viewers leave
    with their test."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(long_vod, folder / "feed" / "show")
    playlist = folder / "feed" / "show" / "index.m3u8"
    playlist.write_text(just_begun(playlist.read_text(), time.time()))
    async with commands(folder) as start:
        yield await start("serve", "--feed", str(folder / "feed"), "--loop")
