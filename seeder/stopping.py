"""Ctrl-C: once asks everything to stop in order, twice stops at once; SIGTERM counts the same, and
SIGHUP where :mod:`seeder.running` has no other use for it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

ABORTED = 130
"""The shell's code for a process that SIGINT ended."""

# `make`, `docker run` and the like pass on a Ctrl-C that the terminal has already given us: two signals
# within this time (seconds) are one wish. Nobody presses twice so quickly.
_ONE_WISH = 0.3


class Stopper:
    """Turns the first signal into a cancellation of the attached task and the second into ``abort()``.

    Until :meth:`hold`, the first one raises ``KeyboardInterrupt`` where the program is; between that and
    :meth:`attach` it is only remembered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None
        self._held = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self.on_first: Callable[[], None] = lambda: None
        """Called in the loop with the first signal, to say that we heard it."""
        self.on_abort: Callable[[], None] = lambda: None
        """Called with the second, to take down what must not outlive us; the process ends right after."""

    @property
    def asked(self) -> bool:
        """A signal has asked us to stop."""
        return self._first is not None

    def install(self) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
            number = getattr(signal, name, None)
            # nohup starts us with SIGHUP ignored: that is its wish. A shell's `&` ignores SIGINT too, yet who
            # sends one to a server means it.
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                continue
            signal.signal(number, self._handle)

    def hold(self) -> None:
        """From now on there is something to clean up, and modules in C are imported: some of those swallow
        a ``KeyboardInterrupt`` (libtorrent's does), others break off half initialised."""
        self._held = True

    def attach(self) -> None:
        """From now on the first signal cancels the current task; also the one that came during the hold."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self.asked:
            self._loop.call_soon(self._cancel)

    def detach(self) -> None:
        self._loop = self._task = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._cancel)
            elif not self._held:
                raise KeyboardInterrupt
        elif now - self._first >= _ONE_WISH:
            try:
                self.on_abort()
            finally:
                os._exit(ABORTED)

    def _cancel(self) -> None:
        self.on_first()
        if self._task is not None:
            self._task.cancel()
