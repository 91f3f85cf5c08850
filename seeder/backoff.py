"""How long to wait before another attempt. Pure: the dice are passed in."""

from __future__ import annotations

from collections.abc import Callable

FIRST = 0.5  # seconds: a publisher that reconnects is back within one segment
LONGEST = 15.0  # seconds: an input that returns is on the air again within this
JITTER = 0.5  # of the delay, so that many streams of one lost server do not all return at once


def delay(failures: int, dice: float, longest: float = LONGEST) -> float:
    """Seconds to wait after so many failures in a row, twice as many after each; 0 ≤ ``dice`` < 1."""
    seconds = min(longest, FIRST * 2.0 ** min(failures - 1, 16))  # 16: beyond the cap, short of overflow
    return seconds * (1 - JITTER * dice)


class Backoff:
    def __init__(self, dice: Callable[[], float]) -> None:
        self._dice = dice
        self._failures = 0

    def failed(self) -> float:
        """Seconds to wait after one more failure."""
        self._failures += 1
        return delay(self._failures, self._dice())

    def succeeded(self) -> None:
        """The run was healthy: the next failure is a first one."""
        self._failures = 0
