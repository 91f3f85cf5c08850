"""Settings of a libtorrent that is not ours."""

from __future__ import annotations

WEBRTC_ONLY = {
    "listen_interfaces": "0.0.0.0:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_tcp": False,
    "enable_incoming_tcp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "allow_multiple_connections_per_ip": True,
    "webtorrent_stun_server": "",
    "min_websocket_announce_interval": 1,
}
"""It finds others through its torrents' trackers alone, and bytes come through WebRTC or not at all."""
