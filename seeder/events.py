"""What happens to streams, told to whoever wants to know: pages, webhooks, the recorder.

    stream.live       a stream has begun, or goes on            name
    stream.away       nothing new of it has come for a while    name
    stream.ended      its playlists have their EXT-X-ENDLIST    name
    stream.gone       nothing of it is published any more       name
    publish.start     an encoder was let in                     name, protocol
    publish.stop      it has left                               name, protocol, reason (empty: by itself),
                      lost (true: without a goodbye, nor was it cut off: it may come back)
    recording.start   a recording has its first segment         name, of
    recording.ready   … is whole, and can be downloaded         name, of, duration
    recording.gone    … was deleted                             name, of
    task.changed      a task began, went on or ended            id, kind, state, progress

Whoever is told does nothing but take note; a reader that is too slow loses the oldest, and is told so.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

REMEMBERED = 512
"""Events that a reader may be behind, and that one who lost its connection can ask for again: a few minutes
of a busy server, some hundred KiB."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    """Grows by one with each; a new run of the program begins far above the last one's."""
    kind: str
    at: float
    """Unix seconds."""
    data: Mapping[str, object]
    """JSON values, without secrets and addresses of people."""


class Events:
    """One run's. Lives on the event loop's thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """``clock``: Unix seconds."""
        self._clock = clock
        # By the microsecond: ids of this run never meet those of the last.
        first = int(clock() * 1_000_000)
        self._ids = itertools.count(first)
        self._newest = first - 1
        self._forgotten = first - 1
        """The newest event that is not remembered any more."""
        self._held: deque[Event] = deque(maxlen=REMEMBERED)
        self._wake: set[asyncio.Event] = set()
        self._told: list[Callable[[Event], None]] = []

    def emit(self, kind: str, /, **data: object) -> Event:
        event = Event(next(self._ids), kind, self._clock(), data)
        if len(self._held) == REMEMBERED:
            self._forgotten = self._held[0].id
        self._held.append(event)
        self._newest = event.id
        for wake in self._wake:
            wake.set()
        for told in self._told:
            try:
                told(event)
            except Exception:
                log.exception("an event's listener failed")
        return event

    def watch(self, told: Callable[[Event], None]) -> None:
        """``told`` is called with each event, in the middle of what caused it: it only takes note. For who
        lives as long as we do."""
        self._told.append(told)

    def since(self, last: int) -> tuple[Event, ...]:
        """Those after the one with the id ``last`` that are still remembered."""
        return tuple(event for event in self._held if event.id > last)

    @property
    def newest(self) -> int:
        """Its id; before the first one a number below its, above those of the last run."""
        return self._newest

    def complete(self, last: int) -> bool:
        """Whether :meth:`since` has all that came after the one with the id ``last``: not for one that is
        forgotten, or of another run."""
        return self._forgotten <= last <= self._newest

    async def read(self, last: int | None = None) -> AsyncGenerator[Event, None]:
        """Each event from now on, or after the one with the id ``last``. A reader that is further behind than
        :data:`REMEMBERED` gets none of those it lost. Cancelling is safe; close the generator (``aclosing``)
        to let go of its place."""
        seen = self.newest if last is None else last
        wake = asyncio.Event()
        self._wake.add(wake)
        try:
            while True:
                for event in self.since(seen):
                    seen = event.id
                    yield event
                await wake.wait()
                wake.clear()
        finally:
            self._wake.discard(wake)
