"""Which segments of a live playlist have been looked at before. Pure.

Names alone do not tell: writers begin anew with the names they had, and number as they like. A segment is
known by its file, the range of it, and what the file holds: its torrent, or what ``stat`` said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seeder.hls.names import requested_path
from seeder.hls.playlist import Segment
from seeder.model import Resource, Span, StreamView

REMEMBERED = 6000
"""Marks of one playlist: more than the longest live playlist has segments, so that one that is numbered anew
is told from one that begins anew."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a segment is recognised by."""

    path: str
    """Relative to its stream."""
    span: Span | None
    msn: int
    etag: str
    infohash: str = ""
    """In hex; empty: it was not hashed, or not yet."""

    def same(self, other: Mark) -> bool:
        """The same bytes under the same name, whatever their number."""
        if (self.path, self.span) != (other.path, other.span):
            return False
        if self.infohash and other.infohash:
            return self.infohash == other.infohash
        return self.etag == other.etag


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment of a live playlist, and its file as it was published with it."""

    segment: Segment
    path: str | None
    """Relative to the stream; ``None``: it is not of this stream."""
    resource: Resource | None
    """``None``: it is listed, but not there (yet)."""

    @property
    def hashed(self) -> bool:
        return self.resource is not None and bool(self._infohash())

    def _infohash(self) -> str:
        if self.resource is None:
            return ""
        span = self.segment.span
        torrent = self.resource.torrent if span is None else self.resource.parts.get(span)
        return "" if torrent is None else torrent.infohash.hex()

    @property
    def mark(self) -> Mark:
        etag = "" if self.resource is None else self.resource.etag
        if self.segment.span is not None:
            etag = etag.rpartition("-")[2]  # of a file that grows only the inode stays
        return Mark(self.path or "", self.segment.span, self.segment.msn, etag, self._infohash())


def listing(view: StreamView, path: str, segments: Iterable[Segment]) -> list[Listed]:
    """These segments of the playlist at ``path``, in order."""
    found = []
    for segment in segments:
        asked = requested_path(path, segment.uri)
        found.append(Listed(segment, asked, view.resources.get(asked) if asked is not None else None))
    return found


def unseen(marks: Sequence[Mark], listed: Sequence[Listed]) -> tuple[int, bool]:
    """The index in ``listed`` of the first segment behind those of ``marks`` (in the order in which they were
    looked at), and whether something is missing between them."""
    if not marks or not listed:
        return 0, False
    last = marks[-1]
    for index in range(len(listed) - 1, -1, -1):
        segment = listed[index].segment
        if segment.msn < last.msn:
            break
        if segment.msn == last.msn and listed[index].mark.same(last):
            return index + 1, False
    if listed[0].segment.msn > last.msn:
        # We were too slow, or away; or it is numbered anew.
        index = _newest(listed, [last])
        return (index + 1, True) if index >= 0 else (0, listed[0].segment.msn > last.msn + 1)
    return _newest(listed, marks) + 1, True


def _newest(listed: Sequence[Listed], marks: Iterable[Mark]) -> int:
    """The index of the last of ``listed`` that has one of ``marks``; -1: none has."""
    etags, infohashes = set(), set()
    for mark in marks:
        etags.add((mark.path, mark.span, mark.etag))
        if mark.infohash:
            infohashes.add((mark.path, mark.span, mark.infohash))
    for index in range(len(listed) - 1, -1, -1):
        mark = listed[index].mark
        known = (mark.path, mark.span, mark.infohash) in infohashes
        if known or (not mark.infohash and (mark.path, mark.span, mark.etag) in etags):
            return index
    return -1


def dates(segments: Sequence[Segment]) -> list[float | None]:
    """When each begins, in Unix seconds: what EXT-X-PROGRAM-DATE-TIME says, and what follows from it."""
    found: list[float | None] = []
    at: float | None = None
    for segment in segments:
        if segment.program_date_time is not None:
            at = segment.program_date_time.timestamp()
        found.append(at)
        at = None if at is None else at + segment.duration
    for index in range(len(found) - 2, -1, -1):
        if found[index] is None and (later := found[index + 1]) is not None:
            found[index] = later - segments[index].duration
    return found
