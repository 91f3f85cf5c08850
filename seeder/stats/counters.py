"""Tallies that rooms write into; each is a handful of integers and grows with kinds, never with traffic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class HttpCounters:
    """Written by ``web``. Keys come from fixed sets, never from a request, so the maps stay small."""

    sent: Counter[str] = field(default_factory=Counter)
    """Body bytes handed to the socket, by kind: playlist, segment, init, other, torrent, ts, page,
    api."""
    responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Responses by kind and status code."""

    def responded(self, kind: str, status: int, sent: int) -> None:
        """One response of ``kind`` ended after ``sent`` body bytes."""
        self.responses[kind, status] += 1
        self.sent[kind] += sent


@dataclass(slots=True)
class PublishCounters:
    """Written by ``publish``; protocols and statuses come from fixed sets."""

    admitted: Counter[str] = field(default_factory=Counter)
    """Publishers let in, by protocol."""
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Publishers refused or cut off, by protocol and status."""


@dataclass(slots=True)
class TrackerCounters:
    """Written by ``tracker``."""

    connections: int = 0
    """Gauge: WebSocket connections open now."""
    opened: int = 0
    received: Counter[str] = field(default_factory=Counter)
    """Messages by kind: announce, answer, scrape, malformed."""
    offers: int = 0
    """Offers relayed."""
    answers: int = 0
    """Answers relayed."""
    failures: int = 0
    """Failure replies: refused announces and malformed messages."""
    refused: Counter[str] = field(default_factory=Counter)
    """Connections not accepted or ended by us, by reason: per-ip, total, slow, idle, malformed."""
