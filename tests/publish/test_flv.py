"""FLV over TCP, from a real ffmpeg."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import imageio_ffmpeg
import pytest

from seeder import service
from seeder.config import Config, Plan
from seeder.publish import Claim, Grant, RefusedError
from seeder.publish.room import Publishing
from seeder.service import Service
from tests.publish.encoder import AAC, H264, PICTURE, TONE

PATIENCE = 90.0
KEY = "a-secret-key"


async def decide(self: Publishing, claim: Claim) -> Grant:
    if claim.key != KEY:
        raise RefusedError("no such key")
    return Grant("garden", "k1")


@asynccontextmanager
async def listening(
    feed: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> AsyncIterator[tuple[Service, int]]:
    """A service that takes one key over ``protocol``, and the port."""
    monkeypatch.setattr(Publishing, "_decide", decide)
    config = Config(port=0, segment_seconds=1.0, publish=(f"{protocol}:0",))
    async with service.running(Plan(config, feed)) as running:
        (_, port) = running.published[0]
        yield running, port


async def publish(*output: str, seconds: float = 300) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE),
        *("-t", str(seconds), *H264, *AAC, *output),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


async def test_the_key_in_the_metadata_lets_a_publisher_in(
    feed_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "seeder")
    async with listening(feed_dir, monkeypatch, "flv") as (running, port):
        assert f"publish to tcp://127.0.0.1:{port} (FLV" in caplog.text
        target = ("-f", "flv", f"tcp://127.0.0.1:{port}")
        stranger = await publish("-metadata", "key=wrong", *target)
        await stranger.communicate()
        assert not (feed_dir / "garden").exists()
        camera = await publish("-metadata", f"key={KEY}", *target)
        try:
            await until(lambda: (view := running.library.stream("garden")) and view.segments >= 2)
        finally:
            camera.kill()
            await camera.communicate()
        assert running.desk is not None
        await until(lambda: not running.desk.sessions())  # type: ignore[union-attr]
    assert KEY not in caplog.text
