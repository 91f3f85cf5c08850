"""When to reload a live playlist that others serve, to know of a segment soon after it is listed. Pure.

Whoever reloads a target duration after its last reload (RFC 8216bis §6.3.4, for players) is late by half of
one on average, and so would be everybody behind us. Segments are listed at a steady pace, though: we come a
little earlier each time, until once in vain; then we know when they are listed, and keep a little behind.
In vain we come again soon, a few times: one cache that asks for an audience, with a conditional request.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST = 0.05
"""Seconds kept behind the moment a segment is due: about what a server's clock and its disk stray."""
SEARCH = 0.2
"""Of a target duration, by which the search for that moment goes on."""
CREEP = 0.15
"""Of the slack, by which we come earlier once it is found: clocks drift, and less would do."""
OFTEN = 3
"""Reloads in time between two in vain: fewer want more slack, twice as many less."""
WIDER = 1.5
NARROWER = 0.75
AGAIN = (0.05, 0.1, 0.15, 0.25)
"""Of a target duration, to wait after reloads in vain, one after the other; from then on as players do."""
IN_VAIN = 0.5
SOONEST = 0.25
"""Of a target duration, between two reloads, whatever is expected."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is known of one playlist's pace; replaced at each reload."""

    target: float
    """Seconds: EXT-X-TARGETDURATION."""
    due: float
    """When the next segment is expected to be listed, at the latest."""
    slack: float = LEAST
    """Seconds behind that to come."""
    found: bool = False
    """We came in vain before: the moment is known."""
    vain: float | None = None
    """When the last reload began, if it was in vain."""
    times: int = 0
    """How many were in vain, one after the other."""
    in_time: int = 0
    """Reloads since one was in vain."""

    @classmethod
    def first(cls, target: float, newest: float, now: float) -> Rhythm:
        """After the first reload; the newest segment may have been listed for anything up to its duration."""
        return cls(target, now + newest)

    def changed(self, target: float, added: float, asked: float) -> Rhythm:
        """A reload that began at ``asked`` showed ``added`` more seconds of segments."""
        step = min(max(0.1 * target, added), 3 * target)
        if self.vain is not None:
            # Listed behind the one in vain; how far is not known.
            return Rhythm(target, self.vain + step, self.slack, True)
        if asked - self.due > target:  # a pause, a restart: what was learnt holds no more
            return Rhythm(target, asked + step)
        earlier = CREEP * self.slack if self.found else SEARCH * target
        return Rhythm(target, self.due + step - earlier, self.slack, self.found, in_time=self.in_time + 1)

    def unchanged(self, asked: float) -> Rhythm:
        """A reload that began at ``asked`` showed nothing new."""
        often = self.found and not self.times and self.in_time < OFTEN
        factor = WIDER if often else NARROWER if self.in_time > 2 * OFTEN else 1.0
        slack = min(0.25 * self.target, max(LEAST, factor * self.slack))
        return Rhythm(self.target, self.due, slack, True, asked, self.times + 1)

    def next(self, asked: float) -> float:
        """When to begin the next reload, the last one having begun at ``asked``."""
        if self.vain is not None:
            return asked + self.target * (AGAIN[self.times - 1] if self.times <= len(AGAIN) else IN_VAIN)
        return max(asked + SOONEST * self.target, self.due + self.slack)
