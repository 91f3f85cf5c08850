"""What the other rooms see of libtorrent, wherever it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol

from seeder import machine
from seeder.model import Torrent
from seeder.torrent.settings import PENDING_SECONDS, SeedSettings, no_webrtc


@dataclass(frozen=True, slots=True)
class SeedCounters:
    """What was done so far and is held now."""

    torrents: int = 0
    """Active now."""
    peers: int = 0
    """Connected now."""
    uploaded_bytes: int = 0
    """Segment bytes sent since the start, over WebRTC, TCP and uTP together."""
    webrtc_connections: int = 0
    """WebRTC peers connected since the start."""
    other_connections: int = 0
    """TCP and uTP peers connected since the start."""
    tracker_errors: int = 0
    """Failed announces since the start."""
    errors: int = 0
    """Torrents that failed (a file that vanished or changed) since the start."""

    def after(self, earlier: SeedCounters) -> SeedCounters:
        """With what an earlier session did; what is held now is ours alone."""
        return SeedCounters(
            self.torrents,
            self.peers,
            self.uploaded_bytes + earlier.uploaded_bytes,
            self.webrtc_connections + earlier.webrtc_connections,
            self.other_connections + earlier.other_connections,
            self.tracker_errors + earlier.tracker_errors,
            self.errors + earlier.errors,
        )


class Seeds(Protocol):
    """Seeds torrents: :class:`~seeder.torrent.session.SeedSession`, or that in a process of its own."""

    settings: SeedSettings
    on_broken: Callable[[bytes], None] | None
    """Called with the infohash of a torrent whose file no longer matches; it is seeded no more, and waits to
    be retired."""

    @property
    def room(self) -> int:
        """Torrents that may be started now: each makes one offer at least. There is room again when offers
        have expired, a few seconds later."""

    async def seed(self, torrent: Torrent, path: Path, trackers: Sequence[str]) -> None:
        """Seed ``torrent`` from the file ``path``, whatever its name; announce it to ``trackers``.

        The file is not checked now; a piece that does not match when first asked for ends the torrent
        (``on_broken``). Nothing is ever written to it. Seeding it twice is no error. MetainfoError when
        libtorrent refuses it.
        """

    async def retire(self, infohash: bytes) -> None:
        """Stop seeding; returns only after libtorrent has let go of the file. Unknown ones are no error."""


class Reachable:
    """Where a session can be reached, out of where it listens."""

    listening: set[tuple[str, int]]
    """Addresses and TCP/uTP ports."""

    @property
    def port(self) -> int:
        """The TCP/uTP port, 0 when nothing listens."""
        loopback_last = sorted(self.listening, key=lambda a: (ip_address(a[0]).is_loopback, a[1]))
        return loopback_last[0][1] if loopback_last else 0

    def port_on(self, address: str) -> int:
        """The TCP/uTP port on one local address (with port 0 each interface gets its own)."""
        return next((port for host, port in self.listening if host == address), 0)

    @property
    def webrtc_reason(self) -> str:
        """Why WebRTC cannot connect, in one line; empty when it can. libtorrent gathers no loopback
        candidates, and on which addresses it listens for TCP is of no account to it."""
        return no_webrtc(machine.addresses())


class Starts:
    """When torrents were started, of those within :data:`PENDING_SECONDS`; bounded by who asks for room."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def one(self) -> None:
        self._times.append(self._clock())

    @property
    def recent(self) -> int:
        while self._times and self._times[0] < self._clock() - PENDING_SECONDS:
            self._times.popleft()
        return len(self._times)
