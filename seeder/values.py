"""What a TOML file, an environment variable or a flag holds, checked. Pure.

Each takes such a value and gives what it means; its ``ValueError`` says what would be accepted, to be read
after the name: ``--port: must be between …``.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from seeder.model import MAX_RATIO, MAX_UPLOAD

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


def as_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a string is needed, not {value!r}")
    text = value.strip()
    if not text:
        raise ValueError("is empty; leave it out for the default")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("holds a control character")
    return text


def as_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.strip().lower() in ("1", "true", "yes", "on"):
            return True
        if value.strip().lower() in ("0", "false", "no", "off"):
            return False
    raise ValueError(f"true or false is needed, not {value!r}")


def as_integer(low: int, high: int) -> Callable[[object], int]:
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


def as_seconds(low: float, high: float) -> Callable[[object], float]:
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


_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*([smhdw]?)", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def as_duration(low: float, high: float, example: str) -> Callable[[object], float | None]:
    """Seconds; ``None`` for ``off``."""

    def parse(value: object) -> float | None:
        text = str(value).strip() if isinstance(value, int | float | str) else ""
        if value is False or text.lower() == "off":
            return None
        match = _DURATION.fullmatch(text)
        if match is None or isinstance(value, bool):
            raise ValueError(f"a time such as {example} is needed, or off, not {value!r}")
        seconds = float(match[1]) * _SECONDS[match[2].lower()]
        if not low <= seconds <= high:
            raise ValueError(f"must be between {low:g} and {high:g} seconds, not {value!r}")
        return seconds

    return parse


def as_size(value: object) -> int:
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError(f"a size such as 512M or 2G is needed, not {value!r}")
    number = int(match[1]) * _UNITS[match[2].lower()]
    # Below this not even one stream's window fits; above it the number is surely a typing error.
    if not 16 << 20 <= number <= 1 << 40:
        raise ValueError(f"must be between 16M and 1024G, not {value!r}")
    return number


def as_bound(value: object) -> int | None:
    """Bytes; ``None`` for ``off``."""
    return None if value is False or str(value).strip().lower() == "off" else as_size(value)


def as_rate(value: object) -> int:
    match = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise ValueError(f"bytes a second such as 500k or 2M are needed, not {value!r}")
    number = int(match[1]) * _UNITS[match[2].lower()]
    if number > MAX_UPLOAD:
        raise ValueError(f"must be between 0 and 1024G, not {value!r}")
    return number


def as_ratio(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"a number such as 1.5 is needed, not {value!r}") from None
    if math.isnan(number) or not 0 <= number <= MAX_RATIO:
        raise ValueError(f"must be between 0 and {MAX_RATIO}, not {value!r}")
    return number


def as_choice(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        text = as_text(value).lower()
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, not {value!r}{meant(text, choices)}")
        return text

    return parse


def as_path(value: object) -> Path:
    path = Path(as_text(str(value) if isinstance(value, Path) else value))
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path.parts[0]!r} is nobody's home here") from None


def as_host(value: object) -> str:
    text = as_text(value)
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
    text = as_text(value)
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


def as_public_url(value: object) -> str:
    text = _url(value, ("http", "https"), "https://live.example.org")
    if urlsplit(text).query:
        raise ValueError("must not hold a query (the part from ? on)")
    return text.rstrip("/")


_STORAGE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]((?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*)/?")
"""Buckets by Amazon's rules; of prefixes what needs no quoting, and no ``.`` and ``..``."""


def as_storage(value: object) -> str:
    text = as_text(value)
    if not _STORAGE.fullmatch(text):
        raise ValueError(f"s3://BUCKET or s3://BUCKET/PREFIX is needed, not {text!r}")
    return text.rstrip("/")


def as_hook(value: object) -> str:
    return _url(value, ("http", "https"), "https://auth.example.org/publish", "it is seen by other users")


WEBHOOK_EVENTS = (
    *("publish.start", "publish.stop", "stream.live", "stream.away", "stream.ended", "stream.gone"),
    *("recording.start", "recording.ready", "recording.gone"),
)
"""What webhooks may be told of (:mod:`seeder.events`)."""
MOST_WEBHOOKS = 8


def as_webhooks(value: object) -> tuple[str, ...]:
    """Addresses: a list, or one, or several with spaces between them (a comma may be part of one)."""
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("a list of addresses is needed")
    why = "it is seen by other users"
    found = [_url(each, ("http", "https"), "https://example.org/hook", why) for each in items]
    if len(found) > MOST_WEBHOOKS:
        raise ValueError(f"at most {MOST_WEBHOOKS} are possible, not {len(found)}")
    return tuple(dict.fromkeys(found))


def as_webhook_events(value: object) -> tuple[str, ...]:
    """Kinds: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of {', '.join(WEBHOOK_EVENTS)} is needed, not {value!r}")
    found = tuple(dict.fromkeys(as_text(item) for item in items if item != ""))
    for item in found:
        if item not in WEBHOOK_EVENTS:
            raise ValueError(
                f"must be of {', '.join(WEBHOOK_EVENTS)}, not {item!r}{meant(item, WEBHOOK_EVENTS)}"
            )
    return found


def as_takeover(value: object) -> float | None:
    if isinstance(value, str) and value.strip().lower() == "refuse":
        return None
    try:
        return as_seconds(0, 60)(value)
    except ValueError as error:
        raise ValueError(f"{error}; or refuse") from None


def as_tracker(value: object) -> str:
    return _url(value, ("ws", "wss"), "wss://tracker.example.org/announce")


def stun_url(value: object) -> str:
    """One validated ``stun:host[:port]`` (RFC 7064); ``ValueError`` otherwise."""
    text = as_text(value)
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
    text = as_text(value)
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


def as_servers(url: Callable[[object], str], form: str) -> Callable[[object], tuple[str, ...]]:
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


def as_swarms(value: object) -> tuple[str, ...]:
    """Rendezvous infohashes in hex, or ``any``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of swarms is needed, not {value!r}")
    found = tuple(dict.fromkeys(as_text(item).lower() for item in items if item != ""))
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
    "browser": 0,
    "srt": 9000,
    "mpegts": 9001,
}
"""The protocols that publishers may come by, and their usual ports (0: it has none of its own);
:mod:`seeder.publish.listeners` has a listener for each."""


def as_publish(value: object) -> tuple[str, ...]:
    """``PROTO:PORT`` of ``PROTO[:PORT]``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of PROTO[:PORT] is needed, not {value!r}")
    found = []
    for item in (as_text(item).lower() for item in items if item != ""):
        protocol, colon, port = item.partition(":")
        if protocol not in PUBLISH_PORTS:
            known = ", ".join(f"{name}[:{usual}]" if usual else name for name, usual in PUBLISH_PORTS.items())
            raise ValueError(f"must be one of {known}, not {item!r}{meant(protocol, PUBLISH_PORTS)}")
        if port.strip("0") and not PUBLISH_PORTS[protocol]:
            raise ValueError(f"{protocol} has no port of its own: it comes by the web server's")
        found.append(f"{protocol}:{as_integer(0, 65535)(port) if colon else PUBLISH_PORTS[protocol]}")
    return tuple(dict.fromkeys(found))


INPUT_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "srt", "http", "https")


def as_inputs(value: object) -> tuple[str, ...]:
    """Servers and folders: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of servers and folders is needed, not {value!r}")
    found = [as_text(item) for item in items if item != ""]
    for item in (item for item in found if "://" in item):
        # *.example.org: each host beneath it.
        url = _url(item.replace("://*.", "://any.", 1), INPUT_SCHEMES, "rtsp://camera.local or a folder")
        if urlsplit(url).path.strip("/") or urlsplit(url).query:
            raise ValueError("a server such as rtsp://camera.local is needed, without a path")
    return tuple(item.rstrip("/") if "://" in item else str(as_path(item).absolute()) for item in found)


def as_senders(value: object) -> tuple[str, ...]:
    """``ADDRESS=STREAM``: a list, or a comma-separated string."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError(f"a list of ADDRESS=STREAM is needed, not {value!r}")
    found = {}
    for item in (as_text(item) for item in items if item != ""):
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
    text = as_text(value)
    if not _STREAM_NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} cannot name a stream: use up to 64 letters, digits, '.', '_' or '-', "
            "the first one a letter or digit"
        )
    return text
