"""What libtorrent is told, and why."""

from __future__ import annotations

from dataclasses import dataclass

MAX_PENDING_OFFERS = 300
"""Over all torrents. Each pending WebRTC offer costs about 35 KiB, a UDP socket and 1 ms of CPU."""

MAX_OFFERS = 10
"""Of one torrent: a tracker takes ten an announce and no more."""

FEWEST_OFFERS = 2
"""Of one torrent: the setting also caps inbound negotiations, and with one a single peer that never
finishes its own would keep all others out until it times out."""

DESCRIPTORS_ELSEWHERE = 500
"""File descriptors not libtorrent's to use: viewers' HTTP and tracker connections, segments being read."""


@dataclass(frozen=True, slots=True)
class SeedSettings:
    """How to seed."""

    port: int = 0
    """TCP and uTP; 0: any free one."""
    stun: str = ""
    """``host[:port]`` or ``stun:host[:port]`` of the STUN server; empty: none. libtorrent's default is
    a public one, and an unreachable one delays announces by up to 23 s."""
    max_torrents: int = 100
    """Torrents active at once: 3 offers each stay within :data:`MAX_PENDING_OFFERS`."""
    max_connections: int = 2000
    """Peers at once, lowered to what the file descriptors allow."""
    announce_seconds: int = 15
    """At least between two announces of one torrent; the tracker's own interval is longer."""
    loopback_only: bool = False
    """Listen on 127.0.0.1 alone (tests)."""


def offers_for(torrents: int) -> int:
    """WebRTC offers of each torrent, such that ``torrents`` of them stay within the budget."""
    return max(FEWEST_OFFERS, min(MAX_OFFERS, MAX_PENDING_OFFERS // max(1, torrents)))


def connections_for(settings: SeedSettings, descriptors: int | None) -> int:
    """Peer connections that ``descriptors`` (None: no limit) leave room for, two sockets each at worst."""
    if descriptors is None:
        return settings.max_connections
    room = (descriptors - DESCRIPTORS_ELSEWHERE - MAX_PENDING_OFFERS) // 2
    return max(10, min(settings.max_connections, room))


def too_few_descriptors(settings: SeedSettings, descriptors: int | None) -> str | None:
    """One line for the operator when the descriptor limit costs peers; None when it does not."""
    allowed = connections_for(settings, descriptors)
    if allowed >= settings.max_connections:
        return None
    wanted = settings.max_connections * 2 + DESCRIPTORS_ELSEWHERE + MAX_PENDING_OFFERS
    return (
        f"only {descriptors} file descriptors: libtorrent seeds to at most {allowed} peers at once "
        f"(ulimit -n {wanted} allows {settings.max_connections})"
    )


def stun_server(text: str) -> str:
    """``host:port`` as libtorrent wants it, 3478 when no port is given (RFC 5389 §9); empty stays empty."""
    host = text.removeprefix("stun:")
    if not host or host.rpartition("]")[2].rpartition(":")[1]:
        return host
    return f"{host}:3478"


def session_settings(settings: SeedSettings, descriptors: int | None) -> dict[str, object]:
    """libtorrent's settings_pack."""
    port = settings.port
    everywhere = f"0.0.0.0:{port},[::]:{port}"
    return {
        "listen_interfaces": f"127.0.0.1:{port}" if settings.loopback_only else everywhere,
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
        # An offer nobody answered within this is dropped; 120 by default, at 35 KiB each.
        "webtorrent_connection_timeout": 15,
        "max_webtorrent_offers": offers_for(0),
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
        "file_pool_size": settings.max_torrents * 2,
        "aio_threads": 2,
        "hashing_threads": 1,
        "alert_queue_size": 20_000,  # a few hundred a second at worst; drained as they come
    }
