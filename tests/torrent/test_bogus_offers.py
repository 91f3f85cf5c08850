"""Pages that offer our seed connections which never come about, by the thousand, while an honest peer wants
one segment: real sockets, our tracker, two real libtorrents."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from seeder.machine import addresses
from seeder.model import Torrent
from seeder.torrent.metainfo import make_torrent, torrent_file
from seeder.torrent.session import SeedSession
from seeder.torrent.settings import MAX_PENDING, SeedSettings
from seeder.tracker import Limits, Tracker
from seeder.web import ServerConfig, serve
from tests.torrent.strangers import stranger

pytestmark = pytest.mark.skipif(
    not addresses(), reason="no interface but loopback is up: WebRTC cannot connect"
)

NOWHERE = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{candidates}
a=ice-ufrag:{ufrag}
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
a=mid:0
a=sctp-port:5000
""".replace("\n", "\r\n")
"""Well-formed, from a peer that does not exist."""

SIZE = 200_000
PATIENCE = 120.0
"""Seconds for a segment on a machine with other work; where offers do not wait in line, one that comes amid
offers from many addresses gets none in that time."""


def bogus(kind: str) -> str:
    if kind == "garbage":
        return "v=0\r\n" + os.urandom(200).hex()
    names = (f"{os.urandom(4).hex()}.example.invalid" for _ in range(60))
    hosts = ["127.0.0.1"] if kind == "silent" else names
    candidates = "\r\n".join(f"a=candidate:1 1 udp 2113937151 {host} 9 typ host" for host in hosts)
    fingerprint = ":".join(f"{byte:02X}" for byte in os.urandom(32))
    return NOWHERE.format(candidates=candidates, ufrag=os.urandom(4).hex(), fingerprint=fingerprint)


def latin(data: bytes) -> str:
    return data.decode("latin-1")


@dataclass
class Flood:
    """Connections from ``address`` that announce bogus offers as fast as the tracker reads them, answer what
    they are offered with rubbish, and take a new peer id on a new connection now and then."""

    url: str
    infohash: bytes
    address: str
    kind: str = "silent"
    connections: int = 8
    pause: float = 0.05
    """Seconds between two announces of a connection."""
    sent: int = 0
    """Offers."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._attack()) for _ in range(self.connections)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _attack(self) -> None:
        while True:
            try:
                async with connect(self.url, local_addr=(self.address, 0), compression=None) as socket:
                    await self._announce(socket)
            except (ConnectionClosed, OSError):
                await asyncio.sleep(0.1)

    async def _announce(self, socket: ClientConnection) -> None:
        me = latin(b"-XX0001-" + os.urandom(12))
        answering = asyncio.create_task(self._answer(socket, me))
        try:
            for _ in range(60):
                offers = [
                    {"offer_id": latin(os.urandom(20)), "offer": {"type": "offer", "sdp": bogus(self.kind)}}
                    for _ in range(10)
                ]
                await socket.send(self._message(me, left=SIZE, numwant=10, offers=offers))
                self.sent += len(offers)
                await asyncio.sleep(self.pause)
        finally:
            answering.cancel()

    async def _answer(self, socket: ClientConnection, me: str) -> None:
        async for text in socket:
            message = json.loads(text)
            if "offer" in message:
                answer = {"type": "answer", "sdp": bogus(self.kind)}
                known = {"to_peer_id": message["peer_id"], "offer_id": message["offer_id"]}
                await socket.send(self._message(me, answer=answer, **known))

    def _message(self, me: str, **more: object) -> str:
        head = {"action": "announce", "info_hash": latin(self.infohash), "peer_id": me}
        return json.dumps({**head, **more})


@dataclass
class Scene:
    tracker: Tracker
    url: str
    seed: SeedSession
    folder: Path
    torrent: Torrent = field(init=False)
    home: str = ""
    """Where the seed announces."""
    data: bytes = b""
    _numbers: count[int] = field(default_factory=count)

    async def fetch(self) -> float:
        """Seconds that an honest peer, new to everyone, needs for the segment, through WebRTC alone."""
        folder = self.folder / f"got {next(self._numbers)}"
        folder.mkdir()
        (folder / "torrent").write_bytes(torrent_file(self.torrent, [self.url]))
        began = time.monotonic()
        async with stranger() as peer:
            await peer.add(folder / "torrent", self.torrent.infohash, folder)
            await peer.completed(self.torrent.infohash, PATIENCE)
        assert (folder / "segment.ts").read_bytes() == self.data
        return time.monotonic() - began

    async def publish(self) -> None:
        self.data = os.urandom(SIZE)
        path = self.folder / "segment.ts"
        path.write_bytes(self.data)
        self.torrent = make_torrent("segment.ts", self.data)
        await self.seed.seed(self.torrent, path, [self.home])
        async with asyncio.timeout(PATIENCE):
            while not self.tracker.viewers(self.torrent.infohash):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def scene(folder: Path, limits: Limits | None = None) -> AsyncIterator[Scene]:
    """Our seed on its private listener, everyone else on the public one, as the service does it."""
    tracker = Tracker(lambda infohash: True, limits=limits)
    config = ServerConfig(port=0, grace=0.5)
    async with (
        SeedSession(SeedSettings(at_home=True)) as seed,
        tracker,
        serve(tracker, config, closing=[tracker.close]) as public,
        serve(tracker.home, config, closing=[tracker.close]) as private,
    ):
        made = Scene(tracker, f"ws://127.0.0.1:{public.port}/announce", seed, folder)
        made.home = f"ws://127.0.0.1:{private.port}/announce"
        await made.publish()
        yield made


def udp_sockets() -> int:
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:  # closed meanwhile
            continue
    ours = {link[8:-1] for link in links if link.startswith("socket:[")}
    tables = [Path(f"/proc/self/net/{name}").read_text() for name in ("udp", "udp6")]
    return len(ours & {line.split()[9] for table in tables for line in table.splitlines()[1:]})


@pytest.mark.parametrize("kind", ["silent", "garbage", "names"])
async def test_a_flood_of_bogus_offers_does_not_keep_the_seed_from_an_honest_peer(
    tmp_path: Path, kind: str
) -> None:
    async with scene(tmp_path) as the:
        flood = Flood(the.url, the.torrent.infohash, "127.0.0.9", kind)
        flood.start()
        try:
            async with asyncio.timeout(PATIENCE):
                while flood.sent < 2000:
                    await asyncio.sleep(0.1)
            during = await the.fetch()
            assert udp_sockets() < MAX_PENDING
            assert len(os.listdir("/proc/self/task")) < 100  # a name may cost a thread
        finally:
            await flood.stop()
        after = await the.fetch()
        print(f"{kind}: {flood.sent} bogus offers; {during:.1f} s meanwhile, {after:.1f} s afterwards")
        assert the.seed.counters().webrtc_connections >= 2


async def test_a_flood_from_many_addresses_delays_an_honest_peer_and_no_more(tmp_path: Path) -> None:
    async with scene(tmp_path) as the:
        # All together as fast as the flood above: the floods take the same processor's time as who defends.
        floods = [
            Flood(the.url, the.torrent.infohash, f"127.0.1.{n}", connections=2, pause=0.2)
            for n in range(1, 17)
        ]
        for flood in floods:
            flood.start()
        try:
            async with asyncio.timeout(PATIENCE):
                while sum(flood.sent for flood in floods) < 3000:
                    await asyncio.sleep(0.1)
            await the.fetch()
        finally:
            await asyncio.gather(*(flood.stop() for flood in floods))
