"""RTSP for publishers: ``ffmpeg … -f rtsp rtsp://HOST:8554/live/KEY``.

The key is checked at ANNOUNCE; of its body nothing is read before. TCP (between the requests) and UDP both
work; UDP loses packets on the way, TCP does not.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from seeder.publish.claim import RefusedError
from seeder.publish.desk import Desk, Session
from seeder.publish.listening import listening
from seeder.publish.place import Place
from seeder.publish.rtp import bridged
from seeder.publish.rtsp import address, sdp
from seeder.publish.rtsp.message import Frame, MessageError, Reader, Request, answer
from seeder.publish.rtsp.ways import StatusError, Ways

SECONDS = 10.0
"""From connecting to ANNOUNCE, and from there to RECORD."""
TRIES = 3
"""ANNOUNCEs with a key that is no good: tools send the one in their URL's user information when asked."""
READ = 64 * 1024
METHODS = "OPTIONS, ANNOUNCE, SETUP, RECORD, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
PUBLIC = {"Public": METHODS}
HARMLESS = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
"""Answered at any time; tools say so that they are alive."""
PLAYERS = ("DESCRIBE", "PLAY", "PAUSE")


class Wire:
    """One publisher's control connection. ``asked`` is the request that has no answer yet."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked: Request | None = None
        self.host = str(writer.get_extra_info("sockname")[0])
        """Where it reached us."""
        self._reader = reader
        self._writer = writer
        self._messages = Reader()
        self._found: deque[Request | Frame] = deque()
        self._session = ""

    async def next(self) -> Request | Frame | None:
        """None at the end. What is no RTSP is answered, and is the end as well."""
        while not self._found:
            data = await self._reader.read(READ)
            if not data:
                return None
            try:
                self._found.extend(self._messages.feed(data))
            except MessageError as error:
                self.asked = None
                await self.answer(400, str(error))
                return None
        item = self._found.popleft()
        if isinstance(item, Request):
            self.asked = item
        return item

    async def request(self) -> Request:
        """The next one that is not :data:`HARMLESS`; EOFError at the end."""
        while (item := await self.next()) is not None:
            if isinstance(item, Request) and not await self.answered(item):
                return item
        raise EOFError

    async def answered(self, request: Request) -> bool:
        """Whether it needs no more than an answer, which it has then."""
        if request.method in HARMLESS:
            await self.answer(headers=PUBLIC)
        elif request.method in PLAYERS:
            await self.answer(405, "streams are published here, and watched over HTTP", {"Allow": METHODS})
        elif request.method not in METHODS.split(", "):
            await self.answer(501, "Not Implemented", PUBLIC)
        elif self._session and request.headers.get("session", self._session) != self._session:
            await self.answer(454)
        else:
            return False
        return True

    async def answer(self, code: int = 200, phrase: str = "", headers: dict[str, str] | None = None) -> None:
        """To ``asked``."""
        session = {"Session": self._session} if self._session else {}
        self._writer.write(answer(self.asked, code, phrase, session | (headers or {})))
        self.asked = None
        async with asyncio.timeout(SECONDS):
            await self._writer.drain()

    def begin_session(self) -> None:
        self._session = secrets.token_hex(8)


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        await _talk(desk, Wire(reader, writer), peer)

    async with listening("RTSP", place.host, place.port, talk) as port:
        yield port


async def _talk(desk: Desk, wire: Wire, peer: str) -> None:
    for _ in range(TRIES):
        async with asyncio.timeout(SECONDS):
            while (announce := await wire.request()).method != "ANNOUNCE":
                await wire.answer(455, "ANNOUNCE comes first")
        try:
            async with desk.admit(
                address.claim(announce, peer), partial(sdp.parse, announce.body)
            ) as session:
                await _publish(wire, session, announce, peer)
                return
        except RefusedError as error:
            if wire.asked is None:
                raise
            wrong = error.status == 401
            await wire.answer(error.status, str(error), address.CHALLENGE if wrong else None)
            if not wrong:
                return


async def _publish(wire: Wire, session: Session, announce: Request, peer: str) -> None:
    media = sdp.parse(announce.body)
    wire.begin_session()
    await wire.answer()
    async with AsyncExitStack() as stack:
        ways = Ways(media, wire.host, peer, stack)
        async with asyncio.timeout(SECONDS):
            if not await _set_up(wire, ways):
                return
        used = [(way, track) for index, way in ways.chosen.items() if (track := media[index].track)]
        if not used:
            raise RefusedError("neither video nor audio was set up", 415)
        bridge = await stack.enter_async_context(bridged(f"RTSP from {peer}", [track for _, track in used]))
        for number, (way, _) in enumerate(used):
            way.rtp, way.rtcp = partial(bridge.rtp, number), partial(bridge.rtcp, number)
        await wire.answer()
        await session.carry(bridge.supply, _record(wire, ways, session))


async def _set_up(wire: Wire, ways: Ways) -> bool:
    """Whether it wants to record, which it has no answer to yet."""
    while True:
        request = await wire.request()
        match request.method:
            case "SETUP":
                try:
                    await wire.answer(headers={"Transport": await ways.setup(request.url, request.headers)})
                except StatusError as error:
                    await wire.answer(error.code, error.phrase)
            case "RECORD" if ways.chosen:
                return True
            case "TEARDOWN":
                await wire.answer()
                return False
            case _:
                await wire.answer(455, "Method Not Valid in This State")


async def _record(wire: Wire, ways: Ways, session: Session) -> None:
    """Until the publisher ends it, or is lost."""
    while (item := await wire.next()) is not None:
        if isinstance(item, Frame):
            ways.frame(item.channel, item.data)
        elif item.method == "TEARDOWN":
            session.goodbye = True
            await wire.answer()
            return
        elif not await wire.answered(item):
            await wire.answer(455, "Method Not Valid in This State")
