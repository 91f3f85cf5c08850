"""A service that takes publishers over WHIP, and ways to speak with it."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import imageio_ffmpeg
import pytest
import pytest_asyncio

from seeder import service
from seeder.config import Config, Plan
from seeder.ingest.probe import Probe, parse
from seeder.publish import Claim, Grant, RefusedError
from seeder.publish.room import Publishing
from seeder.service import Service

KEY = "a-secret-key"
PATIENCE = 90.0
STUN = "stun:stun.example.org:3478"


@dataclass
class Site:
    running: Service
    feed: Path

    @property
    def url(self) -> str:
        return f"{self.running.bound.url}/whip/garden"

    async def ask(
        self, method: str, path: str, body: str = "", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers by lower-case name, body. Header names: ``_`` for ``-``."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}

        def send() -> tuple[int, dict[str, str], str]:
            connection = http.client.HTTPConnection("127.0.0.1", self.running.bound.port, timeout=60)
            connection.request(method, path, body.encode(), given)
            answer = connection.getresponse()
            text = answer.read().decode()
            found = {name.lower(): value for name, value in answer.getheaders()}
            connection.close()
            return answer.status, found, text

        return await asyncio.to_thread(send)

    async def offer(self, text: str, key: str = KEY, name: str = "garden") -> tuple[int, dict[str, str], str]:
        return await self.ask(
            "POST", f"/whip/{name}", text, content_type="application/sdp", authorization=f"Bearer {key}"
        )

    async def bye(self, location: str) -> int:
        """Ends a session."""
        path = urlsplit(location).path
        return (await self.ask("DELETE", path, authorization=f"Bearer {KEY}"))[0]

    def publishers(self) -> int:
        assert self.running.desk is not None
        return len(self.running.desk.sessions())

    def segments(self, name: str = "garden") -> int:
        view = self.running.library.stream(name)
        return 0 if view is None else view.segments

    def playlist(self, name: str = "garden") -> str:
        """As the library knows it."""
        view = self.running.library.stream(name)
        return "" if view is None else view.playlists["v0/index.m3u8"].text

    def media(self, name: str = "garden") -> tuple[str, ...]:
        """Names of the segments on disk, oldest first."""
        return tuple(sorted(file.name for file in (self.feed / name / "v0").glob("*.m4s")))

    async def probe(self, name: str = "garden") -> Probe:
        """What ffmpeg finds in the stream, over HTTP as any player would."""
        process = await asyncio.create_subprocess_exec(
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-i"),
            f"{self.running.bound.url}/live/{name}/master.m3u8",
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await process.communicate()
        return parse(said.decode(errors="replace"))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


async def decide(self: Publishing, claim: Claim) -> Grant:
    if claim.key != KEY:
        raise RefusedError("no such key")
    mine = claim.stream is not None and claim.stream.startswith("garden")
    return Grant(claim.stream if mine and claim.stream else "garden", "k1")


@pytest_asyncio.fixture(loop_scope="session")
async def site(feed_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(Publishing, "_decide", decide)
    config = Config(port=0, segment_seconds=1.0, publish=("whip:0",), stun=(STUN,))
    async with service.running(Plan(config, feed_dir)) as running:
        yield Site(running, feed_dir)
