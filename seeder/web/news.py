"""What happens to streams, as server-sent events for many readers (HTML Living Standard §9.2).

Each event is put into words once, for all who are to know; a reader has a queue of them. Whoever does not
take its own is cut off: it comes back, says which event it saw last, and misses nothing that is remembered.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import orjson

from seeder.events import REMEMBERED, Event, Events

PUBLIC = ("stream.", "recording.")
"""What the kinds begin with that everybody may know of. All else is the admin's."""
MOST = 1000
"""Readers at once: 31 KiB each, and 52 µs of CPU for each event. Viewers come and go all the time, which is
told every two seconds: 3 % of a core for all of these."""
MOST_OF_ONE = 64
"""The same of one address: the pages of a household or an office."""
QUEUE = REMEMBERED
"""Events that a reader may be behind: no more are remembered either, so it loses nothing by being cut off."""
EVERY = 2.0
"""Seconds between two looks at how many viewers there are."""


class FullError(Exception):
    """``status`` says for whom: 429 for this address, 503 for everybody."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Reader:
    """One who reads."""

    def __init__(self, admin: bool, held: list[bytes]) -> None:
        """``admin``: gets all kinds. ``held``: to be read first."""
        self.admin = admin
        self._queue = deque(held)
        self._wake = asyncio.Event()
        self._over = False
        self.slow = False
        """It did not take what was for it, and will not get all of it."""
        if held:
            self._wake.set()

    def put(self, words: bytes) -> None:
        if len(self._queue) >= QUEUE:
            self.slow = True
            self.end()
        else:
            self._queue.append(words)
            self._wake.set()

    def end(self) -> None:
        self._over = True
        self._wake.set()

    async def take(self) -> bytes:
        """All that is there, once there is something; nothing: it is over. Cancelling is safe."""
        await self._wake.wait()
        if self.slow or (self._over and not self._queue):
            return b""
        words = b"".join(self._queue)
        self._queue.clear()
        if not self._over:
            self._wake.clear()
        return words


class News:
    """One run's. On the event loop's thread alone."""

    def __init__(self, events: Events, viewers: Callable[[], Mapping[str, int]]) -> None:
        """``viewers``: of each stream now."""
        self._events = events
        self._viewers = viewers
        self._shown: dict[str, int] = {}
        """What readers know of that."""
        self._readers: set[Reader] = set()
        self._of_one: Counter[str] = Counter()
        self._closed = False
        events.watch(self._told)

    def __len__(self) -> int:
        return len(self._readers)

    @contextmanager
    def reader(self, client: str, last: int | None = None, *, admin: bool = False) -> Iterator[Reader]:
        """A place, while the block lasts; what happened after the event ``last`` comes first. ``client``:
        whose it is. Raises :class:`FullError`."""
        if self._closed or len(self._readers) >= MOST:
            raise FullError(503, "there are too many readers of events")
        if self._of_one[client] >= MOST_OF_ONE:
            raise FullError(429, "there are too many readers of events at this address")
        reader = Reader(admin, self._first(last, admin))
        self._readers.add(reader)
        self._of_one[client] += 1
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            self._of_one[client] -= 1
            if not self._of_one[client]:
                del self._of_one[client]

    async def run(self) -> None:
        """Until cancelled: tells of viewers who come and go."""
        while True:
            await asyncio.sleep(EVERY)
            if self._readers:
                self._count()

    async def close(self) -> None:
        """The server stops: nobody reads on, nobody begins. Idempotent."""
        self._closed = True
        for reader in self._readers:
            reader.end()

    def _first(self, last: int | None, admin: bool) -> list[bytes]:
        """What a reader gets at once. Its place is told even where nothing has happened yet, for it may lose
        its connection before something does."""
        if not self._readers:
            self._shown = dict(self._viewers())
        held = [] if last is None else [e for e in self._events.since(last) if admin or public(e)]
        told = [in_words(event) for event in held]
        if last is not None and not self._events.complete(last):
            told = [words("lost", {})]
        return [*told, place(self._events.newest), words("viewers", {"viewers": self._shown})]

    def _told(self, event: Event) -> None:
        if not self._readers:
            return
        told, everybody = in_words(event), public(event)
        for reader in self._readers:
            if everybody or reader.admin:
                reader.put(told)

    def _count(self) -> None:
        now = dict(self._viewers())
        changed = {name: count for name, count in now.items() if self._shown.get(name) != count}
        self._shown = now
        if changed:
            told = words("viewers", {"viewers": changed})
            for reader in self._readers:
                reader.put(told)


def public(event: Event) -> bool:
    """Whether everybody may know of it. Pure, as all below."""
    return event.kind.startswith(PUBLIC)


def in_words(event: Event) -> bytes:
    return words(event.kind, {"at": round(event.at, 3), **event.data}, event.id)


def words(kind: str, data: Mapping[str, object], number: int | None = None) -> bytes:
    """JSON has no line break in it, so it is one line of data. Without a number the reader's place stays."""
    head = b"" if number is None else b"id: %d\n" % number
    return b"%bevent: %b\ndata: %b\n\n" % (head, kind.encode(), orjson.dumps(data))


def place(number: int) -> bytes:
    """The reader's, without an event."""
    return b"id: %d\n\n" % number


def place_of(header: str | None) -> int | None:
    """What ``Last-Event-ID`` says; ``None``: nothing. What is no number of ours is a place nobody knows."""
    if not header:
        return None
    return int(header) if header.isascii() and header.isdecimal() and len(header) <= 18 else 0
