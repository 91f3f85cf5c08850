"""Where a listener whose protocol is HTTP waits for its requests: the web server has the port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Accepted:
    """A WebRTC publisher's offer was, or a restart of its ICE session."""

    id: str
    """The session's secret name in its URL."""
    answer: str
    """SDP, or a fragment of it."""
    etag: str


class Whip(Protocol):
    """RFC 9725 without HTTP. What is refused raises :class:`~seeder.publish.claim.RefusedError`, whose status
    is the one to answer with."""

    async def publish(self, stream: str, key: str, address: str, text: str) -> Accepted:
        """The SDP offer ``text``, of who gave ``key``; returns once the desk has let it in."""

    def patch(self, id: str, key: str, text: str, match: str | None) -> Accepted | None:
        """An SDP fragment with the ``If-Match`` it came with: ``None`` when candidates are all it brings."""

    def end(self, id: str, key: str, goodbye: bool = True) -> None:
        """The publisher stops; without ``goodbye``: its connection is lost, and it means to come back."""


class Wire(Protocol):
    """A WebSocket. What cannot be sent because its other end is gone, or does not read, raises OSError."""

    async def receive(self) -> str | bytes | None:
        """The next message; None: the connection is over. Safe to cancel."""

    async def send(self, text: str) -> None: ...

    async def close(self, code: int, reason: str) -> None:
        """Returns when the other end has heard of it, or does not answer."""

    def widen(self) -> None:
        """Its key is good: messages may be as long as media is."""


class Shown(Protocol):
    """What viewers see of the stream."""

    def segments(self) -> frozenset[str]:
        """Paths, those listed now."""

    def viewers(self) -> int: ...


class Browser(Protocol):
    """Publishing over a WebSocket, without the WebSocket."""

    def full(self, address: str) -> bool:
        """There are too many who have shown no key."""

    async def talk(self, wire: Wire, name: str, address: str, key: str, shown: Shown) -> None:
        """``key``: what the handshake had; empty for none. Returns when the connection is closed."""


@dataclass(slots=True)
class Door:
    """``None`` unless ``--publish`` names them."""

    whip: Whip | None = None
    browser: Browser | None = None
