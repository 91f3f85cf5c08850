"""Whether the disk has room for recordings: they are given up before live streams are."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

RESERVE = 1 << 30
"""Bytes that are live streams': a window of 8 segments, and as much on its way out, of 50 streams of
5 Mbit/s."""
SHARE = 20
"""… but no more than a twentieth of a small disk."""
AMPLE = 1.25
"""Times the reserve there must be before recording goes on: else each segment would decide anew."""
LOOK = 0.5
"""Seconds for which an answer is good."""


@dataclass(slots=True)
class Disk:
    """The one that ``folder`` is on. Any thread's."""

    folder: Path
    monotonic: Callable[[], float] = time.monotonic
    full: bool = False
    _until: float = field(default=float("-inf"))

    def room(self) -> bool:
        """Blocking, briefly. A disk that cannot be asked has room: writing will tell."""
        now = self.monotonic()
        if now >= self._until:
            self._until = now + LOOK
            try:
                status = os.statvfs(self.folder)
            except (OSError, AttributeError):
                return True
            size = status.f_blocks * status.f_frsize
            reserve = min(RESERVE, size / SHARE) * (AMPLE if self.full else 1.0)
            # A disk that has no size (some network file systems) says nothing of its room either.
            self.full = size > 0 and status.f_bavail * status.f_frsize < reserve
        return not self.full

    def lacking(self) -> float:
        """Bytes that exports have to make room for, which can be made anew: before recordings end. Blocking,
        briefly."""
        try:
            status = os.statvfs(self.folder)
        except (OSError, AttributeError):
            return 0.0
        size = status.f_blocks * status.f_frsize
        return max(0.0, min(RESERVE, size / SHARE) * AMPLE - status.f_bavail * status.f_frsize)
