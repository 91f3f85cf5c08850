"""Puts a track's packets back into order, and knows which are to be asked for again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from seeder.publish.whip.packets import Packet, unrolled

MOST = 1024
"""Packets held while one is missing: a second at 10 Mbit/s. What is further off is another stream."""
ASK_EVERY = 0.08
"""Seconds between two requests for the same packet: about a round trip across a continent."""


@dataclass(slots=True)
class _Missing:
    since: float
    asked: float = float("-inf")


class Order:
    """One track's, of one SSRC."""

    def __init__(self, patience: float) -> None:
        """``patience``: seconds that a missing packet is waited for."""
        self._patience = patience
        self._next: int | None = None
        self._highest = 0
        self._held: dict[int, Packet] = {}
        self._missing: dict[int, _Missing] = {}

    @property
    def highest(self) -> int:
        """The highest sequence number, turns included."""
        return self._highest

    def add(self, packet: Packet, now: float) -> bool:
        """False: the packet is too far off to belong to this stream, which then begins anew with it."""
        if self._next is None:
            self._next = self._highest = packet.sequence
        number = unrolled(packet.sequence, self._highest, 16)
        if not -MOST < number - self._highest < MOST or number - self._next >= 2 * MOST:
            self._next = self._highest = packet.sequence
            self._held = {packet.sequence: packet}
            self._missing = {}
            return False
        if number < self._next:
            return True  # a second copy, or too late
        for lost in range(self._highest + 1, number):
            self._missing[lost] = _Missing(now)
        self._missing.pop(number, None)
        self._highest = max(self._highest, number)
        self._held[number] = packet
        return True

    def take(self, now: float) -> list[Packet | None]:
        """What is in order by now; ``None`` stands for packets that were given up."""
        out: list[Packet | None] = []
        while self._next is not None and self._next <= self._highest:
            packet = self._held.pop(self._next, None)
            if packet is None:
                lost = self._missing.get(self._next)
                if lost is not None and now - lost.since < self._patience and len(self._held) < MOST:
                    break
                self._missing.pop(self._next, None)
                if not out or out[-1] is not None:
                    out.append(None)
            else:
                out.append(packet)
            self._next += 1
        return out

    def wanted(self, now: float) -> list[int]:
        """What is to be asked for now, ascending, turns included."""
        out = []
        for number, lost in self._missing.items():
            if now - lost.asked >= ASK_EVERY:
                lost.asked = now
                out.append(number)
        return sorted(out)[:256]  # what one message holds

    @property
    def waits(self) -> bool:
        return bool(self._missing)
