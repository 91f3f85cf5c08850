"""How long to wait before the next run. Pure: the dice are passed in."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.5  # seconds: a publisher that reconnects is back within one segment
LONGEST = 15.0  # seconds: an input that returns is on the air again within this
JITTER = 0.5  # of the delay, so that many streams of one lost server do not all return at once


class Backoff:
    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice  # 0 ≤ dice() < 1
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure."""
        delay = min(LONGEST, FIRST * 2.0 ** min(self._failures, 16))  # 16: beyond the cap, short of overflow
        self._failures += 1
        return delay * (1 - JITTER * self._dice())

    def succeeded(self) -> None:
        """The run was healthy: the next failure is a first one."""
        self._failures = 0
