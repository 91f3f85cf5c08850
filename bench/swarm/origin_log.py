"""What nginx wrote down about each request: its log format, read back. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

FORMAT = (
    r"$msec\t$status\t$bytes_sent\t$body_bytes_sent\t$upstream_bytes_sent\t$remote_addr"
    r"\t$request_method\t$uri"
)
"""For nginx's ``log_format``. A line is written when its request ends; a WebSocket's when it closes."""


class Kind(Enum):
    MEDIA = "media"
    """Segments and init sections."""
    MANIFEST = "manifest"
    SIGNALLING = "signalling"
    """The tracker's WebSocket."""
    PAGE = "page"
    """Pages and scripts, and whatever else."""


@dataclass(frozen=True, slots=True)
class Request:
    at: float
    """Seconds since 1970 when the last byte was sent."""
    status: int
    sent: int
    """Bytes from the origin, headers included; of a WebSocket, all frames."""
    body: int
    """Likewise, without the headers."""
    received: int
    """Bytes passed on to what stands behind nginx: what a WebSocket's client sent."""
    client: str
    method: str
    path: str

    @property
    def kind(self) -> Kind:
        return kind_of(self.path)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def kind_of(path: str) -> Kind:
    if path in ("/announce", "/tracker"):
        return Kind.SIGNALLING
    if path.startswith("/live/"):
        if path.endswith(".m3u8"):
            return Kind.MANIFEST
        if path.endswith((".m4s", ".mp4", ".ts")):
            return Kind.MEDIA
    return Kind.PAGE


def parse(text: str) -> Iterator[Request]:
    """One per whole line; nginx may be writing the last one still. ValueError: not our format."""
    for line in text.splitlines(keepends=True):
        if not line.endswith("\n"):
            return
        at, status, sent, body, received, client, method, path = line.rstrip("\n").split("\t")
        # A request that a second upstream had to answer has a list here.
        through = sum(int(part) for part in received.replace(":", ",").split(",") if part.strip().isdigit())
        yield Request(float(at), int(status), int(sent), int(body), through, client, method, path)


def sent_by_kind(requests: Iterable[Request]) -> dict[Kind, int]:
    total = dict.fromkeys(Kind, 0)
    for request in requests:
        total[request.kind] += request.sent
    return total


def media_by_name(requests: Iterable[Request]) -> dict[str, tuple[int, int]]:
    """Segment's file name → (bytes sent with headers, media bytes sent); errors are no media."""
    total: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for request in requests:
        if request.kind is Kind.MEDIA:
            sent, body = total[request.name]
            carried = request.body if request.status in (200, 206) else 0
            total[request.name] = (sent + request.sent, body + carried)
    return dict(total)
