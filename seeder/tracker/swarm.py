"""Who is in which swarm, and what is sent to whom; pure: the clock and the dice are passed in.

:class:`Swarm` is one state machine. Every method returns the messages to send, in order; the caller
carries them. Times are seconds of any monotonic clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random
from typing import NamedTuple, NewType

from seeder.tracker.limits import Limits
from seeder.tracker.reception import Held, Reception, plain, plain_sdp
from seeder.tracker.roster import Member, Roster
from seeder.tracker.wire import (
    Announce,
    AnnounceReply,
    Answer,
    AnswerRelay,
    Counts,
    Event,
    Failure,
    IceServer,
    Offer,
    OfferRelay,
    Pace,
    Reply,
    Request,
    Scrape,
    ScrapeReply,
)

ConnId = NewType("ConnId", int)
"""One WebSocket; chosen by the caller, never reused."""

OfferKey = tuple[bytes, bytes, bytes]
"""(infohash, offering peer_id, offer_id)."""

SEEKERS = 32
"""Peers drawn when our own seed offers: among so many are some that had no offer yet."""

AT_ONCE = Pace(1, 1)
"""To libtorrent: announce again now."""


class Send(NamedTuple):
    conn: ConnId
    reply: Reply


@dataclass(slots=True)
class _Connection:
    """What one WebSocket takes part in; both maps are bounded by Limits."""

    peer_ids: dict[bytes, bytes] = field(default_factory=dict)
    """Infohash → the one peer_id it uses there."""
    offers: set[OfferKey] = field(default_factory=set)
    """Offers in flight that it sent or received."""


_InFlight = tuple[ConnId, ConnId, bytes, float]
"""Source, target, the target's peer_id, when it expires. A bare tuple: there are many, and what else there is
Python's garbage collector looks through again and again."""


class Swarm:
    """All swarms of one tracker.

    ``knows`` says which infohashes exist here: without it anyone could use this server to run swarms of
    their own, and its memory would be theirs to fill. ``lend``: ICE servers for the peer of an id, if it
    asks.
    """

    def __init__(
        self,
        limits: Limits,
        knows: Callable[[bytes], bool],
        rng: Random,
        lend: Callable[[bytes], IceServer] | None = None,
    ) -> None:
        self._limits = limits
        self._knows = knows
        self._rng = rng
        self._lend = lend
        self._pace = Pace(limits.interval, limits.min_interval)
        self._connections: dict[ConnId, _Connection] = {}
        self._rosters: dict[bytes, Roster[ConnId]] = {}
        self._in_flight: dict[OfferKey, _InFlight] = {}
        """Oldest first: all wait equally long."""
        self._heard: OrderedDict[tuple[bytes, bytes], float] = OrderedDict()
        """(infohash, peer_id) → when it last announced, longest ago first."""
        self._clients: dict[ConnId, str] = {}
        """Who is behind a connection, as far as :meth:`opened` said."""
        self._home: ConnId | None = None
        """Our own seed's connection."""
        self._home_pace = Pace(limits.seed_interval, 1)
        self._reception: Reception[ConnId] = Reception(limits)

    def opened(self, conn: ConnId, client: str, *, home: bool = False) -> None:
        """``conn`` begins. ``client``: as :func:`seeder.tracker.gate.client_key`; ``home``: it is our own
        seed, to which :mod:`seeder.tracker.reception` applies; of several the latest is meant."""
        self._clients[conn] = client
        if home:
            self._home = conn
            self._reception.clear()

    def receive(self, conn: ConnId, request: Request, now: float) -> list[Send]:
        """``conn`` sent ``request``."""
        if isinstance(request, Announce):
            return self._announce(conn, request, now)
        if isinstance(request, Answer):
            return self._answer(conn, request, now)
        return [Send(conn, self._scrape(conn, request))]

    def closed(self, conn: ConnId) -> None:
        """``conn`` is gone, and its peers with it."""
        self._clients.pop(conn, None)
        self._reception.closed(conn)
        if conn == self._home:
            self._home = None
            self._reception.clear()
        connection = self._connections.pop(conn, None)
        if connection is None:
            return
        for infohash, peer_id in connection.peer_ids.items():
            self._drop(infohash, peer_id)
        for key in tuple(connection.offers):
            self._forget_offer(key, connection)

    def retire(self, infohash: bytes) -> list[Send]:
        """End a swarm with one last reply to each member: it frees what libtorrent 2.1.1 keeps per torrent
        until one more reply arrives after the torrent's removal (some 9 KiB, else for ever)."""
        roster = self._rosters.get(infohash)
        if roster is None:
            return []
        last = AnnounceReply(infohash, Counts(0, 0, roster.downloaded), self._pace)
        members = list(roster)
        for member in members:
            self._leave(member.conn, infohash)
        return [Send(member.conn, last) for member in members]

    def tick(self, now: float) -> list[Send]:
        """Expire offers and peers; cheap when nothing is due, so call it every few seconds.

        A peer that expires gets the last reply as in :meth:`retire`: it may be another server's libtorrent.
        """
        waiting = self._in_flight.items()
        for key in [key for key, _ in takewhile(lambda item: item[1][3] <= now, waiting)]:
            self._forget_offer(key)
        sends: list[Send] = []
        while self._heard:
            (infohash, peer_id), heard = next(iter(self._heard.items()))
            if heard + self._limits.peer_timeout > now:
                break
            member = self._rosters[infohash].get(peer_id)
            assert member is not None  # _heard and the rosters hold the same peers
            counts = self._rosters[infohash].counts
            self._leave(member.conn, infohash)
            sends.append(Send(member.conn, AnnounceReply(infohash, counts, self._pace)))
        return sends + self._receive_guests(now)

    def counts(self, infohash: bytes) -> Counts:
        """Peers of a swarm now; zeros when it has none."""
        roster = self._rosters.get(infohash)
        return Counts(0, 0, 0) if roster is None else roster.counts

    def __len__(self) -> int:
        """Swarms that have a member."""
        return len(self._rosters)

    # announce

    def _announce(self, conn: ConnId, request: Announce, now: float) -> list[Send]:
        infohash = request.infohash
        if request.event is Event.STOPPED:
            # Answered for unknown infohashes too: the segment may have retired first, which is no failure.
            if self._peer_id(conn, infohash) == request.peer_id:
                self._leave(conn, infohash)
            return [Send(conn, AnnounceReply(infohash, self.counts(infohash), self._pace))]
        if refusal := self._refusal(conn, request):
            return [Send(conn, Failure("announce", infohash, refusal, self._pace))]
        connection = self._connections.get(conn)
        if connection is None:
            connection = self._connections[conn] = _Connection()
        connection.peer_ids[infohash] = request.peer_id
        roster = self._rosters.get(infohash)
        if roster is None:
            roster = self._rosters[infohash] = Roster()
        roster.put(Member(conn, request.peer_id, request.seed))
        if request.event is Event.COMPLETED:
            roster.downloaded += 1
        peer = infohash, request.peer_id
        self._heard[peer] = now
        self._heard.move_to_end(peer)
        if conn == self._home:
            self._reception.announced(infohash, len(request.offers))
            sends = [Send(conn, AnnounceReply(infohash, roster.counts, self._home_pace))]
            sends += self._invite(conn, request, roster, now)
        else:
            lent = self._lend(request.peer_id) if request.ice and self._lend is not None else None
            sends = [Send(conn, AnnounceReply(infohash, roster.counts, self._pace, lent))]
            sends += self._relay(conn, request, roster, now)
        if len(self._reception):
            sends += self._receive_guests(now)
        return sends

    def _refusal(self, conn: ConnId, request: Announce) -> str | None:
        """Why this announce is not accepted; ``None`` when it is."""
        infohash, peer_id = request.infohash, request.peer_id
        mine = self._peer_id(conn, infohash)
        if not self._knows(infohash):
            if mine is not None:
                self._leave(conn, infohash)
            return "unknown info_hash"
        if mine is not None and mine != peer_id:
            # Else one connection could fill a swarm with peers that do not exist, and get every offer.
            return "one peer_id per info_hash and connection"
        roster = self._rosters.get(infohash)
        member = None if roster is None else roster.get(peer_id)
        if member is not None and member.conn != conn:
            # The first connection wins. Peer ids are public (every offer names one), so if the last one won,
            # anyone could announce under a victim's id, take the answers meant for it and cut it off.
            return "peer_id is in use by another connection"
        connection = self._connections.get(conn)
        if mine is None and connection and len(connection.peer_ids) >= self._limits.max_infohashes:
            return f"a connection may take part in {self._limits.max_infohashes} swarms"
        return None

    def _relay(self, conn: ConnId, request: Announce, roster: Roster[ConnId], now: float) -> list[Send]:
        """Each offer to a different peer; what finds no taker is dropped, its sender tries again.
        The first is our own seed's, if it is there: among many that seek, chance might never find it."""
        infohash, peer_id = request.infohash, request.peer_id
        connections, in_flight, most = self._connections, self._in_flight, self._limits.max_outstanding
        mine = connections[conn].offers
        keyed = [((infohash, peer_id, offer.offer_id), offer) for offer in request.offers]
        keyed = [one for one in keyed if one[0] not in in_flight][: max(0, most - len(mine))]
        if keyed and not request.seed and self._is_home(infohash):
            expires = now + self._limits.seed_patience
            _, offer = keyed.pop(0)
            self._reception.hold(Held(infohash, conn, self._client(conn), peer_id, offer, expires))
        sends: list[Send] = []
        if not keyed:
            return sends
        expires, home = now + self._limits.offer_timeout, self._home
        # Two more than needed, for the sender itself and our own seed may be drawn.
        for target, target_peer_id, _ in roster.introduce(peer_id, len(keyed) + 2, self._rng):
            theirs = connections[target].offers
            if target in (conn, home) or len(theirs) >= most:
                continue
            key, offer = keyed[len(sends)]
            in_flight[key] = conn, target, target_peer_id, expires
            mine.add(key)
            theirs.add(key)
            sends.append(Send(target, OfferRelay(infohash, peer_id, offer)))
            if len(sends) == len(keyed):
                break
        return sends

    # our own seed

    def _invite(self, conn: ConnId, request: Announce, roster: Roster[ConnId], now: float) -> Iterator[Send]:
        """Our seed's offers, to those of the others who had none for the longest time."""
        most = self._limits.max_outstanding
        drawn = [m for m in roster.sample(SEEKERS, self._rng) if m.conn != conn and not m.seed]
        seekers = [m for m in drawn if len(self._connections[m.conn].offers) < most]
        seekers.sort(key=lambda member: self._reception.turn(self._client(member.conn), member.conn))
        for offer, member in zip(request.offers, seekers, strict=False):
            if (request.infohash, request.peer_id, offer.offer_id) in self._in_flight:
                continue
            self._reception.served(self._client(member.conn), member.conn, now)
            self._remember_offer(conn, request.peer_id, request.infohash, offer, member, now)
            yield Send(member.conn, OfferRelay(request.infohash, request.peer_id, offer))

    def _receive_guests(self, now: float) -> list[Send]:
        """The offers whose turn it is at our own seed, and the announces asked of it: a reply that it did
        not wait for tells libtorrent when to come back."""
        if self._home is None or not len(self._reception):
            return []
        sends: list[Send] = []
        guests, asked = self._reception.next(now)
        for held in guests:
            seed = self._peer_id(self._home, held.infohash)
            key = (held.infohash, held.peer_id, held.offer.offer_id)
            still = self._peer_id(held.conn, held.infohash) == held.peer_id
            # libtorrent may be letting go of what has left the window, and does not look whether it is.
            if seed is None or not still or key in self._in_flight or not self._knows(held.infohash):
                continue
            target = Member(self._home, seed, True)
            self._remember_offer(held.conn, held.peer_id, held.infohash, held.offer, target, now)
            sends.append(Send(self._home, OfferRelay(held.infohash, held.peer_id, plain(held.offer))))
        for infohash in asked:
            sends.append(Send(self._home, AnnounceReply(infohash, self.counts(infohash), AT_ONCE)))
        return sends

    def _is_home(self, infohash: bytes) -> bool:
        return self._home is not None and self._peer_id(self._home, infohash) is not None

    def _client(self, conn: ConnId) -> str:
        return self._clients.get(conn, "")

    # answer

    def _answer(self, conn: ConnId, request: Answer, now: float) -> list[Send]:
        """Relayed only from the peer that was given this offer, to the one that made it, once: else the
        tracker would carry anyone's text to any peer whose id is known. Others are dropped without a
        reply, for lateness is normal and no client awaits a reply to an answer."""
        key = (request.infohash, request.to_peer_id, request.offer_id)
        offer = self._in_flight.get(key)
        if offer is None:
            return []
        source, target, target_peer_id, expires = offer
        if target != conn or target_peer_id != request.peer_id:
            return []
        self._forget_offer(key)
        if expires <= now:
            return []
        sdp = plain_sdp(request.sdp) if source == self._home else request.sdp
        relay = AnswerRelay(request.infohash, request.peer_id, request.offer_id, sdp)
        return [Send(source, relay)]

    # scrape

    def _scrape(self, conn: ConnId, request: Scrape) -> ScrapeReply:
        if request.infohashes is None:
            # Everything there is would be a list of all streams and a long message: only the asker's own.
            connection = self._connections.get(conn)
            asked = tuple(connection.peer_ids) if connection else ()
        else:
            asked = request.infohashes
        files = {infohash: self.counts(infohash) for infohash in asked if self._knows(infohash)}
        return ScrapeReply(files, asked, request.single, self._pace)

    # bookkeeping

    def _peer_id(self, conn: ConnId, infohash: bytes) -> bytes | None:
        connection = self._connections.get(conn)
        return None if connection is None else connection.peer_ids.get(infohash)

    def _leave(self, conn: ConnId, infohash: bytes) -> None:
        connection = self._connections[conn]
        peer_id = connection.peer_ids.pop(infohash)
        if conn == self._home:
            self._reception.left(infohash)
        self._drop(infohash, peer_id)
        for key in [key for key in connection.offers if key[0] == infohash]:
            self._forget_offer(key)
        if not connection.peer_ids and not connection.offers:
            del self._connections[conn]

    def _drop(self, infohash: bytes, peer_id: bytes) -> None:
        roster = self._rosters[infohash]
        roster.remove(peer_id)
        del self._heard[infohash, peer_id]
        if not roster:
            del self._rosters[infohash]

    def _remember_offer(
        self,
        source: ConnId,
        peer_id: bytes,
        infohash: bytes,
        offer: Offer,
        target: Member[ConnId],
        now: float,
    ) -> None:
        key = (infohash, peer_id, offer.offer_id)
        self._in_flight[key] = source, target.conn, target.peer_id, now + self._limits.offer_timeout
        self._connections[source].offers.add(key)
        self._connections[target.conn].offers.add(key)

    def _forget_offer(self, key: OfferKey, leaving: _Connection | None = None) -> None:
        """``leaving``: a connection already taken out of the map."""
        source, target, _, _ = self._in_flight.pop(key)
        for conn in (source, target):
            if connection := self._connections.get(conn):
                connection.offers.discard(key)
        if leaving is not None:
            leaving.offers.discard(key)
