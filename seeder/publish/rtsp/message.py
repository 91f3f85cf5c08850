"""What is on an RTSP connection: requests, answers, and binary frames between them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_HEAD = 16 * 1024
"""Bytes of a request line and its headers."""
MOST_BODY = 64 * 1024
"""Bytes; the largest is ANNOUNCE's SDP."""
_START = re.compile(r"([A-Z_]{1,32}) (\S{1,4096}) RTSP/(\d)\.(\d)")
_PHRASES = {200: "OK", 400: "Bad Request", 405: "Method Not Allowed", 454: "Session Not Found"}


class MessageError(Exception):
    """What came is not RTSP; where the next message begins is not known any more."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str = field(repr=False)
    """It may hold a key."""
    headers: Mapping[str, str] = field(repr=False)
    """By lower-case name; the last of several."""
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """RFC 2326 section 10.12."""

    channel: int
    data: bytes


class Reader:
    """Of one connection."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> list[Request | Frame]:
        """What is complete now. Raises :class:`MessageError`; it holds no more than one message and what
        came with its end."""
        self._data += data
        found: list[Request | Frame] = []
        at = 0
        while (step := self._one(at)) is not None:
            item, at = step
            if item is not None:
                found.append(item)
        del self._data[:at]
        return found

    def _one(self, at: int) -> tuple[Request | Frame | None, int] | None:
        """The message at ``at`` and where it ends; None while it is not complete."""
        data = self._data
        if at >= len(data):
            return None
        if data[at] == 0x24:  # $
            end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big")
            if len(data) < at + 4 or len(data) < end:
                return None
            return Frame(data[at + 1], bytes(data[at + 4 : end])), end
        if data[at] in b"\r\n":  # some send an empty line between messages
            return None, at + 1
        if not 0x41 <= data[at] <= 0x5A:
            raise MessageError("not RTSP")
        end = data.find(b"\r\n\r\n", at, at + MOST_HEAD)
        if end < 0:
            if len(data) - at >= MOST_HEAD:
                raise MessageError("headers that are too long")
            return None
        lines = data[at:end].decode("latin-1").split("\r\n")
        headers = _headers(lines[1:])
        length = headers.get("content-length", "0")
        if not re.fullmatch(r"\d{1,9}", length) or int(length) > MOST_BODY:
            raise MessageError(f"a body of more than {MOST_BODY} bytes")
        body_at, body_end = end + 4, end + 4 + int(length)
        if len(data) < body_end:
            return None
        if lines[0].startswith("RTSP/"):  # an answer, and we asked nothing
            return None, body_end
        start = _START.fullmatch(lines[0])
        if start is None or start[3] != "1":
            raise MessageError("not RTSP 1.0")
        return Request(start[1], start[2], headers, bytes(data[body_at:body_end])), body_end


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise MessageError("a header without a colon")
        headers[name.strip().lower()] = value.strip()
    return headers


def answer(
    request: Request | None, status: int = 200, phrase: str = "", headers: Mapping[str, str] | None = None
) -> bytes:
    """To ``request``, None for one that could not be read. ``phrase`` is what publishers' tools print."""
    said = re.sub(r"[^\x20-\x7e]", "?", phrase)[:200] or _PHRASES.get(status, "Error")
    lines = [f"RTSP/1.0 {status} {said}"]
    number = "" if request is None else request.headers.get("cseq", "")
    if re.fullmatch(r"\d{1,10}", number):
        lines.append(f"CSeq: {number}")
    lines += ["Server: live-torrent", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("ascii")
