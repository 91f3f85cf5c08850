"""The settings: one table from which config file keys, variables and flags are all made.

A parser takes what a TOML file, an environment variable or a flag holds and gives the checked value; its
``ValueError`` says what would be accepted, to be read after the name: ``--port: must be between …``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seeder.ladder import ENCODERS
from seeder.ladder import parse as parse_ladder
from seeder.model import MAX_RATIO, MAX_UPLOAD, MAX_VIEWERS

ENV_PREFIX = "LIVE_TORRENT_"

_STREAM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# The underscore is not RFC 1123, but Compose and Kubernetes names have it.
_LABEL = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
_DNS_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\.?")
_SIZE = re.compile(r"(\d+)\s*([kmg]?)(i?b)?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'port'?`` or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a string is needed, not {value!r}")
    text = value.strip()
    if not text:
        raise ValueError("is empty; leave it out for the default")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("holds a control character")
    return text


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.strip().lower() in ("1", "true", "yes", "on"):
            return True
        if value.strip().lower() in ("0", "false", "no", "off"):
            return False
    raise ValueError(f"true or false is needed, not {value!r}")


def _integer(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        try:
            if isinstance(value, bool) or not isinstance(value, int | str):
                raise ValueError
            number = int(value)
        except ValueError:
            hint = ""
            if isinstance(value, str) and value.startswith("tcp://"):
                # Kubernetes sets this variable for every service called live-torrent.
                hint = " (set by Kubernetes; enableServiceLinks: false stops that)"
            raise ValueError(f"a whole number is needed, not {value!r}{hint}") from None
        if not low <= number <= high:
            raise ValueError(f"must be between {low} and {high}, not {number}")
        return number

    return parse


def _seconds(low: float, high: float) -> Callable[[object], float]:
    def parse(value: object) -> float:
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            number = float(value)
        except (ValueError, OverflowError):
            raise ValueError(f"a number of seconds is needed, not {value!r}") from None
        if math.isnan(number) or not low <= number <= high:
            raise ValueError(f"must be between {low:g} and {high:g} seconds, not {number:g}")
        return number

    return parse


def _size(value: object) -> int:
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError(f"a size such as 512M or 2G is needed, not {value!r}")
    number = int(match[1]) * _UNITS[match[2].lower()]
    # Below this not even one stream's window fits; above it the number is surely a typing error.
    if not 16 << 20 <= number <= 1 << 40:
        raise ValueError(f"must be between 16M and 1024G, not {value!r}")
    return number


def _rate(value: object) -> int:
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError(f"bytes a second such as 500k or 2M are needed, not {value!r}")
    number = int(match[1]) * _UNITS[match[2].lower()]
    if number > MAX_UPLOAD:
        raise ValueError(f"must be between 0 and 1024G, not {value!r}")
    return number


def _ratio(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"a number such as 1.5 is needed, not {value!r}") from None
    if math.isnan(number) or not 0 <= number <= MAX_RATIO:
        raise ValueError(f"must be between 0 and {MAX_RATIO}, not {value!r}")
    return number


def _choice(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = _text(value).lower()
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}{meant(text, choices)}")
        return text

    return parse


def _path(value: object) -> Path:
    return Path(_text(str(value) if isinstance(value, Path) else value)).expanduser()


def _host(value: object) -> str:
    text = _text(value)
    bare = text.removeprefix("[").removesuffix("]")
    if not _is_host(bare):
        raise ValueError(f"an address such as 127.0.0.1, 0.0.0.0 or :: is needed, not {value!r}")
    return bare


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        # 999.1.1.1 is not a name, whatever DNS syntax says.
        return bool(_DNS_NAME.fullmatch(text)) and not re.fullmatch(r"[\d.]+", text)
    return True


def _url(
    value: object, schemes: tuple[str, ...], example: str, why: str = "it is written into public manifests"
) -> str:
    text = _text(value)
    wanted = f"an address such as {example} is needed"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{wanted} ({error})") from None
    if parts.scheme not in schemes:
        raise ValueError(f"{wanted}: it must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not host or not _is_host(host) or port == 0 or any(character.isspace() for character in text):
        raise ValueError(wanted)
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"must not hold a user name or password: {why}")
    if parts.fragment:
        raise ValueError(f"{wanted}, without #{parts.fragment}")
    return text


def _public_url(value: object) -> str:
    text = _url(value, ("http", "https"), "https://live.example.org")
    if urlsplit(text).query:
        raise ValueError("must not hold a query (the part from ? on)")
    return text.rstrip("/")


def _hook(value: object) -> str:
    return _url(value, ("http", "https"), "https://auth.example.org/publish", "it is seen by other users")


def _takeover(value: object) -> float | None:
    if isinstance(value, str) and value.strip().lower() == "refuse":
        return None
    try:
        return _seconds(0, 60)(value)
    except ValueError as error:
        raise ValueError(f"{error}; or refuse") from None


def _tracker(value: object) -> str:
    return _url(value, ("ws", "wss"), "wss://tracker.example.org/announce")


def stun_url(value: object) -> str:
    """One validated ``stun:host[:port]`` (RFC 7064); ``ValueError`` otherwise."""
    text = _text(value)
    if "?" in text:
        # Chromium throws on any query in a stun: URL, which silently ends all peer-to-peer.
        raise ValueError(
            f"must not hold {text[text.index('?') :]!r}: browsers refuse it (STUN is always UDP here)"
        )
    scheme, _, rest = text.partition(":")
    if scheme.lower() in ("turn", "turns"):
        raise ValueError("a TURN server goes to --turn: it needs credentials")
    if scheme.lower() != "stun":
        raise ValueError(f"stun:host[:port] is needed, not {text!r}")
    _check_authority(rest, f"stun:host[:port] is needed, not {text!r}")
    return f"stun:{rest}"


def turn_url(value: object) -> str:
    """One validated ``turn[s]:host[:port][?transport=udp|tcp]`` (RFC 7065); ``ValueError`` otherwise."""
    text = _text(value)
    wanted = f"turn:host[:port][?transport=udp|tcp] is needed, not {text!r}"
    scheme, _, rest = text.partition(":")
    authority, mark, query = rest.partition("?")
    if "@" in authority:
        raise ValueError("must not hold a user name: credentials are made with --turn-secret-file")
    if scheme.lower() not in ("turn", "turns") or (mark and query not in ("transport=udp", "transport=tcp")):
        raise ValueError(wanted)
    _check_authority(authority, wanted)
    return f"{scheme.lower()}:{rest}"


def _check_authority(text: str, wanted: str) -> None:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([^:\[\]]+)(?::(\d{1,5}))?", text)
    match = bracketed or plain
    if text.startswith("//") or match is None or (match[2] is not None and not 1 <= int(match[2]) <= 65535):
        raise ValueError(wanted)
    if not _is_host(match[1]) or (bracketed and not isinstance(ip_address(match[1]), IPv6Address)):
        raise ValueError(f"{match[1]!r} is not a host name or address")


def _servers(url: Callable[[object], str], form: str) -> Callable[[object], tuple[str, ...]]:
    def parse(value: object) -> tuple[str, ...]:
        """A list (file, repeated flag) or a comma-separated string (variable)."""
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"a list of {form} is needed, not {value!r}")
        urls = tuple(dict.fromkeys(url(item) for item in items if item != ""))
        # Browsers warn from five ICE servers on: each one lengthens candidate gathering.
        if len(urls) > 4:
            raise ValueError(f"at most 4 servers are useful, not {len(urls)}")
        return urls

    return parse


def _swarms(value: object) -> tuple[str, ...]:
    """Rendezvous infohashes in hex, or ``any``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of swarms is needed, not {value!r}")
    found = tuple(dict.fromkeys(_text(item).lower() for item in items if item != ""))
    for item in found:
        if item != "any" and not re.fullmatch("[0-9a-f]{40}", item):
            raise ValueError(f"40 hex digits (bake shows them) or any are needed, not {item!r}")
    return found


PUBLISH_PORTS: Mapping[str, int] = {
    "rtmp": 1935,
    "rtmps": 1936,
    "rtsp": 8554,
    "flv": 9002,
    "whip": 8189,
    "srt": 9000,
    "mpegts": 9001,
}
"""The protocols that publishers may come by, and their usual ports; :mod:`seeder.publish.listeners` has a
listener for each."""


def _publish(value: object) -> tuple[str, ...]:
    """``PROTO:PORT`` of ``PROTO[:PORT]``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of PROTO[:PORT] is needed, not {value!r}")
    found = []
    for item in (_text(item).lower() for item in items if item != ""):
        protocol, colon, port = item.partition(":")
        if protocol not in PUBLISH_PORTS:
            known = ", ".join(f"{name}[:{usual}]" for name, usual in PUBLISH_PORTS.items())
            raise ValueError(f"must be one of {known}, not {item!r}{meant(protocol, PUBLISH_PORTS)}")
        found.append(f"{protocol}:{_integer(0, 65535)(port) if colon else PUBLISH_PORTS[protocol]}")
    return tuple(dict.fromkeys(found))


INPUT_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "http", "https")


def _inputs(value: object) -> tuple[str, ...]:
    """Servers and folders: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of servers and folders is needed, not {value!r}")
    found = [_text(item) for item in items if item != ""]
    for item in (item for item in found if "://" in item):
        # *.example.org: each host beneath it.
        url = _url(item.replace("://*.", "://any.", 1), INPUT_SCHEMES, "rtsp://camera.local or a folder")
        if urlsplit(url).path.strip("/") or urlsplit(url).query:
            raise ValueError("a server such as rtsp://camera.local is needed, without a path")
    return tuple(item.rstrip("/") if "://" in item else str(_path(item).absolute()) for item in found)


def _senders(value: object) -> tuple[str, ...]:
    """``ADDRESS=STREAM``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of ADDRESS=STREAM is needed, not {value!r}")
    found = {}
    for item in (_text(item) for item in items if item != ""):
        address, _, stream = item.partition("=")
        try:
            found[str(ip_address(address))] = stream_name(stream)
        except ValueError as error:
            raise ValueError(
                f"an IP address, = and a stream's name are needed, not {item!r}: {error}"
            ) from None
    return tuple(f"{address}={stream}" for address, stream in found.items())


def stream_name(value: object) -> str:
    """A stream's name: one path component that needs no escaping anywhere; ``ValueError`` otherwise."""
    text = _text(value)
    if not _STREAM_NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} cannot name a stream: use up to 64 letters, digits, '.', '_' or '-', "
            "the first one a letter or digit"
        )
    return text


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
    Setting("host", _host, "ADDRESS", "Listen here; 0.0.0.0 lets other machines in. [default: 127.0.0.1]"),
    Setting("port", _integer(0, 65535), "PORT", "TCP port; 0 takes a free one. [default: 8008]"),
    Setting("feed", _path, "DIR", "The folder of HLS streams. [default: feed; for demo a temporary one]"),
    Setting("tls_cert", _path, "FILE", "Certificate chain (PEM): serves HTTPS and HTTP/2."),
    Setting("tls_key", _path, "FILE", "Private key (PEM) of --tls-cert."),
    Setting("tls_self_signed", _flag, "", "HTTPS with a certificate made on the spot, for trying it out."),
    Setting("public_url", _public_url, "URL", "How viewers reach this server, when behind a proxy."),
    Setting("trust_proxy", _flag, "", "Viewers come through a proxy of ours: believe X-Forwarded-*."),
    Setting("tracker", _tracker, "URL", "External WebTorrent tracker (ws:// or wss://) instead of our own."),
    Setting("swarm", _swarms, "ID|any", "Baked streams' viewers meet here, too; may be repeated.", True),
    Setting(
        "stun",
        _servers(stun_url, "stun:host[:port]"),
        "stun:HOST[:PORT]",
        "STUN server for viewers behind NAT; may be repeated.",
        True,
    ),
    Setting(
        "turn",
        _servers(turn_url, "turn:host[:port]"),
        "turn:HOST[:PORT]",
        "TURN server that relays where nothing else connects; may be repeated. Needs --turn-secret-file.",
        True,
    ),
    Setting(
        "turn_secret_file", _path, "FILE", "The secret that --turn's server has (coturn: use-auth-secret)."
    ),
    Setting(
        "ice_transport_policy",
        _choice("all", "relay"),
        "all|relay",
        "relay: viewers meet through --turn alone, and see no address of each other. [default: all]",
    ),
    Setting(
        "sharing",
        _choice("on", "ask", "off"),
        "on|ask|off",
        "ask: no viewer has peers before it said yes; off: plain HTTP. [default: on]",
    ),
    Setting(
        "max_upload", _rate, "BYTES", "A viewer uploads at most so much a second, e.g. 500k. [default: 5 MB]"
    ),
    Setting("max_ratio", _ratio, "NUMBER", "… and so many times what it received. [default: no bound]"),
    Setting(
        "min_viewers", _integer(1, MAX_VIEWERS), "COUNT", "Viewers there must be for links. [default: 1]"
    ),
    Setting("upload_on_cellular", _flag, "", "Viewers upload on cellular lines, too."),
    Setting("upload_when_hidden", _flag, "", "Viewers upload while their tab is hidden, too."),
    Setting("log_format", _choice("text", "json"), "text|json", "Lines of text or of JSON. [default: text]"),
    Setting(
        "log_level",
        _choice("debug", "info", "warning", "error"),
        "LEVEL",
        "debug (with tracebacks), info, warning or error. [default: info]",
    ),
    Setting("ffmpeg", _path, "FILE", "Another ffmpeg than the one that came with live-torrent."),
    # Under 0.5 s the per-segment torrent costs more than its bytes; over a minute nobody calls it live.
    Setting("segment_seconds", _seconds(0.5, 60), "SECONDS", "Length of a segment. [default: 2]"),
    # RFC 8216 §6.2.2: a live playlist must not shrink below three target durations.
    Setting("window", _integer(3, 100), "SEGMENTS", "Segments in a live playlist. [default: 8]"),
    Setting(
        "ladder",
        parse_ladder,
        "off|auto|RUNGS",
        "Several qualities: auto, or 720p@2500k,480p30@1000k+96k,audio@64k. [default: off]",
    ),
    Setting(
        "encoder",
        _choice(*ENCODERS),
        "NAME",
        f"{', '.join(ENCODERS)}: what pictures are encoded with. [default: libx264]",
    ),
    Setting(
        "publish",
        _publish,
        "PROTO[:PORT]",
        f"Take streams by {'|'.join(PUBLISH_PORTS)}; may be repeated.",
        True,
    ),
    Setting(
        "publish_from",
        _senders,
        "ADDRESS=STREAM",
        "Take MPEG-TS from that IP address as that stream, without a key; may be repeated.",
        True,
    ),
    Setting("loop", _flag, "", "Play finished playlists as live streams, over and over."),
    Setting("bt_port", _integer(0, 65535), "PORT", "libtorrent's TCP/uTP port for all. [default: closed]"),
    Setting("api_input", _inputs, "URL|DIR", "The API may make streams of what is there; repeat it.", True),
    Setting(
        "admin_token_file", _path, "FILE", "Holds the API's admin token. [default: made in the state folder]"
    ),
    Setting("jwt_key", _path, "FILE", "JWTs of whoever has this key may publish: PEM, JWK set or a secret."),
    Setting("jwt_audience", _text, "NAME", "… when they are for this audience (aud)."),
    Setting("publish_hook", _hook, "URL", "Is asked over HTTP whether a publisher may."),
    Setting(
        "takeover",
        _takeover,
        "SECONDS|refuse",
        "A second publisher of a stream waits so long, then takes over; or never does. [default: 3]",
    ),
    Setting("keys", _path, "FILE", "Stream keys: who may publish. [default: in the user's state folder]"),
    Setting("max_memory", _size, "SIZE", "Live segments held in memory, e.g. 512M. [default: 512M]"),
)
SETTINGS: Mapping[str, Setting] = {row.name: row for row in _ROWS}
