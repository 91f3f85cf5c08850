"""WHIP (RFC 9725) without HTTP: an offer and a token become a session, which ends in one of several ways."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from seeder.ingest.supply import Supply
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.desk import Desk, Session
from seeder.publish.door import Accepted
from seeder.publish.whip import answer
from seeder.publish.whip.answer import Local, Track
from seeder.publish.whip.offer import Offer, fragment, parse
from seeder.publish.whip.peer import Peer
from seeder.publish.whip.port import Port, listening
from seeder.publish.whip.secure import Identity, identity

MOST = 64
"""Sessions and those who want to become one: as many as the desk lets in."""
RENEW = timedelta(days=7)
"""Before our certificate's end a new one is made, for new sessions."""
SILENCE = 20.0
"""Seconds without media after which a publisher counts as gone although its ICE agent answers."""
GROWS = 720
"""Lines that are encoded at least of what adapts its size to the network: it begins with fewer."""
STOPPING = 3.0
"""Seconds for the sessions to end when we stop; then they are cut."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Session:
    key: str = field(repr=False)
    admitted: Session
    peer: Peer
    etag: str
    remote: str
    """The ``ice-ufrag`` that the client goes by now."""
    local: Local
    """What we go by now."""


class Whip:
    """Made by :func:`open_whip`; ``candidates``: the addresses at which publishers reach the port."""

    def __init__(
        self, desk: Desk, port: Port, number: int, candidates: tuple[str, ...], refresh: float
    ) -> None:
        self.number = number
        """Of the UDP port."""
        self._desk = desk
        self._port = port
        self._candidates = tuple((address, number) for address in candidates)
        self._refresh = refresh
        self._identity: Identity | None = None
        self._sessions: dict[str, _Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def publish(self, stream: str, key: str, address: str, text: str) -> Accepted:
        """An offer of who gave ``key``; returns once the desk has let it in. Raises :class:`RefusedError`.

        The offer is read first: one that is no good must not cost somebody else the stream."""
        offer = parse(text)
        tracks = answer.choose(offer)
        if len(self._tasks) >= MOST:
            raise RefusedError("too many publishers are here or coming: try again later", 503)
        accepted: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        claim = Claim("whip", address, key, stream=stream)
        task = asyncio.create_task(self._carry(claim, offer, tracks, accepted), name=f"whip {stream}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await accepted
        except asyncio.CancelledError:  # who asked has left: nobody would know the session's URL
            task.cancel()
            raise

    def patch(self, id: str, key: str, text: str, match: str | None) -> Accepted | None:
        """A trickled fragment: ``None`` when candidates are all it brings (of which we need none), the new
        ICE session after a restart. Raises :class:`RefusedError`: 404, 401, 400, 412, 428."""
        session = self._session(id, key)
        if match is None:
            raise RefusedError("say which ICE session it is for: If-Match", 428)
        told = fragment(text)
        restarts = told is not None and told[0] != session.remote
        if match.strip() != "*" and session.etag not in [tag.strip() for tag in match.split(",")]:
            raise RefusedError("that ICE session is over", 412)
        if told is None or not restarts:
            return None
        local = self._local()
        session.remote, session.etag = told[0], _etag()
        # Until the first check of the new session comes, media comes by the old one.
        self._port.keep(session.peer, session.local)
        self._port.add(session.peer, local)
        session.local = local
        lines = ["a=ice-lite", *answer.ice(local), *answer.candidates(local)]
        return Accepted(id, "\r\n".join(lines) + "\r\n", session.etag)

    def end(self, id: str, key: str, goodbye: bool = True) -> None:
        """The publisher stops, or (no ``goodbye``) lets go of a connection that it has lost. Raises
        :class:`RefusedError`: 404, 401."""
        session = self._session(id, key)
        session.admitted.goodbye = goodbye
        session.peer.leave()

    def _session(self, id: str, key: str) -> _Session:
        session = self._sessions.get(id)
        if session is None:
            raise RefusedError("no such session", 404)
        # The URL is a secret already; but the token must come with every request (RFC 9725 §4.7.1).
        if not secrets.compare_digest(session.key.encode(), key.encode()):
            raise RefusedError("no such key", 401)
        return session

    async def close(self) -> None:
        """Every session ends."""
        for session in self._sessions.values():
            session.peer.leave()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOPPING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _carry(
        self, claim: Claim, offer: Offer, tracks: tuple[Track, ...], accepted: asyncio.Future[Accepted]
    ) -> None:
        try:
            async with (
                self._desk.admit(claim) as admitted,
                self._connection(admitted, offer, tracks, accepted) as peer,
            ):
                head = await _before(admitted, peer)
                supply = _supply(claim, tracks)
                supply.head = head
                supply.on_reader = peer.refresh
                await admitted.carry(supply, peer.reading(supply))
        except RefusedError as error:
            if not accepted.done():
                accepted.set_exception(error)
        except Exception:
            log.exception("%s: publishing over WHIP crashed", claim.stream)
            if not accepted.done():
                accepted.set_exception(RefusedError("something is wrong here, not there", 503))
        finally:
            if not accepted.done():
                accepted.set_exception(RefusedError("this server is stopping", 503))

    @asynccontextmanager
    async def _connection(
        self, admitted: Session, offer: Offer, tracks: tuple[Track, ...], accepted: asyncio.Future[Accepted]
    ) -> AsyncIterator[Peer]:
        local = self._local()
        peer = Peer(self._own(), offer, tracks, self._port.send, refresh=self._refresh)
        id, etag = secrets.token_urlsafe(24), _etag()
        self._port.add(peer, local)
        self._sessions[id] = _Session(admitted.claim.key, admitted, peer, etag, offer.ufrag, local)
        try:
            if not accepted.done():
                accepted.set_result(Accepted(id, answer.write(offer, tracks, local), etag))
            yield peer
        finally:
            peer.close()
            self._port.remove(peer)
            del self._sessions[id]

    def _local(self) -> Local:
        return Local(secrets.token_hex(8), secrets.token_hex(16), self._own().fingerprint, self._candidates)

    def _own(self) -> Identity:
        if self._identity is None or self._identity.until - datetime.now(UTC) < RENEW:
            self._identity = identity()
        return self._identity


async def _before(admitted: Session, peer: Peer) -> bytes:
    """The head of the media, unless the desk ends it before there is any."""

    async def watch() -> None:
        peer.leave(await admitted.ended())

    watching = asyncio.create_task(watch())
    try:
        await peer.connected()
        return await peer.begun()
    finally:
        watching.cancel()


def _supply(claim: Claim, tracks: tuple[Track, ...]) -> Supply:
    adapts = any("transport-cc" in track.codec.feedback for track in tracks)
    varies = GROWS if adapts else 0
    return Supply(f"WHIP from {claim.address}", "matroska", silence=SILENCE, varies=varies)


def _etag() -> str:
    return f'"{secrets.token_hex(8)}"'


@asynccontextmanager
async def open_whip(
    desk: Desk, host: str, port: int, candidates: tuple[str, ...], *, refresh: float = 2.0
) -> AsyncIterator[Whip]:
    """WHIP while the block lasts, its media at UDP ``port`` of ``host``. :class:`ServeError` when that cannot
    be had. ``refresh``: seconds between two key frames."""
    async with listening(host, port) as (socket, number):
        whip = Whip(desk, socket, number, candidates, refresh)
        try:
            yield whip
        finally:
            await whip.close()
