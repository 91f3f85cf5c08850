"""What happens to a packet between viewers: rate, delay, queue, loss. Pure: the time is an argument."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

QUEUE_SECONDS = 0.25
"""What a link's buffer holds at its rate; a home router's order of magnitude. More is dropped."""
SHORTEST_PACKET = 20
"""Bytes of an IPv4 header."""


@dataclass(slots=True)
class Line:
    """One direction of one viewer's link."""

    rate: float
    """Bytes a second; 0: no limit."""
    delay: float
    _free_at: float = 0.0
    """When all that was accepted so far will have been sent."""

    def leaves(self, size: int, now: float) -> float | None:
        """When a packet that comes now is at the other end; None: the buffer is full."""
        if self.rate <= 0:
            return now + self.delay
        begins = max(now, self._free_at)
        if begins - now > QUEUE_SECONDS:
            return None
        self._free_at = begins + size / self.rate
        return self._free_at + self.delay


@dataclass(frozen=True, slots=True)
class Port:
    """Where packets come in and go out: one network namespace."""

    address: bytes
    """IPv4, four bytes."""
    up: float
    down: float
    delay: float
    """Seconds, each way: a quarter of the round trip between two ports."""


@dataclass(slots=True)
class Shaper:
    """``receive`` what came in, then take what is ``due``; ``next_at`` says when to ask again."""

    ports: Mapping[bytes, Port]
    loss: float
    rng: random.Random
    dropped: int = 0
    """Full buffers, loss, unknown addresses."""
    _ups: dict[bytes, Line] = field(init=False)
    _downs: dict[bytes, Line] = field(init=False)
    _waiting: list[tuple[float, int, bytes, bytes, bool]] = field(default_factory=list)
    """(when, order, to, packet, whether it has passed the receiver's line too)."""
    _order: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._ups = {address: Line(port.up, port.delay) for address, port in self.ports.items()}
        self._downs = {address: Line(port.down, port.delay) for address, port in self.ports.items()}

    def receive(self, packet: bytes, sender: bytes, now: float) -> None:
        """A packet from a namespace; only IPv4 for one of ours goes on."""
        to = packet[16:20]
        known = len(packet) >= SHORTEST_PACKET and packet[0] >> 4 == 4 and to in self.ports
        if not known or (self.loss > 0 and self.rng.random() < self.loss):
            self.dropped += 1
            return
        self._pass(self._ups[sender], to, packet, now, last=False)

    def due(self, now: float) -> list[tuple[bytes, bytes]]:
        """(to, packet) of all that has arrived by now, in order."""
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            at, _, to, packet, last = heapq.heappop(self._waiting)
            if last:
                out.append((to, packet))
            else:
                # At the time it came there, however late we look.
                self._pass(self._downs[to], to, packet, at, last=True)
        return out

    @property
    def next_at(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None

    def _pass(self, line: Line, to: bytes, packet: bytes, now: float, *, last: bool) -> None:
        at = line.leaves(len(packet), now)
        if at is None:
            self.dropped += 1
        else:
            heapq.heappush(self._waiting, (at, next(self._order), to, packet, last))
