"""The head of an HTTP/1.1 request, recognised in its plain form; pure.

Nothing is guessed here: what is not plainly well-formed (RFC 9112 §3, §5) is ``None``, and h11 then decides
what it is. So there is one parser that judges, and this one, which only knows the ordinary when it sees it:
two that disagreed about where a request ends would be a way to smuggle one past the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

_LINE = re.compile(r"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.([01])", re.ASCII)
"""Origin-form alone (RFC 9112 §3.2.1)."""
_FIELDS = re.compile(r"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*\r\n", re.ASCII)
"""RFC 9110 §5.6.2, §5.5; a name ends at its first colon, so that one pass decides."""
_FIELD = re.compile(r"([^:\r]+):[ \t]*([^\r]*)\r\n")
_END = re.compile(rb"\n\r?\n")

KNOWN = 1024
"""Header blocks remembered: a browser sends the same one with all but a few of its requests, and browsers of
one version send the same one too. It spares two thirds of the parsing."""
KNOWN_BYTES = 2048
"""No longer block is: the memory stays below 10 MiB whatever is sent."""


class Fields(NamedTuple):
    values: Mapping[str, str]
    """By lower-case name."""
    close: bool
    """``Connection: close``."""


class Head(NamedTuple):
    """A request without a body. (A tuple: it is made for every request, and half as dear.)"""

    method: str
    path: str
    """Percent-decoded, without its query."""
    headers: Mapping[str, str]
    """By lower-case name."""
    close: bool
    """The client wants no other answer on this connection, or (HTTP/1.0) cannot tell where this one ends."""
    query: str = ""
    """As it was sent."""


def parse_head(head: bytes) -> Head | None:
    """``head``: up to and with its empty line. ``None``: has a body, may have one, or is not plain."""
    first, _, block = head.partition(b"\r\n")
    match = _LINE.fullmatch(first.decode("latin-1"))
    if match is None:
        return None
    fields = _known(block) if len(block) <= KNOWN_BYTES else _parse(block)
    if fields is None:
        return None
    method, target, minor = match.groups()
    if minor == "1" and "host" not in fields.values:  # RFC 9112 §3.2
        return None
    path, _, query = target.partition("?")
    if "%" in path:
        path = unquote(path)
    return Head(method, path, fields.values, fields.close or minor == "0", query)


def _parse(block: bytes) -> Fields | None:
    text = block.decode("latin-1")
    if _FIELDS.fullmatch(text) is None:
        return None
    found = _FIELD.findall(text)
    values = {name.lower(): value.rstrip(" \t") for name, value in found}
    # A name twice: a list to some, a trap to others (Host, Content-Length, Connection).
    if len(values) != len(found) or not values.keys().isdisjoint(_FRAMING):
        return None
    close = "connection" in values and "close" in tokens(values["connection"])
    return Fields(MappingProxyType(values), close)


_FRAMING = frozenset(("content-length", "transfer-encoding", "expect"))
_known = lru_cache(KNOWN)(_parse)


def tokens(value: str) -> list[str]:
    """A comma-separated list in lower case (RFC 9110 §5.6.1)."""
    return [token.strip(" \t") for token in value.lower().split(",")]


def wants_websocket(head: Head) -> bool:
    """RFC 6455 §4.1; whether the handshake is a good one is for whoever takes it."""
    headers = head.headers
    return (
        head.method == "GET"
        and headers.get("upgrade", "").lower() == "websocket"
        and "upgrade" in tokens(headers.get("connection", ""))
    )


def ended(data: bytes) -> bool:
    """Whether h11, which takes a bare LF for a line's end (RFC 9112 §2.2), would see a whole head."""
    return _END.search(data) is not None
