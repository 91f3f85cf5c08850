"""What web needs of the rooms before it, so that it imports none of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from seeder.model import Addresses, PublishedPlaylist, Resource, StreamView, Torrent

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Transmit = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Message, Receive, Transmit], Awaitable[None]]

Annotate = Callable[[PublishedPlaylist, Addresses, StreamView], str]
"""The playlist's text with the tags added; pure. ``hls.manifest`` has it."""


class Catalog(Protocol):
    """What is published now; ``feed.library.Library`` is one."""

    def streams(self) -> Iterable[StreamView]: ...

    def stream(self, name: str) -> StreamView | None: ...

    def resource(self, stream: str, path: str) -> Resource | None: ...

    def torrent(self, infohash: bytes) -> Torrent | None: ...
