"""RTMP and RTMPS: a port where encoders publish."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from seeder.ingest.supply import Supply
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.desk import Desk, Session
from seeder.publish.flv.media import OPTIONS, Media, carried
from seeder.publish.flv.tags import Tag
from seeder.publish.listening import listening
from seeder.publish.place import Place
from seeder.publish.rtmp.conversation import Conversation, Event, Farewell
from seeder.publish.rtmp.wish import Wish

WISH_SECONDS = 10.0
"""From the connection to the publish command, TLS and handshake included."""
FAREWELL_SECONDS = 1.0
"""For a client to read why it is closed, while what it still sends is thrown away: were that left unread, the
kernel would close the connection before our last words have arrived."""
READ = 64 * 1024


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        await _Talk(desk, "rtmp", reader, writer, address).run(None)

    async with listening("RTMP", place.host, place.port, talk) as port:
        yield port


@asynccontextmanager
async def serve_tls(desk: Desk, place: Place) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        await _Talk(desk, "rtmps", reader, writer, address).run(place.tls)

    assert place.tls is not None, "the configuration wants a certificate"
    async with listening("RTMPS", place.host, place.port, talk) as port:
        yield port


class _Talk:
    """With one client."""

    def __init__(
        self,
        desk: Desk,
        protocol: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        address: str,
    ) -> None:
        self._desk = desk
        self._protocol = protocol
        self._reader = reader
        self._writer = writer
        self._address = address
        self._conversation = Conversation()

    async def run(self, tls: ssl.SSLContext | None) -> None:
        try:
            async with asyncio.timeout(WISH_SECONDS):
                if tls is not None:
                    # Here, not in the server: so a connection counts before its handshake is over. Nothing
                    # has been awaited since it came, so nothing of it was read.
                    await self._writer.start_tls(tls, ssl_handshake_timeout=WISH_SECONDS)
                wish = await self._wish()
            await self._publish(wish)
        except RefusedError as error:
            self._conversation.refuse(error)
            await self._leave()
        else:
            self._conversation.end()
            await self._leave()

    async def _wish(self) -> Wish:
        while True:
            event = await self._event()
            if event is None:
                raise EOFError
            if isinstance(event, Wish):
                return event

    async def _publish(self, wish: Wish) -> None:
        key = self._desk.tickets.key(wish.key, self._address)
        claim = Claim(self._protocol, self._address, key, wish.stream)
        async with self._desk.admit(claim) as session:
            self._conversation.accept()
            supply = Supply(f"{self._protocol.upper()} from {self._address}", "flv", OPTIONS)
            await session.carry(supply, self._read(session, supply))

    async def _read(self, session: Session, supply: Supply) -> None:
        media = Media()
        while (event := await self._event()) is not None and not isinstance(event, Farewell):
            if isinstance(event, Tag):
                await carried(supply, media, event)
        session.goodbye = event is not None

    async def _event(self) -> Event | None:
        """The next one, None when the connection has ended."""
        while (event := self._conversation.next()) is None:
            try:
                await self._send()
                data = await self._reader.read(READ)
            except OSError:
                data = b""  # killed, or its network is gone
            if not data:
                return None
            self._conversation.feed(data)
        return event

    async def _send(self) -> None:
        if data := self._conversation.outbox():
            self._writer.write(data)
            await self._writer.drain()

    async def _leave(self) -> None:
        """Our last words are out, and have been read."""
        if not (data := self._conversation.outbox()):
            return
        with suppress(OSError, TimeoutError, EOFError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                self._writer.write(data)
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(READ):
                    pass
