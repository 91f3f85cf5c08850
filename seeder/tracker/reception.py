"""Which offers reach our own seed, and when; pure.

libtorrent answers as many offers for a torrent as it made itself in its last announce of it, and drops the
rest without a word until it announces again (measured with 2.1.1: a quota per announce, beside the cap on
unfinished negotiations). So whoever sends a few offers that lead nowhere would take the seed from all
others. Here offers wait in line instead: who was served longest ago comes first, by client and then by
connection, so that a flood queues behind everyone else, and itself; the seed is asked to announce again
when somebody waits and its quota is spent; and what it negotiates is bounded in all, for each negotiation
costs it a socket, some 35 KiB and some milliseconds of CPU, bogus or not.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from seeder.tracker.gate import Bucket
from seeder.tracker.limits import Limits
from seeder.tracker.wire import Offer

Conn = TypeVar("Conn", bound=Hashable)

ASK_AGAIN = 3.0
"""Seconds until the seed is asked once more to announce; it does so within one."""
MAX_REMEMBERED = 8192
"""Clients and connections whose last turn is known; forgotten ones count as new."""
MAX_CANDIDATES = 24
"""Of one description: a browser with many interfaces has a dozen, and the seed sends packets to each."""


@dataclass(frozen=True, slots=True)
class Held(Generic[Conn]):
    """An offer that waits for the seed."""

    infohash: bytes
    conn: Conn
    client: str
    """As :func:`seeder.tracker.gate.client_key`."""
    peer_id: bytes
    offer: Offer
    expires: float


class Reception(Generic[Conn]):
    """The line in front of one seed. Times are seconds of any monotonic clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._quota: dict[bytes, int] = {}
        """Offers that the seed would still answer, for each torrent it announced."""
        self._asked: dict[bytes, float] = {}
        """When it was asked to announce again, until it does."""
        self._held: dict[tuple[bytes, Conn], Held[Conn]] = {}
        """One for each torrent and connection, in the order of arrival; at most ``seed_held``."""
        self._served: OrderedDict[Hashable, float] = OrderedDict()
        """Clients and connections by their last turn, longest ago first."""
        self._answers = Bucket(limits.seed_rate, limits.seed_burst, 0.0)
        self._nudges = Bucket(limits.seed_nudge_rate, limits.seed_nudge_burst, 0.0)

    def __len__(self) -> int:
        return len(self._held)

    def announced(self, infohash: bytes, offers: int) -> None:
        """The seed announced ``infohash`` with so many offers: it answers as many."""
        self._quota[infohash] = offers
        self._asked.pop(infohash, None)

    def left(self, infohash: bytes) -> None:
        """The seed no longer has ``infohash``."""
        self._quota.pop(infohash, None)
        self._asked.pop(infohash, None)
        for key in [key for key in self._held if key[0] == infohash]:
            del self._held[key]

    def clear(self) -> None:
        """The seed is gone; who was served is remembered."""
        self._quota.clear()
        self._asked.clear()
        self._held.clear()

    def closed(self, conn: Conn) -> None:
        for key in [key for key in self._held if key[1] == conn]:
            del self._held[key]

    def hold(self, held: Held[Conn]) -> None:
        """Put an offer in line; a full line loses the one whose turn would come last, maybe this one."""
        self._held[held.infohash, held.conn] = held
        if len(self._held) > self._limits.seed_held:
            # max() takes the first of equals, hence backwards: of two newcomers the later one goes.
            last = max(reversed(self._held.values()), key=self._turn)
            del self._held[last.infohash, last.conn]

    def served(self, client: str, conn: Conn, now: float) -> None:
        """``conn`` had its turn: an offer of its own, or one of the seed's."""
        for who in (client, conn):
            self._served[who] = now
            self._served.move_to_end(who)
        while len(self._served) > MAX_REMEMBERED:
            self._served.popitem(last=False)

    def turn(self, client: str, conn: Conn) -> tuple[float, float]:
        """The smaller, the sooner: who was served longest ago."""
        never = float("-inf")
        return self._served.get(client, never), self._served.get(conn, never)

    def next(self, now: float) -> tuple[list[Held[Conn]], list[bytes]]:
        """The offers whose turn it is, and the torrents that the seed is to announce again."""
        for key in [key for key, held in self._held.items() if held.expires <= now]:
            del self._held[key]
        relayed: list[Held[Conn]] = []
        while ready := [held for held in self._held.values() if self._quota.get(held.infohash)]:
            if not self._answers.spend(now):
                break  # announces have a bound of their own: else a flood of other torrents would stop them
            first = min(ready, key=self._turn)
            del self._held[first.infohash, first.conn]
            self._quota[first.infohash] -= 1
            self.served(first.client, first.conn, now)
            relayed.append(first)
        asked: list[bytes] = []
        for held in sorted(self._held.values(), key=self._turn):
            infohash = held.infohash
            waiting = self._asked.get(infohash, float("-inf")) + ASK_AGAIN > now
            if waiting or infohash not in self._quota:
                continue
            if not self._nudges.spend(now):
                break
            self._asked[infohash] = now
            asked.append(infohash)
        return relayed, asked

    def _turn(self, held: Held[Conn]) -> tuple[float, float]:
        return self.turn(held.client, held.conn)


def plain(offer: Offer) -> Offer:
    """``offer`` as the seed gets it: :func:`plain_sdp`."""
    return Offer(offer.offer_id, plain_sdp(offer.sdp))


def plain_sdp(sdp: str) -> str:
    """Without candidates (RFC 8839 §5.1) that are names, nor more than :data:`MAX_CANDIDATES`.

    libtorrent looks each name up on a thread of its own, with a socket, for as long as the resolver waits:
    ten offers of 150 names made 1,485 threads. A browser's ``.local`` names mean nothing here anyway: the
    checks that it sends to the seed tell where it is (RFC 8445 §7.3.1.3).
    """
    kept: list[str] = []
    candidates = 0
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            fields = line.split()
            candidates += 1
            if len(fields) < 6 or candidates > MAX_CANDIDATES or not _is_address(fields[4]):
                continue
        kept.append(line)
    return "".join(f"{line}\r\n" for line in kept)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
