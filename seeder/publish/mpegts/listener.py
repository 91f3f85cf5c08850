"""MPEG-TS over TCP and UDP: ``ffmpeg … -metadata service_name=KEY -f mpegts udp://HOST:9001?pkt_size=1316``.

The key is the name of the service; or the sender's address is one that the operator allows for a stream.
There is no goodbye in MPEG-TS: who leaves may have been lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from seeder.errors import ServeError
from seeder.ingest.supply import Supply
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.datagrams import Address, Datagrams
from seeder.publish.desk import Desk
from seeder.publish.listening import listening
from seeder.publish.mpegts.service import PACKET, SYNC, ServiceName
from seeder.publish.place import Place

KEY_SECONDS = 10.0
"""For the service name to come."""
READ = 64 * 1024
SILENCE = 5.0
"""Seconds without a datagram after which a sender is gone; over UDP nobody says so."""
MOST_SENDERS = 128
"""Twice the publishers that a desk takes."""
MOST_PER_ADDRESS = 16
MOST_WAITING = 4 << 20
"""Bytes of a sender's datagrams that wait to be read; what comes beyond is lost, as UDP loses things."""
DEAF = 10.0
"""Seconds in which a sender that was refused is not listened to: over UDP it is not told, and goes on."""
MOST_DEAF = 4096
TRIES = 20
"""Port numbers tried when any will do, until one is free for TCP and UDP."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        await _converse(desk, place, address, _Connection(reader))

    senders = _Senders(desk, place)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(senders.close)
        for tried in range(TRIES):
            async with AsyncExitStack() as both:
                tcp = await both.enter_async_context(listening("MPEG-TS", place.host, place.port, talk))
                try:
                    bound = Datagrams.bound("MPEG-TS", place.host, tcp, senders.heard)
                    await both.enter_async_context(bound)
                except ServeError:
                    if place.port or tried == TRIES - 1:
                        raise
                    continue
                await stack.enter_async_context(both.pop_all())
                break
        yield tcp


class _Connection:
    """Over TCP."""

    silence: float | None = None

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def read(self) -> bytes:
        """Empty at the end."""
        return await self._reader.read(READ)


class _Sender:
    """Over UDP."""

    silence: float | None = SILENCE

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._more = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def heard(self, data: bytes) -> None:
        if self._size + len(data) <= MOST_WAITING:
            self._waiting.append(data)
            self._size += len(data)
            self._more.set()

    async def read(self) -> bytes:
        """Whatever has come."""
        await self._more.wait()
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._more.clear()
        return data


async def _converse(desk: Desk, place: Place, host: str, media: _Connection | _Sender) -> None:
    """Raises :class:`RefusedError`. There is no way to say why: what is refused is closed, or not heard."""
    first = b""
    if host in place.senders:
        claim = Claim("mpegts", host, "", place.senders[host])
    else:
        names, key = ServiceName(), None
        try:
            async with asyncio.timeout(KEY_SECONDS):
                while key is None:
                    if not (data := await media.read()):
                        return
                    first += data
                    key = names.feed(data)
        except TimeoutError:
            raise RefusedError("no service name: send the key as that", 401) from None
        claim = Claim("mpegts", host, key)
    async with desk.admit(claim) as session:
        supply = Supply(f"MPEG-TS from {host}", "mpegts")
        if media.silence is not None:
            supply.silence = media.silence

        async def read() -> None:
            if first:
                await supply.write(first)
            while data := await media.read():
                await supply.write(data)

        await session.carry(supply, read())


class _Senders:
    """Who sends datagrams, by address and port."""

    def __init__(self, desk: Desk, place: Place) -> None:
        self._desk = desk
        self._place = place
        self._senders: dict[Address, _Sender] = {}
        self._deaf: dict[Address, float] = {}  # to whom, until when

    def heard(self, data: bytes, address: Address) -> None:
        sender = self._senders.get(address)
        if sender is None:
            if len(data) < PACKET or data[0] != SYNC or len(data) % PACKET or not self._welcome(address):
                return
            sender = self._senders[address] = _Sender()
            sender.task = asyncio.create_task(self._converse(sender, address))
        sender.heard(data)

    def _welcome(self, address: Address) -> bool:
        now = asyncio.get_running_loop().time()
        if self._deaf.get(address, 0.0) > now:
            return False
        here = sum(1 for other in self._senders if other[0] == address[0])
        return len(self._senders) < MOST_SENDERS and here < MOST_PER_ADDRESS

    async def _converse(self, sender: _Sender, address: Address) -> None:
        try:
            await _converse(self._desk, self._place, address[0], sender)
        except RefusedError as error:
            log.debug("MPEG-TS: %s: %s", address[0], error)
            if error.status != 408:  # who paused may go on
                self._ignore(address)
        except Exception:
            log.exception("MPEG-TS: reading what %s sends crashed", address[0])
            self._ignore(address)
        finally:
            del self._senders[address]

    def _ignore(self, address: Address) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._deaf) >= MOST_DEAF:
            self._deaf = {other: until for other, until in self._deaf.items() if until > now}
        if len(self._deaf) < MOST_DEAF:
            self._deaf[address] = now + DEAF

    async def close(self) -> None:
        tasks = [sender.task for sender in self._senders.values() if sender.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
