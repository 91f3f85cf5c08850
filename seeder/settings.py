"""The settings: one table from which config file keys, variables and flags are all made.

What a value may be is :mod:`seeder.values`' to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seeder.ladder import ENCODERS
from seeder.ladder import parse as parse_ladder
from seeder.model import MAX_VIEWERS
from seeder.values import (
    PUBLISH_PORTS,
    as_bound,
    as_choice,
    as_duration,
    as_flag,
    as_hook,
    as_host,
    as_inputs,
    as_integer,
    as_path,
    as_public_url,
    as_publish,
    as_rate,
    as_ratio,
    as_seconds,
    as_senders,
    as_servers,
    as_size,
    as_storage,
    as_swarms,
    as_takeover,
    as_text,
    as_tracker,
    as_webhook_events,
    as_webhooks,
    stun_url,
    turn_url,
)

ENV_PREFIX = "LIVE_TORRENT_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: how a value is read and how it is explained."""

    name: str
    parse: Callable[[object], Any]
    metavar: str
    """What stands after the flag in ``--help``; empty for a switch."""
    help: str
    repeat: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return ENV_PREFIX + self.name.upper()


_ROWS = (
    Setting("host", as_host, "ADDRESS", "Listen here; 0.0.0.0 lets other machines in. [default: 127.0.0.1]"),
    Setting("port", as_integer(0, 65535), "PORT", "TCP port; 0 takes a free one. [default: 8008]"),
    Setting("feed", as_path, "DIR", "The folder of HLS streams. [default: feed; for demo a temporary one]"),
    Setting("tls_cert", as_path, "FILE", "Certificate chain (PEM): serves HTTPS and HTTP/2."),
    Setting("tls_key", as_path, "FILE", "Private key (PEM) of --tls-cert."),
    Setting("tls_self_signed", as_flag, "", "HTTPS with a certificate made on the spot, for trying it out."),
    Setting("public_url", as_public_url, "URL", "How viewers reach this server, when behind a proxy."),
    Setting("trust_proxy", as_flag, "", "Viewers come through a proxy of ours: believe X-Forwarded-*."),
    Setting(
        "tracker", as_tracker, "URL", "External WebTorrent tracker (ws:// or wss://) instead of our own."
    ),
    Setting("swarm", as_swarms, "ID|any", "Baked streams' viewers meet here, too; may be repeated.", True),
    Setting(
        "stun",
        as_servers(stun_url, "stun:host[:port]"),
        "stun:HOST[:PORT]",
        "STUN server for viewers behind NAT; may be repeated.",
        True,
    ),
    Setting(
        "turn",
        as_servers(turn_url, "turn:host[:port]"),
        "turn:HOST[:PORT]",
        "TURN server that relays where nothing else connects; may be repeated. Needs --turn-secret-file.",
        True,
    ),
    Setting(
        "turn_secret_file", as_path, "FILE", "The secret that --turn's server has (coturn: use-auth-secret)."
    ),
    Setting(
        "ice_transport_policy",
        as_choice("all", "relay"),
        "all|relay",
        "relay: viewers meet through --turn alone, and see no address of each other. [default: all]",
    ),
    Setting(
        "sharing",
        as_choice("on", "ask", "off"),
        "on|ask|off",
        "ask: no viewer has peers before it said yes; off: plain HTTP. [default: on]",
    ),
    Setting(
        "max_upload",
        as_rate,
        "BYTES",
        "A viewer uploads at most so much a second, e.g. 500k. [default: 5 MB]",
    ),
    Setting("max_ratio", as_ratio, "NUMBER", "… and so many times what it received. [default: no bound]"),
    Setting(
        "min_viewers", as_integer(1, MAX_VIEWERS), "COUNT", "Viewers there must be for links. [default: 1]"
    ),
    Setting("upload_on_cellular", as_flag, "", "Viewers upload on cellular lines, too."),
    Setting("upload_when_hidden", as_flag, "", "Viewers upload while their tab is hidden, too."),
    Setting(
        "log_format", as_choice("text", "json"), "text|json", "Lines of text or of JSON. [default: text]"
    ),
    Setting(
        "log_level",
        as_choice("debug", "info", "warning", "error"),
        "LEVEL",
        "debug (with tracebacks), info, warning or error. [default: info]",
    ),
    Setting("ffmpeg", as_path, "FILE", "Another ffmpeg than the one that came with live-torrent."),
    # Under 0.5 s the per-segment torrent costs more than its bytes; over a minute nobody calls it live.
    Setting("segment_seconds", as_seconds(0.5, 60), "SECONDS", "Length of a segment. [default: 2]"),
    # RFC 8216 §6.2.2: a live playlist must not shrink below three target durations.
    Setting("window", as_integer(3, 100), "SEGMENTS", "Segments in a live playlist. [default: 8]"),
    Setting(
        "ladder",
        parse_ladder,
        "off|auto|RUNGS",
        "Several qualities: auto, or 720p@2500k,480p30@1000k+96k,audio@64k. [default: off]",
    ),
    Setting(
        "encoder",
        as_choice(*ENCODERS),
        "NAME",
        f"{', '.join(ENCODERS)}: what pictures are encoded with. [default: libx264]",
    ),
    Setting(
        "publish",
        as_publish,
        "PROTO[:PORT]",
        f"Take streams by {'|'.join(PUBLISH_PORTS)}; may be repeated.",
        True,
    ),
    Setting(
        "publish_from",
        as_senders,
        "ADDRESS=STREAM",
        "Take MPEG-TS from that IP address as that stream, without a key; may be repeated.",
        True,
    ),
    Setting("loop", as_flag, "", "Play finished playlists as live streams, over and over."),
    Setting("bt_port", as_integer(0, 65535), "PORT", "libtorrent's TCP/uTP port for all. [default: closed]"),
    Setting("api_input", as_inputs, "URL|DIR", "The API may make streams of what is there; repeat it.", True),
    Setting(
        "admin_token_file",
        as_path,
        "FILE",
        "Holds the API's admin token. [default: made in the state folder]",
    ),
    Setting(
        "jwt_key", as_path, "FILE", "JWTs of whoever has this key may publish: PEM, JWK set or a secret."
    ),
    Setting("jwt_audience", as_text, "NAME", "… when they are for this audience (aud)."),
    Setting("publish_hook", as_hook, "URL", "Is asked over HTTP whether a publisher may."),
    Setting(
        "takeover",
        as_takeover,
        "SECONDS|refuse",
        "A second publisher of a stream waits so long, then takes over; or never does. [default: 3]",
    ),
    Setting("upload_limit", as_size, "SIZE", "A file that is uploaded has at most so much. [default: 10G]"),
    Setting("storage", as_storage, "s3://BUCKET[/PREFIX]", "Recordings are copied there, too."),
    Setting("storage_endpoint", as_public_url, "URL", "… on that server. [default: Amazon's]"),
    Setting("storage_region", as_text, "NAME", "… in that region. [default: us-east-1]"),
    Setting("storage_public_url", as_public_url, "URL", "… where viewers find that bucket and prefix."),
    Setting("storage_credentials", as_path, "FILE", "… with these. [default: AWS_… in the environment]"),
    Setting("webhook", as_webhooks, "URL", "Is told what happens to streams; may be repeated.", True),
    Setting("webhook_secret_file", as_path, "FILE", "What that is signed with (openssl rand -base64 32)."),
    Setting("webhook_events", as_webhook_events, "KIND", "… only of these; may be repeated.", True),
    Setting("keys", as_path, "FILE", "Stream keys: who may publish. [default: in the user's state folder]"),
    Setting("record", as_flag, "", "Keep what is live: a recording of each stream, in the feed."),
    # Under a second a late segment would end it; after an hour nobody waits for a publisher.
    Setting(
        "record_grace",
        as_seconds(1, 3600),
        "SECONDS",
        "A recording ends when its stream was silent for so long. [default: 60]",
    ),
    # A live playlist is loaded again and again: beyond a few hours it is a recording's work.
    Setting(
        "dvr",
        as_duration(10, 4 * 3600, "30m"),
        "TIME|off",
        "So far back a live stream made here can be sought, e.g. 30m. [default: off]",
    ),
    Setting(
        "retention_age",
        as_duration(60, 100 * 366 * 86_400, "30d"),
        "TIME|off",
        "Recordings are deleted when they ended so long ago, e.g. 30d. [default: off]",
    ),
    Setting(
        "retention_bytes",
        as_bound,
        "SIZE|off",
        "The oldest recordings are deleted when all take more, e.g. 200G. [default: off]",
    ),
    Setting(
        "downloads",
        as_choice("public", "admin"),
        "public|admin",
        "Who may download recordings as files: everybody, or the admin. [default: public]",
    ),
    Setting("max_memory", as_size, "SIZE", "Live segments held in memory, e.g. 512M. [default: 512M]"),
)
SETTINGS: Mapping[str, Setting] = {row.name: row for row in _ROWS}
