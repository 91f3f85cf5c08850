"""Grants claims and lets one publisher at a time have a stream.

    async with desk.admit(claim) as session:          # RefusedError: tell the publisher, read no media
        await session.carry(supply, reading)          # until it stops, or the desk ends it

A publisher that comes while another has the stream waits for :attr:`Turn.grace`: the old one may be dead
without our knowing. Then it takes over, or is refused, as the operator chose.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from seeder.errors import LiveTorrentError, cause
from seeder.ingest.ingest import Ingest, IngestStatus
from seeder.ingest.supply import Supply
from seeder.publish.claim import Access, Claim, Grant, RefusedError
from seeder.publish.tickets import Tickets
from seeder.stats.counters import PublishCounters

MOST = 64
"""Publishers at once: each has an ffmpeg of its own, and no machine serves more."""
FAREWELL = 10.0
"""Seconds in which a session that was told to end has ended: ffmpeg's last words and the last segment."""

log = logging.getLogger(__name__)

MakeIngest = Callable[[str, Supply], Ingest]
"""From a stream's name and its media."""

Told = Callable[["Session", RefusedError | None, bool], None]
"""Called when a publisher was let in (True), and when it has left: with why it was cut off, if it was."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of a second publisher."""

    takes_over: bool = True
    grace: float = 3.0
    """Seconds that it waits for the first to go away."""


class Session:
    """One publisher having a stream; made by :meth:`Desk.admit`."""

    def __init__(self, claim: Claim, grant: Grant, make: MakeIngest) -> None:
        self.claim = claim
        self.grant = grant
        self.ingest: Ingest | None = None
        self.since = time.time()
        self.goodbye = False
        """It has said that it stops, as its protocol says so. Whoever speaks with it sets this."""
        self._make = make
        self._end: asyncio.Future[RefusedError] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()

    @property
    def stream(self) -> str:
        return self.grant.stream

    def status(self) -> IngestStatus | None:
        """None before its media came."""
        return None if self.ingest is None else self.ingest.status()

    def end(self, error: RefusedError) -> None:
        """Now: whoever carries it gets ``error``. Idempotent."""
        if not self._end.done():
            self._end.set_result(error)

    async def ended(self) -> RefusedError:
        """Returns why, once the desk has ended it: for who is not carrying yet."""
        return await asyncio.shield(self._end)

    def lost(self, why: RefusedError | None) -> bool:
        """Whether it may come back, once it has left, cut off for ``why``: it said no goodbye, and its
        connection is gone or silent (408)."""
        return not self.goodbye and (why is None or why.status == 408)

    def leave(self) -> None:
        """The desk's: the stream is free for another."""
        self._gone.set()

    async def gone(self) -> None:
        """Returns once the stream is free."""
        await self._gone.wait()

    async def carry(self, supply: Supply, reading: Coroutine[Any, Any, None]) -> None:
        """Until ``reading``, which fills ``supply`` from the publisher's connection, has come to its end and
        the last segment is out.

        Raises :class:`RefusedError` when the desk ended the session, or the media cannot be used; what
        ``reading`` raises is passed on. ``reading`` is cancelled when the ingest ends first.
        """
        self.ingest = self._make(self.stream, supply)
        reader = asyncio.create_task(reading)
        ingest = asyncio.create_task(self.ingest.run())
        try:
            await asyncio.wait((reader, ingest, self._end), return_when=asyncio.FIRST_COMPLETED)
            if self._end.done():
                raise self._end.result()
            if reader.done() and not ingest.done():
                await supply.end()
                await asyncio.wait((ingest, self._end), return_when=asyncio.FIRST_COMPLETED)
                if self._end.done():
                    raise self._end.result()
                if error := reader.exception():
                    raise error
            if supply.why:  # which is also why nothing could be read
                raise RefusedError(supply.why, 408) from ingest.exception()
            if error := ingest.exception():
                named = cause(error)
                if isinstance(named, LiveTorrentError):
                    raise RefusedError(str(named), 415) from error
                raise error
        finally:
            for task in (reader, ingest):
                task.cancel()
            await asyncio.gather(reader, ingest, return_exceptions=True)


class Desk:
    """Every listener's; ``make`` gives the ingest that carries a stream's media."""

    def __init__(
        self, access: Access, make: MakeIngest, *, turn: Callable[[str], Turn] = lambda stream: Turn()
    ) -> None:
        self._access = access
        self._make = make
        self._turn = turn
        self.tickets = Tickets()
        """Of publishers that a program on this machine sends on to us."""
        self._sessions: dict[str, Session] = {}
        self._coming: set[str] = set()
        """Streams that somebody waits for who is to have them next."""
        self._closed = False
        self.counters = PublishCounters()
        self.told: Told = lambda session, error, began: None

    def sessions(self) -> tuple[Session, ...]:
        """Who publishes now."""
        return tuple(self._sessions.values())

    def revoke(self, key: str, why: str = "the key was revoked") -> int:
        """End every session that ``key`` (its public id) was granted; how many there were."""
        lost = [session for session in self._sessions.values() if session.grant.key == key]
        for session in lost:
            session.end(RefusedError(why, 401))
        return len(lost)

    def stop(self, stream: str, why: str = "ended by the operator") -> bool:
        """End the session that has ``stream``; whether there was one."""
        session = self._sessions.get(stream)
        if session is not None:
            session.end(RefusedError(why, 403))
        return session is not None

    async def close(self) -> None:
        """We are stopping: nobody is let in any more, every session ends. Returns once they have ended, or
        :data:`FAREWELL` is over. Idempotent."""
        self._closed = True
        sessions = self.sessions()
        for session in sessions:
            session.end(RefusedError("the server is stopping", 503))
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await asyncio.gather(*(session.gone() for session in sessions))

    @asynccontextmanager
    async def admit(self, claim: Claim, read: Callable[[], object] = lambda: None) -> AsyncIterator[Session]:
        """The stream is the publisher's while the block lasts. Raises :class:`RefusedError`.

        ``read``: looks at the rest of what it said, once its claim is granted; what it refuses costs nobody
        the stream."""
        try:
            async with self._admitted(claim, read) as session:
                yield session
        except RefusedError as error:
            self.counters.refused[claim.protocol, error.status] += 1
            raise

    @asynccontextmanager
    async def _admitted(self, claim: Claim, read: Callable[[], object]) -> AsyncIterator[Session]:
        grant = await self._granted(claim)
        read()
        await self._make_room(grant.stream, claim.patience)
        if self._closed:
            raise RefusedError("the server is stopping", 503)
        session = self._sessions[grant.stream] = Session(claim, grant, self._make)
        self.counters.admitted[claim.protocol] += 1
        expiry = None
        if grant.until is not None:
            left = max(0.0, grant.until - time.time())
            loop = asyncio.get_running_loop()
            expiry = loop.call_later(left, session.end, RefusedError("the key has expired", 401))
        log.info("%s: published over %s from %s", grant.stream, claim.protocol, claim.address)
        self.told(session, None, True)
        why: RefusedError | None = None
        try:
            yield session
        except RefusedError as error:
            why = error
            log.warning("%s: the publisher at %s is cut off: %s", grant.stream, claim.address, error)
            raise
        else:
            how = "has stopped" if session.goodbye else "is gone without a goodbye"
            log.info("%s: the publisher at %s %s", grant.stream, claim.address, how)
        finally:
            if expiry is not None:
                expiry.cancel()
            if self._sessions.get(grant.stream) is session:
                del self._sessions[grant.stream]
            session.leave()
            self.told(session, why, False)

    async def ask(self, claim: Claim) -> Grant:
        """Whether ``claim`` would be granted; nothing is taken by asking. Raises :class:`RefusedError`."""
        return await self._granted(claim)

    async def _granted(self, claim: Claim) -> Grant:
        try:
            grant = await self._access(claim)
        except RefusedError as error:
            log.warning("a publisher over %s from %s is refused: %s", claim.protocol, claim.address, error)
            raise
        if claim.stream is not None and claim.stream != grant.stream:
            log.warning(
                "a publisher over %s from %s is refused: its key is for another stream than it named",
                claim.protocol, claim.address,
            )  # fmt: skip
            raise RefusedError("the key is for another stream", 403)
        return grant

    async def _make_room(self, stream: str, patience: float | None) -> None:
        """The stream has no publisher when this returns, and nobody else is waiting to become it."""
        if stream in self._coming:
            raise RefusedError(f"{stream} is being published, and another publisher waits for it", 409)
        if stream not in self._sessions and len(self._sessions) >= MOST:
            raise RefusedError(f"{MOST} streams are being published here: no more fit", 503)
        if stream not in self._sessions:
            return
        self._coming.add(stream)
        try:
            turn = self._turn(stream)
            old = self._sessions[stream]
            grace = turn.grace if patience is None else min(turn.grace, patience)
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await old.gone()
                    return
            if not turn.takes_over:
                raise RefusedError(f"{stream} is being published by somebody else", 409)
            log.info("%s: another publisher takes over", stream)
            old.end(RefusedError("another publisher with a key for this stream took over", 409))
            try:
                async with asyncio.timeout(FAREWELL):
                    await old.gone()
            except TimeoutError:
                raise RefusedError(f"{stream} is being published, and does not end", 503) from None
        finally:
            self._coming.discard(stream)
