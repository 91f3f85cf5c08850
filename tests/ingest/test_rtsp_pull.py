"""A camera that speaks RTSP (GStreamer's server) is pulled, goes away and comes back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest

PATIENCE = 90.0
PYTHON = "/usr/bin/python3"  # Debian's: it has GStreamer's bindings
CAMERA = Path(__file__).with_name("rtsp_camera.py")
PASSWORD = "a-password"


@asynccontextmanager
async def camera(port: int = 0) -> AsyncIterator[int]:
    """Its port; killed when the block is left."""
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(CAMERA), str(port), PASSWORD, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
    finally:
        process.kill()
        await process.communicate()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_camera_with_a_password_is_copied_and_is_found_again_after_a_restart(feed_dir: Path) -> None:
    try:
        there = "import gi; gi.require_version('GstRtspServer', '1.0')"
        subprocess.run([PYTHON, "-c", there], check=True, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no RTSP server: install gir1.2-gst-rtsp-server-1.0 and python3-gi")
    async with camera() as port:
        config = IngestConfig("garden", f"rtsp://me:{PASSWORD}@127.0.0.1:{port}/1", segment_seconds=1)
        ingest = Ingest(config, feed_dir)
        task = asyncio.create_task(ingest.run())
        await until(lambda: ingest.status().segments >= 2)
    try:
        assert ingest.status().mode == "copy"
        await until(lambda: ingest.status().last_error)
        assert PASSWORD not in ingest.status().last_error + ingest.status().input
        before = ingest.status().segments
        async with camera(port):
            await until(lambda: ingest.status().segments > before)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    playlist = (feed_dir / "garden" / "v0" / "index.m3u8").read_text()
    assert playlist.count("DISCONTINUITY\n") == 1
