"""A recording's files: hard links to the live ones where those stay as they are, else copies. Blocking.

Our own ingest never writes to a file twice, so a link to it costs nothing and cannot change. Other writers
may begin anew with the names that they had, and write over what is there: a link would change with it. A copy
is also made where the file system has no links, or the live file is gone and only we still hold its bytes.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from seeder.feed.beneath import resolve, signature_of
from seeder.ingest.storage import INIT_NAME, SEGMENT_NAME
from seeder.model import Resource, Span, Torrent
from seeder.recording.about import ABOUT, EXPORTS, POSTER
from seeder.torrent.metainfo import matches

Read = Callable[[Resource], bytes | BinaryIO]
"""The library's."""

RESERVED = frozenset({ABOUT, POSTER, EXPORTS})
"""What lies beside a recording's media: no live stream's file takes its place."""
BLOCK = 1 << 20
"""Bytes copied at a time."""


class GoneError(Exception):
    """The recording's folder is not there any more: somebody deleted it."""


class Files:
    """Of one recording. ``feed``: resolved."""

    def __init__(self, feed: Path, folder: Path, stream: str, read: Read) -> None:
        self.folder = folder
        self._feed = feed
        self._stream = stream
        self._read = read
        self._identity = _identity(folder)
        # Path there → what it is called here now: another once its writer began anew with the name.
        self._names: dict[str, str] = {}
        # Ranges that are there of files that hold several segments, in no order, without overlaps.
        self._ranges: dict[str, list[Span]] = {}
        self._etags: dict[str, str] = {}  # of whole files: the live one's, when it was taken

    def known(self, there: str, here: str, span: Span | None) -> None:
        """As the journal says."""
        self._names[there] = here
        if span is not None:
            self._note(here, span)

    def whole(self, path: str, resource: Resource) -> tuple[str, int]:
        """Path here, and bytes that it took; OSError, GoneError."""
        here = self._names.get(path)
        if here is not None and here not in self._ranges and self._is(here, resource):
            return here, 0
        for here in self._free(path):
            target = self._place(here)
            if target.exists():
                if self._is(here, resource):  # left by a run that was killed before it wrote that down
                    break
                continue
            if not (_immutable(path) and self._link(path, resource, target)):
                self._copy(resource, target)
            break
        else:
            raise OSError(errno.EEXIST, path)
        self._names[path], self._etags[here] = here, resource.etag
        return here, resource.size

    def part(self, path: str, resource: Resource, span: Span, torrent: Torrent | None) -> tuple[str, int]:
        """The same of a range, which is at the same place here."""
        data = self._bytes(resource, span)
        if len(data) != span.length or (torrent is not None and not matches(torrent, data)):
            raise OSError(errno.ESTALE, f"{path} changed while it was read")
        here = self._names.get(path)
        if here is not None:
            if here not in self._ranges:
                return here, 0  # all of it is there
            if (new := self._missing(here, span, data)) is not None:
                return self._written(path, here, span, data, new)
        for here in self._free(path):
            if self._place(here).exists() and here not in self._ranges and here != path:
                continue
            if (new := self._missing(here, span, data)) is not None:
                return self._written(path, here, span, data, new)
        raise OSError(errno.EEXIST, path)

    def drop(self, path: str, here: str) -> None:
        """What could not be written down: nothing lists it."""
        if here not in self._ranges:
            (self.folder / here).unlink(missing_ok=True)
            self._names.pop(path, None)
            self._etags.pop(here, None)

    def check(self) -> None:
        """GoneError, when the folder is not the one that it was."""
        if self._identity is None or _identity(self.folder) != self._identity:
            raise GoneError(str(self.folder))

    # --- names -----------------------------------------------------------------------------------------

    def _free(self, path: str) -> list[str]:
        """Names that it may have here, the next one first: its own, unless that has been used."""
        stem, suffix = posixpath.splitext(path)
        before, number = self._names.get(path), 0
        if before is not None:
            tail = before[len(stem) + 1 : len(before) - len(suffix)]
            number = int(tail) if tail.isdecimal() else 0
            number += 1
        first = [path] if number == 0 and path.partition("/")[0] not in RESERVED else []
        # A few: what a run that was killed left behind may have the next name.
        return first + [f"{stem}-{n}{suffix}" for n in range(max(number, 1), max(number, 1) + 8)]

    def _place(self, here: str) -> Path:
        self.check()
        place = self.folder / here
        if "/" in here:
            place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def _is(self, here: str, resource: Resource) -> bool:
        """Whether that is what we have under this name."""
        if self._etags.get(here) == resource.etag:
            return True
        place = self.folder / here
        try:
            signature = signature_of(place.stat())
            if signature.etag == resource.etag:
                return True
            return signature.size == resource.size and place.read_bytes() == self._bytes(resource)
        except OSError:
            return False

    # --- bytes -----------------------------------------------------------------------------------------

    def _link(self, path: str, resource: Resource, target: Path) -> bool:
        """Whether it could be done, and is the file that was published."""
        source = resolve(self._feed, f"{self._stream}/{path}")
        if source is None:
            return False
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            return False  # no links here, too many of them, or it is gone
        if signature_of(target.stat()).etag == resource.etag:
            return True
        target.unlink()
        return False

    def _copy(self, resource: Resource, target: Path) -> None:
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            with temporary.open("wb") as file:
                source = self._read(resource)
                if isinstance(source, bytes):
                    file.write(source)
                else:
                    with source:
                        while block := source.read(BLOCK):
                            file.write(block)
            temporary.replace(target)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def _bytes(self, resource: Resource, span: Span | None = None) -> bytes:
        source = self._read(resource)
        if isinstance(source, bytes):
            return source if span is None else span.of(source)
        with source:
            if span is None:
                return source.read()
            source.seek(span.start)
            return source.read(span.length)

    def _missing(self, here: str, span: Span, data: bytes) -> bool | None:
        """Whether these bytes are to be written; ``None``: others are there."""
        held = self._ranges.get(here, [])
        overlaps = [other for other in held if other.start < span.stop and span.start < other.stop]
        for other in overlaps:
            start, stop = max(other.start, span.start), min(other.stop, span.stop)
            with (self.folder / here).open("rb") as file:
                file.seek(start)
                if file.read(stop - start) != data[start - span.start : stop - span.start]:
                    return None
        return not any(other.start <= span.start and span.stop <= other.stop for other in overlaps)

    def _written(self, path: str, here: str, span: Span, data: bytes, new: bool) -> tuple[str, int]:
        if new:
            handle = os.open(self._place(here), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if os.pwrite(handle, data, span.start) != len(data):
                    raise OSError(errno.ENOSPC, "the disk took only some of it")
            finally:
                os.close(handle)
            self._note(here, span)
        self._names[path] = here
        return here, span.length if new else 0

    def _note(self, here: str, span: Span) -> None:
        held = self._ranges.setdefault(here, [])
        if held and held[-1].stop == span.start:  # as a rule
            held[-1] = Span(held[-1].start, held[-1].length + span.length)
        else:
            held.append(span)


def _immutable(path: str) -> bool:
    """A name that our own ingest gives, to a file that nobody writes to again."""
    name = posixpath.basename(path)
    return bool(SEGMENT_NAME.fullmatch(name) or INIT_NAME.fullmatch(name))


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
