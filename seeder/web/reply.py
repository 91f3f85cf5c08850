"""An :class:`~seeder.web.answer.Answer` as the bytes that go out over HTTP/1.1 (RFC 9112 §4)."""

from __future__ import annotations

import time
from email.utils import formatdate
from http import HTTPStatus

from seeder.web.answer import Answer
from seeder.web.security import Headers

MAX_HEADS = 4096
"""Header blocks held, some 800 bytes each: as many as the segments and playlists of 100 streams. They are
forgotten all at once, for a miss costs 10 µs."""

BODILESS = (204, 304)
"""Have no body, hence no Content-Length (RFC 9110 §8.6)."""


class Heads:
    """Header blocks by what they say: those of a segment are the same for everyone who asks."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, Headers], bytes] = {}
        self._second = -1
        self._ends = (b"", b"")

    def head(self, answer: Answer, close: bool) -> bytes:
        """Status line and headers, with the empty line."""
        key = (answer.status, answer.length, answer.headers)
        made = self._made.get(key)
        if made is None:
            if len(self._made) >= MAX_HEADS:
                self._made.clear()
            made = self._made[key] = _block(answer)
        second = int(time.time())
        if second != self._second:
            date = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
            self._second, self._ends = second, (date + b"\r\n", date + b"Connection: close\r\n\r\n")
        return made + self._ends[close]


def _block(answer: Answer) -> bytes:
    headers = answer.headers
    if answer.status not in BODILESS:
        headers = (*headers, ("Content-Length", str(answer.length)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n{lines}".encode("latin-1")
