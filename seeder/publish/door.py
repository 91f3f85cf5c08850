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

    def end(self, id: str, key: str) -> None:
        """The publisher stops."""


@dataclass(slots=True)
class Door:
    """``whip``: ``None`` unless ``--publish`` names it."""

    whip: Whip | None = None
