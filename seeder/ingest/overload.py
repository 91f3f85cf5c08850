"""Whether a run falls behind because this machine cannot keep up. Pure, but for :func:`effort`."""

from __future__ import annotations

from collections import deque
from pathlib import Path

SEGMENTS = 8  # over which the speed is measured
LATE_SEGMENTS = 3.0  # behind by so many there is no hope that it was a hiccup
LATE_SECONDS = 4.0
SLOW = 0.97  # × real time; clocks of inputs differ by far less
BUSY = 0.7  # of a core: an ffmpeg that waits for its input takes less


class Pace:
    """How fast media comes out."""

    def __init__(self, segment_seconds: float) -> None:
        self._late = max(LATE_SECONDS, LATE_SEGMENTS * segment_seconds)
        self._recent: deque[tuple[float, float, float | None]] = deque(maxlen=SEGMENTS)
        self._best: float | None = None

    def observe(self, now: float, media: float, effort: float | None) -> None:
        """``media`` seconds had come at loop time ``now``, for ``effort`` seconds of ffmpeg threads, running
        or waiting for a core; None where that cannot be told."""
        self._recent.append((now, media, effort))
        late = now - media
        self._best = late if self._best is None else min(self._best, late)

    @property
    def speed(self) -> float:
        """Media seconds per second; 0 until two segments have come."""
        if len(self._recent) < 2:
            return 0.0
        (began, first, _), (now, last, _) = self._recent[0], self._recent[-1]
        return (last - first) / (now - began) if now > began else 0.0

    def overloaded(self, certain: bool) -> bool:
        """It falls ever further behind. ``certain``: nothing but this machine can be the cause; else ffmpeg's
        own effort must show it, for a live input may be slow as well."""
        if self._best is None or not 0 < self.speed < SLOW:
            return False
        (began, _, before), (now, media, after) = self._recent[0], self._recent[-1]
        if now - media - self._best < self._late:
            return False
        if certain:
            return True
        return before is not None and after is not None and (after - before) / (now - began) > BUSY


def effort(pid: int) -> float | None:
    """Seconds that the threads of ``pid`` have run or waited for a core; None where the system does not tell
    (it is Linux's)."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            ran, waited, *_ = (task / "schedstat").read_text().split()
            total += int(ran) + int(waited)
    except (OSError, ValueError):
        return None
    return total / 1e9
