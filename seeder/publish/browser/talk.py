"""One connection, from its first message to its end: a session of the desk, whatever carries the messages."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from seeder.ingest.supply import Supply
from seeder.publish.browser import words
from seeder.publish.browser.media import Media
from seeder.publish.browser.part import Chunk
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.desk import FAREWELL, Desk, Session
from seeder.publish.door import Shown, Wire
from seeder.tracker.gate import client_key

MOST = 64
"""Connections at once that have shown no key yet; each may hold 3 MiB for the ten seconds that it has."""
MOST_PER_ADDRESS = 16
"""… of one address: a rude client does not take the place of the others."""
KEY_SECONDS = 10.0
"""For the first message."""
SILENCE = 10.0
"""Seconds without a message after which a publisher counts as gone: recorders give something several times a
second, or say that they are there."""
BEGIN = 60.0
"""Seconds until its media begins: somebody looks for a camera."""
STUCK = 30.0
"""Seconds in which nothing more of its media could be taken."""
AGAIN = 1.0
"""Seconds between two recorders of one connection: each costs a start of ffmpeg."""
TELL = 1.0
"""Seconds between two words on how it goes."""
LOOK = 0.05
"""Seconds between two looks for the first segment."""
OPTIONS = ("-probesize", "100000", "-analyzeduration", "200000", "-fpsprobesize", "0")
"""ffmpeg's, for what :class:`Media` gives: all is said in the head and known beforehand."""
SLACK = 0.25
"""Seconds by which a GOP may be longer than what is copied."""

BAD_TEXT, TOO_LONG = 1003, 1009
"""RFC 6455 §7.4.1."""

log = logging.getLogger(__name__)


class _RudeError(Exception):
    """What is answered with a close code of WebSocket's own."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(slots=True)
class _Holder:
    """Who has a stream now."""

    resume: str
    session: Session


class Talks:
    """All of one server. ``segment_seconds``: as its streams are cut unless they say otherwise."""

    def __init__(self, desk: Desk, segment_seconds: float) -> None:
        self._desk = desk
        # H.264 that is not cut by then is encoded (``ingest.encoder``).
        self._patience = 1.5 * segment_seconds + SLACK
        self._unknown: Counter[str] = Counter()
        """By client, as for the tracker (an IPv6 /64 is one): those that have shown no key."""
        self._talks: set[asyncio.Task[None]] = set()
        """… and what speaks with them."""
        self._holders: dict[str, _Holder] = {}

    def full(self, address: str) -> bool:
        """Too many are here that have shown no key."""
        return self._unknown.total() >= MOST or self._unknown[client_key(address)] >= MOST_PER_ADDRESS

    async def talk(self, wire: Wire, name: str, address: str, key: str, shown: Shown) -> None:
        """Returns when the connection is closed. Cancelling is safe."""
        task = asyncio.current_task()
        assert task is not None
        self._unknown[client_key(address)] += 1
        self._talks.add(task)
        try:
            claim, start = await self._claim(wire, name, address, key)
            await self._make_way(claim, start)
            async with self._desk.admit(claim) as session:
                self._known(task, address)
                await self._carry(wire, session, shown)
        except RefusedError as error:
            await _refuse(wire, error)
        except _RudeError as error:
            with suppress(OSError):
                await wire.close(error.code, str(error))
        except OSError:
            pass  # it left
        except asyncio.CancelledError:
            if task not in self._talks:
                raise
            await _refuse(wire, RefusedError("the server is stopping", 503))
        finally:
            self._known(task, address)

    def _known(self, task: asyncio.Task[None], address: str) -> None:
        """It has shown a key, or left. Idempotent."""
        if task in self._talks:
            self._talks.discard(task)
            self._unknown[client_key(address)] -= 1
            self._unknown += Counter()  # forgets those at 0

    async def _claim(self, wire: Wire, name: str, address: str, key: str) -> tuple[Claim, words.Start]:
        try:
            async with asyncio.timeout(KEY_SECONDS):
                first = await wire.receive()
        except TimeoutError:
            raise RefusedError(f"nobody said who it is for {KEY_SECONDS:g} s", 408) from None
        if first is None:
            raise ConnectionResetError
        if isinstance(first, bytes):
            raise RefusedError("a start message comes first", 400)
        start = _word(first)
        if not isinstance(start, words.Start):
            raise RefusedError("a start message comes first", 400)
        return Claim("browser", address, key or start.key, stream=name), start

    async def _make_way(self, claim: Claim, start: words.Start) -> None:
        """Who comes back need not wait for its own lost connection."""
        holder = self._holders.get(claim.stream or "")
        if not start.resume or holder is None:
            return
        if secrets.compare_digest(holder.resume.encode(), start.resume.encode()):
            await self._desk.ask(claim)
            holder.session.end(RefusedError("its publisher is back on another connection", 409))
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await holder.session.gone()

    async def _carry(self, wire: Wire, session: Session, shown: Shown) -> None:
        holder = self._holders[session.stream] = _Holder(secrets.token_urlsafe(18), session)
        wire.widen()
        supply = Supply(
            f"a browser at {session.claim.address}", "matroska", OPTIONS, silence=SILENCE, tells=True
        )
        reading = _Reading(wire, supply, Media(self._patience))
        before = shown.segments()
        try:
            await wire.send(words.ready(session.stream, holder.resume))
            telling = asyncio.create_task(_tell(wire, session, reading, shown, before))
            try:
                await session.carry(supply, reading.run())
            finally:
                session.goodbye = reading.stopped
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
        finally:
            if self._holders.get(session.stream) is holder:
                del self._holders[session.stream]
        if reading.stopped:
            await wire.send(words.ended(_segments(session)))
            await wire.close(1000, "")

    async def close(self) -> None:
        """Who has shown no key is sent away; the others are the desk's."""
        talks = tuple(self._talks)
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _refuse(wire: Wire, error: RefusedError) -> None:
    with suppress(OSError):
        await wire.send(words.error(error.status, str(error)))
        await wire.close(4000 + error.status, str(error))


class _Reading:
    """Messages on their way to ffmpeg."""

    def __init__(self, wire: Wire, supply: Supply, media: Media) -> None:
        self.received = 0
        """Bytes."""
        self.stopped = False
        """The publisher said so; else it was lost."""
        self.supply = supply
        self._wire = wire
        self._media = media
        self._began = 0.0

    async def run(self) -> None:
        """Until the publisher stops or is lost. Nothing is read while ffmpeg cannot take more: TCP tells the
        publisher to wait. Raises :class:`RefusedError` for what cannot be used."""
        loop = asyncio.get_running_loop()
        self._began = begun = loop.time()
        while True:
            message = await self._received()
            if not self._media.begun and loop.time() - begun > BEGIN:
                raise RefusedError(f"no media for {BEGIN:g} s", 408)
            if isinstance(message, bytes):
                self.received += len(message)
                await self._put(self._media.feed(message, loop.time()))
                continue
            word = None if message is None else _word(message)
            await self._put(self._media.finish(loop.time()))
            if not isinstance(word, words.Start):
                self.stopped = word is not None
                return
            await asyncio.sleep(self._began + AGAIN - loop.time())
            self._began = loop.time()
            self._media.anew()

    async def _received(self) -> str | bytes | None:
        try:
            message = await self._wire.receive()
        except OSError:
            return None
        self.supply.heard()
        return message

    async def _put(self, chunks: Iterable[Chunk]) -> None:
        for chunk in chunks:
            try:
                async with asyncio.timeout(STUCK):
                    await self.supply.write(
                        chunk.data, chunk.entry, head=chunk.head, anew=chunk.anew, look=chunk.anew,
                        known=chunk.known,
                    )  # fmt: skip
            except TimeoutError:
                raise RefusedError(f"this machine is {STUCK:g} s behind with the media", 413) from None


async def _tell(
    wire: Wire, session: Session, reading: _Reading, shown: Shown, before: frozenset[str]
) -> None:
    """How it goes, each second; and at once that the first segment can be played."""
    loop = asyncio.get_running_loop()
    due, live = loop.time(), False
    try:
        while True:
            if not live and _segments(session) and shown.segments() - before:
                live = True
                await wire.send(words.live())
            if loop.time() >= due:
                due += TELL
                await wire.send(_state(session, reading, shown))
            await asyncio.sleep(max(0.0, due - loop.time()) if live else LOOK)
    except OSError as error:
        session.end(RefusedError(str(error) or "it does not read what it is told", 408))


def _state(session: Session, reading: _Reading, shown: Shown) -> str:
    status = session.status()
    state, mode = ("starting", "") if status is None else (status.state.value, status.mode)
    held, segments = reading.supply.size, _segments(session)
    return words.state(state, mode, reading.received, held, segments, shown.viewers())


def _segments(session: Session) -> int:
    status = session.status()
    return 0 if status is None else status.segments


def _word(text: str | bytes) -> words.Start | words.Stop:
    if len(text) > words.MOST:
        raise _RudeError(TOO_LONG, f"a text message is longer than {words.MOST >> 10} KiB")
    word = words.parse(text) if isinstance(text, str) else None
    if word is None:
        raise _RudeError(BAD_TEXT, "a text message that is neither start nor stop")
    return word
