"""A swarm's story, line by line::

    play = Playbook()
    play.at(0).says("alice", announce(offers=2)).hears("alice", reply(incomplete=1))
    play.says("bob", announce()).hears("bob", reply(incomplete=2))
    play.says("alice", announce(offers=1)).hears("alice", reply(incomplete=2)).hears("bob", offer("alice", 0))

Connections are named by their person; so are peer ids, unless told otherwise. Every message the swarm
sends must be heard, in order, before the next line; ``silence()`` says that there is none left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Self

from seeder.tracker.limits import Limits
from seeder.tracker.swarm import ConnId, Send, Swarm
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
)

MOVIE = b"movie".ljust(20, b".")
LIMITS = Limits(interval=30, min_interval=10, offer_timeout=60, peer_timeout=180)
PACE = Pace(30, 10)


def peer(name: str) -> bytes:
    return name.encode().ljust(20, b"-")


def offer_id(name: str, number: int) -> bytes:
    return f"{name} {number}".encode().ljust(20, b"#")


class Playbook:
    def __init__(
        self,
        limits: Limits = LIMITS,
        knows: Callable[[bytes], bool] = lambda infohash: True,
        seed: int = 1,
        lend: Callable[[bytes], IceServer] | None = None,
    ) -> None:
        self.swarm = Swarm(limits, knows, Random(seed), lend)
        self.now = 0.0
        self._sent: deque[Send] = deque()
        self._conns: dict[str, ConnId] = {}

    def at(self, seconds: float) -> Self:
        self.now = seconds
        self.silence()
        self._sent.extend(self.swarm.tick(seconds))
        return self

    def says(self, who: str, request: Callable[[str], Request]) -> Self:
        self.silence()
        self._sent.extend(self.swarm.receive(self.conn(who), request(who), self.now))
        return self

    def leaves(self, who: str) -> Self:
        self.silence()
        self.swarm.closed(self.conn(who))
        return self

    def retires(self, infohash: bytes = MOVIE) -> Self:
        self.silence()
        self._sent.extend(self.swarm.retire(infohash))
        return self

    def hears(self, who: str, message: Reply) -> Self:
        assert self._sent, f"{who} should hear {message}, but nothing was sent"
        sent = self._sent.popleft()
        assert (self.name(sent.conn), sent.reply) == (who, message)
        return self

    def silence(self) -> Self:
        assert not self._sent, f"not heard: {[(self.name(s.conn), s.reply) for s in self._sent]}"
        return self

    def take(self) -> list[tuple[str, Reply]]:
        """All that was sent, for stories in which chance decides who hears it."""
        sent = [(self.name(one.conn), one.reply) for one in self._sent]
        self._sent.clear()
        return sent

    def conn(self, who: str) -> ConnId:
        return self._conns.setdefault(who, ConnId(len(self._conns)))

    def name(self, conn: ConnId) -> str:
        return next(name for name, ident in self._conns.items() if ident == conn)


def announce(
    *,
    offers: int | tuple[int, ...] = 0,
    seed: bool = False,
    event: Event = Event.NONE,
    infohash: bytes = MOVIE,
    as_peer: str | None = None,
    ice: bool = False,
) -> Callable[[str], Announce]:
    numbers = range(offers) if isinstance(offers, int) else offers

    def by(who: str) -> Announce:
        made = tuple(Offer(offer_id(who, n), f"sdp of {who}'s offer {n}") for n in numbers)
        return Announce(infohash, peer(as_peer or who), event, seed, made, ice)

    return by


def answer(
    to: str, number: int, *, infohash: bytes = MOVIE, as_peer: str | None = None
) -> Callable[[str], Answer]:
    return lambda who: Answer(infohash, peer(as_peer or who), peer(to), offer_id(to, number), f"sdp of {who}")


def reply(
    complete: int = 0,
    incomplete: int = 0,
    downloaded: int = 0,
    infohash: bytes = MOVIE,
    ice: IceServer | None = None,
) -> AnnounceReply:
    return AnnounceReply(infohash, Counts(complete, incomplete, downloaded), PACE, ice)


def refusal(reason: str, infohash: bytes = MOVIE) -> Failure:
    return Failure("announce", infohash, reason, PACE)


def offered(by: str, number: int, infohash: bytes = MOVIE) -> OfferRelay:
    return OfferRelay(infohash, peer(by), Offer(offer_id(by, number), f"sdp of {by}'s offer {number}"))


def answered(by: str, to: str, number: int, infohash: bytes = MOVIE) -> AnswerRelay:
    return AnswerRelay(infohash, peer(by), offer_id(to, number), f"sdp of {by}")
