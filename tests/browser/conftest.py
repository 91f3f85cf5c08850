"""Shared by the browser tests: a recording to broadcast, and a live stream."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import npm
from tests.browser.broadcast import SECONDS, Recording
from tests.browser.sites import Website, website
from tests.conftest import Running, commands

LENGTH = 360
"""Seconds: longer than any test, so that no broadcast ends during one."""
RATE = 10
"""Frames a second: all that a test looks at is whether they come."""
WIDTHS = (160, 320, 480)
"""Of the variants of ``three_variants``."""


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
def long_vod(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a finished VOD of segments twice as long: looped as a live stream, none comes again during
    a test."""
    folder = tmp_path_factory.mktemp("long-vod")
    (folder / "init.mp4").write_bytes(recording.init)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{2 * SECONDS}", "#EXT-X-MEDIA-SEQUENCE:0"]
    lines += ["#EXT-X-PLAYLIST-TYPE:VOD", '#EXT-X-MAP:URI="init.mp4"']
    # Fragments may follow each other in a segment, too; whatever is not encoded twice shortens the tests.
    for n in range(0, len(recording.segments) - 1, 2):
        name = f"seg{n // 2:03}.m4s"
        (folder / name).write_bytes(b"".join(recording.segments[n : n + 2]))
        lines += [f"#EXTINF:{2 * SECONDS:.6f},", name]
    (folder / "index.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    return folder


@pytest.fixture(scope="session")
def three_variants(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VOD of two minutes with a multivariant playlist: ``master.m3u8``, ``v0/index.m3u8``, ``v0/0.ts`` …"""
    folder = tmp_path_factory.mktemp("variants")
    split = f"[0:v]split={len(WIDTHS)}" + "".join(f"[s{n}]" for n in range(len(WIDTHS)))
    scaled = "".join(f";[s{n}]scale={width}:-2[v{n}]" for n, width in enumerate(WIDTHS))
    outputs: list[str] = []
    for n, width in enumerate(WIDTHS):
        outputs += ["-map", f"[v{n}]", f"-b:v:{n}", f"{width}k"]
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=480x270:rate=10"),
        *("-filter_complex", split + scaled, *outputs, "-t", "120"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-g", "20", "-keyint_min", "20", "-sc_threshold", "0"),
        *("-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"),
        *("-var_stream_map", " ".join(f"v:{n}" for n in range(len(WIDTHS)))),
        *("-master_pl_name", "master.m3u8", "-hls_segment_filename", str(folder / "v%v" / "%d.ts")),
        str(folder / "v%v" / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return folder


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cdn(npm_package: Path) -> AsyncIterator[Website]:
    """The npm package's folder (``/package``) and hls.js (``/hls.mjs``) on a server of files."""
    files = {"/hls.mjs": (npm.MODULES / "hls.js/dist/hls.min.mjs").read_bytes()}
    with tarfile.open(npm_package) as tarball:
        for member in tarball:
            content = tarball.extractfile(member)
            assert content is not None
            files[f"/{member.name}"] = content.read()
    async with website(files, {"Access-Control-Allow-Origin": "*"}) as server:
        yield server
