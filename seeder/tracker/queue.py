"""One WebSocket of an ASGI server: its outgoing queue and how it is to end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from seeder.tracker.gate import Bucket
from seeder.tracker.limits import Limits
from seeder.tracker.swarm import ConnId

TRY_LATER = 1013
"""IANA's registry of close codes."""


class Link(Protocol):
    """What our server tells of the TCP connection below; found at ``scope["state"]["link"]``."""

    @property
    def last_read(self) -> float:
        """Monotonic seconds when bytes last came in, pongs included (ASGI hides those)."""

    def abort(self) -> None:
        """Drop the connection without waiting for unsent bytes to leave."""


class Connection:
    """One WebSocket: its outgoing queue and how it is to end."""

    def __init__(
        self,
        ident: ConnId,
        limits: Limits,
        link: Link | None,
        now: float,
        shared: Bucket,
        slow: Callable[[], None],
    ) -> None:
        self.ident = ident
        self._slow = slow
        """Called once when it is ended for reading too slowly."""
        self.link = link
        self._buckets = (Bucket(limits.message_rate, limits.message_burst, now), shared)
        """Its own, and the one it shares with its client's other connections."""
        self.heard = now
        """When it last sent a message."""
        self.malformed = 0
        self.ended: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        """Close code and reason, once we have decided to end it."""
        self._limits = limits
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._filled = asyncio.Event()

    def pause(self, now: float) -> float:
        """Count one message; the seconds to wait before the next is read."""
        return max([bucket.take(now) for bucket in self._buckets])

    @property
    def ending(self) -> bool:
        return self.ended.done()

    def end(self, code: int, reason: str) -> None:
        if not self.ended.done():
            self.ended.set_result((code, reason))

    def push(self, message: bytes) -> None:
        """Queue one message; a reader too slow for its queue is ended instead of growing it."""
        if self.ended.done():
            return
        self._queued += len(message)
        self._queue.append(message)
        if self._queued > self._limits.max_queue_bytes or len(self._queue) > self._limits.max_queue_messages:
            self.end(TRY_LATER, "slow")
            self._slow()
        self._filled.set()

    async def pull(self) -> str:
        """The next message to write; waits until there is one. Cancelling is safe."""
        while not self._queue:
            self._filled.clear()
            await self._filled.wait()
        message = self._queue.popleft()
        self._queued -= len(message)
        return message.decode()

    def look(self, now: float) -> bool:
        """No sign of life for too long; without a Link, messages alone are signs of life."""
        if now - self.heard > self._limits.silent_timeout:
            return True
        return self.link is not None and now - self.link.last_read > self._limits.idle_timeout
