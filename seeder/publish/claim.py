"""Who wants to publish, and the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from seeder.errors import LiveTorrentError


@dataclass(frozen=True, slots=True)
class Claim:
    """What a publisher said before any of its media was read."""

    protocol: str
    """``rtmp``, ``rtsp``, ``srt``, ``mpegts``, ``flv``, ``whip``, …"""
    address: str
    """Its IP address."""
    key: str = field(repr=False)
    """A stream key or a token; empty when it gave none."""
    stream: str | None = None
    """The stream it named besides, where its protocol does; the grant must be for that one."""
    patience: float | None = None
    """Seconds that it waits for another publisher to go, where its protocol gives up before our grace
    ends."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A claim is good."""

    stream: str
    key: str
    """The key's public id (never the key), for :meth:`~seeder.publish.desk.Desk.revoke`; empty for none."""
    until: float | None = None
    """Unix seconds at which it ends by itself."""


class RefusedError(LiveTorrentError):
    """A publisher is not wanted, or not any longer; the message is safe to send to it.

    ``status``: as HTTP would say it: 401 no or wrong key, 403 not for this stream, 409 somebody else
    publishes it, 415 media that cannot be used, 503 too many."""

    def __init__(self, message: str, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


Access = Callable[[Claim], Awaitable[Grant]]
"""Raises :class:`RefusedError`."""
