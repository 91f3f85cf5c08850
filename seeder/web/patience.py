"""How long a connection waits: one timer each, for there are thousands."""

from __future__ import annotations

import asyncio


class Patient:
    """A base that holds one timer. It is moved only when it rings, or must ring earlier."""

    __slots__ = ("_due", "_loop", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        """When (loop time) what we wait for has taken too long."""
        self._timer: asyncio.TimerHandle | None = None

    def _overdue(self) -> None:
        """What we waited for did not happen."""
        raise NotImplementedError

    def _wait(self, seconds: float) -> None:
        """From now on."""
        self._due = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= self._due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due, self._ring)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._ring)
        else:
            self._overdue()
