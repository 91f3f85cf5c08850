"""How far a bake is: one line of a terminal that the next one replaces, or a line of the log now and then."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import TextIO

from seeder.baking.hashing import Counter
from seeder.baking.plan import Work

FRAME = 0.1
"""Seconds between two pictures of a terminal."""
PACE = 10.0
"""Seconds between two lines of a log."""
BAR = 24
"""Characters."""


def picture(done: int, total: int, extents: int, of: int, seconds: float) -> str:
    """One line: bytes and segments until now, of how many, and how long it will still take."""
    share = done / total if total else 1.0
    full = min(BAR, int(share * BAR))
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {_time((total - done) / rate)} left" if rate and 0 < done < total and seconds > 1 else ""
    return (
        f"[{'#' * full}{'.' * (BAR - full)}] {min(100, int(share * 100)):3d} %  "
        f"{extents:,} of {of:,} segments, {size(done)} of {size(total)}, {size(int(rate))}/s{left}"
    )


def size(count: int) -> str:
    """Bytes for people: three digits at most, binary units."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 999.5:
            return f"{value:.3g} {unit}" if unit != "B" else f"{count} B"
        value /= 1024
    return f"{value:.3g} TiB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """Call :meth:`show` as often as may be, :meth:`clear` before anything else is written."""

    def __init__(
        self,
        stream: TextIO,
        log: Callable[[str], None],
        terminal: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._log = log
        self._terminal = terminal
        self._clock = clock
        self._began: float | None = None
        self._said = 0.0
        self._there = False

    def show(self, counter: Counter, work: Work) -> None:
        now = self._clock()
        if self._began is None:
            self._began = self._said = now
        if now - self._said < (FRAME if self._terminal else PACE):
            return
        self._said = now
        seconds = now - self._began
        line = picture(counter.bytes, work.todo_bytes, counter.extents, len(work.todo), seconds)
        if self._terminal:
            # A line that wraps could not be taken back.
            self._stream.write(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")
            self._stream.flush()
            self._there = True
        else:
            self._log(line)

    def clear(self) -> None:
        if self._there:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._there = False
