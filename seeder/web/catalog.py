"""What web needs of the library, and ASGI's shapes; the tests bring a catalog of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, BinaryIO, Protocol

from seeder.model import Copy, Resource, Span, StreamView, Torrent

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Transmit = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Message, Receive, Transmit], Awaitable[None]]


class Catalog(Protocol):
    """What is published now; ``feed.library.Library`` is one."""

    def streams(self) -> Iterable[StreamView]: ...

    def stream(self, name: str) -> StreamView | None: ...

    def resource(self, stream: str, path: str) -> Resource | None: ...

    def torrent(self, infohash: bytes) -> Torrent | None: ...

    def fetched(self, stream: str, resource: Resource, span: Span | None) -> Copy | None:
        """What is in memory of a resource that has its home elsewhere; ``span``: only that part of it."""

    async def fetch(self, stream: str, resource: Resource, span: Span | None) -> Copy:
        """The same whatever it takes; FetchError."""

    def watch(self, told: Callable[[str], None]) -> None:
        """``told`` is called with the name of each stream that changes or goes, from now on, and returns at
        once."""

    def read(self, resource: Resource) -> bytes | BinaryIO:
        """The bytes in memory, or an open file of exactly ``resource.size`` bytes; the caller closes it.

        Blocking, any thread. OSError when the file is no longer the one that was listed.
        """
