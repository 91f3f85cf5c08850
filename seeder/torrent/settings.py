"""What libtorrent is told, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

MAX_PENDING = 300
"""WebRTC negotiations at once, over all torrents: each costs about 35 KiB, a UDP socket and 1 ms of CPU."""

PENDING_SECONDS = 10
"""An offer nobody answered, or an answer that led nowhere, is given up after this (libtorrent's default is
120); ICE takes a phone three."""

MAX_OFFERS = 10
"""Of one announce: a tracker takes ten and no more."""

MAX_OFFERS_AT_HOME = 3
"""Of one announce to our own tracker, which asks for the next one as soon as somebody waits."""

MAX_INBOUND = 100
"""Others' offers under negotiation at once, of one torrent: never what turns an honest peer away. What
bounds them is the quota that libtorrent has per announce, and our tracker's line before it
(:mod:`seeder.tracker.reception`)."""

DESCRIPTORS_ELSEWHERE = 500
"""File descriptors not libtorrent's to use: viewers' HTTP and tracker connections, segments being read."""

DESCRIPTORS_AT_LEAST = 100
"""Of those: what the command has open when nobody watches."""


@dataclass(frozen=True, slots=True)
class SeedSettings:
    """How to seed."""

    port: int = 0
    """TCP and uTP, on every interface; 0: any free one, of 127.0.0.1 alone. Viewers need neither: WebRTC has
    UDP sockets of its own, and no WebTorrent tracker tells anyone this port."""
    stun: str = ""
    """``host[:port]`` or ``stun:host[:port]`` of the STUN server; empty: none. libtorrent's default is
    a public one, and an unreachable one delays announces by up to 23 s."""
    max_torrents: int = 400
    """Torrents active at once: the whole windows of 30 variants. An idle one costs next to nothing; what
    costs is announcing, bounded by :data:`MAX_PENDING`."""
    max_connections: int = 2000
    """Peers at once, lowered to what the file descriptors allow."""
    at_home: bool = False
    """Announces go to our own tracker: the pace is its business."""

    @property
    def announce_seconds(self) -> int:
        """At least between two announces of one torrent. Our own tracker may ask for one at once."""
        return 1 if self.at_home else 15

    @property
    def usual_seconds(self) -> int:
        """Between two announces that nobody asked for: a foreign tracker's at worst; ours says 90."""
        return 90 if self.at_home else 15


def pending_for(settings: SeedSettings, descriptors: int | None) -> int:
    """Offers of its own that libtorrent may have pending. At home two fifths of the negotiations are left to
    those who wait at our tracker; few descriptors are shared with everything else."""
    most = MAX_PENDING * 3 // 5 if settings.at_home else MAX_PENDING
    if descriptors is None:
        return most
    return max(20, min(most, (descriptors - DESCRIPTORS_AT_LEAST) // 4))


def offers_for(settings: SeedSettings, pending: int, torrents: int, started: int) -> int:
    """WebRTC offers of one announce, such that all stay within ``pending``. ``torrents`` are seeded, of which
    ``started`` came (and announced) within the last :data:`PENDING_SECONDS`."""
    announces = started + torrents * PENDING_SECONDS / settings.usual_seconds
    most = MAX_OFFERS_AT_HOME if settings.at_home else MAX_OFFERS
    # Never none: libtorrent would not announce at all.
    return max(1, min(most, int(pending / max(1.0, announces))))


def connections_for(settings: SeedSettings, descriptors: int | None) -> int:
    """Peer connections that ``descriptors`` (None: no limit) leave room for, two sockets each at worst."""
    if descriptors is None:
        return settings.max_connections
    room = (descriptors - DESCRIPTORS_ELSEWHERE - MAX_PENDING - settings.max_torrents) // 2
    return max(10, min(settings.max_connections, room))


def too_few_descriptors(settings: SeedSettings, descriptors: int | None) -> str | None:
    """One line for the operator when the descriptor limit costs peers; None when it does not."""
    allowed = connections_for(settings, descriptors)
    if allowed >= settings.max_connections:
        return None
    wanted = settings.max_connections * 2 + DESCRIPTORS_ELSEWHERE + MAX_PENDING + settings.max_torrents
    return (
        f"only {descriptors} file descriptors: libtorrent seeds to at most {allowed} peers at once "
        f"(ulimit -n {wanted} allows {settings.max_connections})"
    )


def no_webrtc(addresses: Collection[str]) -> str:
    """Why WebRTC cannot connect from a machine with these addresses besides loopback; empty when it can."""
    if addresses:
        return ""
    return "no network interface but loopback is up: WebRTC cannot connect, viewers are served over HTTP"


def stun_server(text: str) -> str:
    """``host:port`` as libtorrent wants it, 3478 when no port is given (RFC 5389 §9); empty stays empty."""
    host = text.removeprefix("stun:")
    if not host or host.rpartition("]")[2].rpartition(":")[1]:
        return host
    return f"{host}:3478"


def session_settings(settings: SeedSettings, descriptors: int | None) -> dict[str, object]:
    """libtorrent's settings_pack."""
    everywhere = f"0.0.0.0:{settings.port},[::]:{settings.port}"
    return {
        # One there must be: without any listening socket nothing is announced.
        "listen_interfaces": everywhere if settings.port else "127.0.0.1:0",
        "user_agent": "live-torrent",
        # Peers come from our tracker only: nothing of this is announced to the world.
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_bootstrap_nodes": "",
        # Viewers behind one NAT, and all of them on localhost, share an address.
        "allow_multiple_connections_per_ip": True,
        "webtorrent_stun_server": stun_server(settings.stun),
        "webtorrent_connection_timeout": PENDING_SECONDS,
        "max_webtorrent_offers": MAX_INBOUND,
        # What an announce really carries: the lesser of the two. Tuned while running.
        "num_want": 1,
        "min_websocket_announce_interval": settings.announce_seconds,
        # Ours are never auto-managed; the limits are raised all the same, as they also order announces.
        "active_seeds": settings.max_torrents * 2,
        "active_limit": settings.max_torrents * 2,
        "active_tracker_limit": settings.max_torrents * 2,
        "connections_limit": connections_for(settings, descriptors),
        "unchoke_slots_limit": -1,  # unlimited: who asks is watching, and a choked peer fetches over HTTP
        "connection_speed": 100,
        "handshake_timeout": 10,
        "peer_timeout": 30,
        "inactivity_timeout": 60,  # a viewer that has what it wanted keeps no slot
        # A stopped announce is never sent over WebSocket; without this, stopping waits for one.
        "stop_tracker_timeout": 1,
        # Our files are small and few: keep them open, close what a retired torrent leaves at once.
        "file_pool_size": settings.max_torrents,
        "aio_threads": 2,
        "hashing_threads": 1,
        "alert_queue_size": 20_000,  # a few hundred a second at worst; drained as they come
    }
