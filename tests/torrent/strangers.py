"""A libtorrent that is not ours, in a process of its own.

In a process that serves its tracker it could freeze everything for ever: the bindings destroy a session with
Python's lock held while it waits for its WebSockets (seeder/torrent/farewell.py).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

WEBRTC_ONLY = {
    "listen_interfaces": "0.0.0.0:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_tcp": False,
    "enable_incoming_tcp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
    "webtorrent_stun_server": "",
    "min_websocket_announce_interval": 1,
}
"""Settings: it finds others through its torrents' trackers alone, and bytes come through WebRTC or not at
all."""

PATIENCE = 90.0
"""Seconds for a torrent on a machine with other work."""


@dataclass
class Stranger:
    process: asyncio.subprocess.Process

    async def add(
        self, source: str | Path, infohash: bytes, folder: Path, trackers: Sequence[str] | None = None
    ) -> None:
        """Seed or fetch a torrent (its file or magnet) in ``folder``; ``trackers`` in place of its own. Web
        seeds are left out."""
        known = {"infohash": infohash.hex(), "folder": str(folder), "trackers": trackers}
        await self._order(add=str(source), **known)

    async def remove(self, infohash: bytes) -> None:
        await self._order(remove=infohash.hex())

    async def completed(self, infohash: bytes, patience: float = PATIENCE) -> None:
        """Until it has all of a torrent, on disk; TimeoutError when it has not in time."""
        async with asyncio.timeout(patience):
            while not await self._order(complete=infohash.hex()):
                await asyncio.sleep(0.05)

    async def _order(self, **order: object) -> bool:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self.process.stdout.readline()
        assert line, "it has crashed; stderr says why"
        return bool(json.loads(line))


@asynccontextmanager
async def stranger() -> AsyncIterator[Stranger]:
    """A stock libtorrent with :data:`WEBRTC_ONLY`; killed at the end, and the kernel closes its sockets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("stranger.py")),
        json.dumps(WEBRTC_ONLY),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Stranger(process)
    finally:
        process.kill()
        await process.wait()
