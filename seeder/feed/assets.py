"""Files that playlists reference: read, hashed, and known by what ``stat`` said when they were read."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from seeder.errors import MetainfoError
from seeder.feed.beneath import Signature, open_beneath, resolve, signature_of
from seeder.model import Kind, Span, Torrent
from seeder.torrent.hashing import Hasher
from seeder.torrent.metainfo import MAX_LENGTH, part_name

log = logging.getLogger(__name__)

WORKERS = 3
"""Loads at once. Two hash at a time; the third reads meanwhile."""

ATTEMPTS = 3
"""Times a file that changes while it is read is read again before the next event or scan decides."""


@dataclass(frozen=True, slots=True)
class Want:
    """A file that is listed."""

    path: str
    """Relative to the stream, as players ask for it."""
    file: str
    """Relative to the feed; differs from the path for a stream's folder and names not percent-encoded."""
    kind: Kind
    live: bool
    """Held in memory: its writer may delete, truncate or rewrite it. But not a file of many segments, which
    its writer only adds to."""
    torrent: bool
    """All of it is a segment."""
    spans: frozenset[Span] = frozenset()
    """Ranges of it that are segments."""

    @property
    def held(self) -> bool:
        """In memory."""
        return self.live and not self.spans


@dataclass(frozen=True, slots=True)
class Asset:
    """What was found."""

    want: Want
    place: Path
    """Resolved, beneath the feed."""
    signature: Signature
    """When its bytes were read."""
    data: bytes | None = None
    torrent: Torrent | None = None
    parts: Mapping[Span, Torrent] = field(default_factory=dict)
    """Of those ranges that were there."""
    loaded: bool = False
    """Read and hashed, as far as it can be; until then it is served from its place, without a torrent."""

    def torrent_of(self, span: Span | None) -> Torrent | None:
        """Of a range of it, or (None) of all of it."""
        return self.torrent if span is None else self.parts.get(span)


@dataclass(frozen=True, slots=True)
class Missing:
    """There was no such file, or it could not be read; ``seen`` tells when to look again."""

    want: Want
    seen: Signature | None


Done = Callable[[Asset | Missing], None]
Parts = Mapping[Span, Torrent]


class Loader:
    """Loads what is wanted, the most urgent first. ``run`` it in a task; jobs may come before."""

    def __init__(self, root: Path, hasher: Hasher) -> None:
        self._root = root
        self._hasher = hasher
        # Bounded by what is listed: a publisher has one job at a time for each of its files.
        self._jobs: asyncio.PriorityQueue[tuple[int, int, Want, Done, Parts]] = asyncio.PriorityQueue()
        self._serial = itertools.count()

    def submit(self, want: Want, done: Done, known: Parts | None = None) -> None:
        """``done`` is called on the loop with the result, unless the loader is stopped first. ``known``: what
        was hashed of a file that has grown since."""
        self._jobs.put_nowait((0 if want.live else 1, next(self._serial), want, done, known or {}))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(self._work(), name=f"loader-{number}")

    async def _work(self) -> None:
        while True:
            _, _, want, done, known = await self._jobs.get()
            done(await self.load(want, known))

    async def load(self, want: Want, known: Parts | None = None) -> Asset | Missing:
        """Read and hash one file; never raises for what a file can do."""
        for _ in range(ATTEMPTS):
            found = await self._once(want, known or {})
            if found is not None:
                return found
        return Missing(want, None)

    async def _once(self, want: Want, known: Parts) -> Asset | Missing | None:
        """None: it changed under us."""
        opened = await asyncio.to_thread(open_wanted, self._root, want.file)
        if opened is None:
            return Missing(want, None)
        handle, place, before = opened
        name = posixpath.basename(want.path)
        hashable = want.torrent and 0 < before.size <= MAX_LENGTH
        data: bytes | None = None
        torrent: Torrent | None = None
        parts: Parts = {}
        try:
            if want.held and before.size <= MAX_LENGTH:
                data = await asyncio.to_thread(handle.read)
                if len(data) != before.size:
                    return None
                if hashable:
                    torrent = await self._hasher.data(name, data)
            elif hashable:
                with os.fdopen(os.dup(handle.fileno()), "rb") as again:
                    torrent = await self._hasher.file(name, again)
            if want.spans:
                parts = await self._parts(name, handle, before.size, want.spans, known)
            after = signature_of(os.fstat(handle.fileno()))
            if after != before and not (
                want.live and want.spans and after.continues(before.etag, before.size)
            ):
                return None
        except (OSError, MetainfoError) as error:
            log.warning("cannot hash %s: %s", want.file, error)
            return Missing(want, before)
        finally:
            handle.close()
        return Asset(want, place, before, data, torrent, parts, loaded=True)

    async def _parts(
        self, name: str, handle: BinaryIO, size: int, spans: Iterable[Span], known: Parts
    ) -> dict[Span, Torrent]:
        """The torrents of the ranges that are there. ``known`` ones are not read again if the last of them is
        as it was: a file that grew with each segment would else be read over and over."""
        last = max(known, key=lambda span: span.start, default=None)
        there = present(spans, size)
        parts: dict[Span, Torrent] = {}
        if last is not None and last.stop <= size:
            again = await self._hasher.part(part_name(name, last), handle, last)
            if again.infohash == known[last].infohash:
                parts = {span: known[span] for span in there if span in known}
        for span in sorted(there, key=lambda span: span.start):
            if span not in parts:
                parts[span] = await self._hasher.part(part_name(name, span), handle, span)
        return parts


def present(spans: Iterable[Span], size: int) -> frozenset[Span]:
    """Those that a file of ``size`` bytes holds and a torrent can be made of."""
    return frozenset(span for span in spans if span.stop <= size and span.length <= MAX_LENGTH)


def locate(root: Path, wanted: Iterable[Want]) -> dict[str, Asset | Missing]:
    """Path → where each file lies now, nothing read yet. Blocking."""
    found: dict[str, Asset | Missing] = {}
    for want in wanted:
        place = resolve(root, want.file)
        try:
            found[want.path] = (
                Asset(want, place, signature_of(place.stat())) if place else Missing(want, None)
            )
        except OSError:
            found[want.path] = Missing(want, None)
    return found


def open_wanted(root: Path, file: str) -> tuple[BinaryIO, Path, Signature] | None:
    """An open file beneath the feed, where it really lies and its signature; None when there is none."""
    place = resolve(root, file)
    if place is None:
        return None
    try:
        handle = open_beneath(root, place)
    except OSError:
        return None
    return handle, place, signature_of(os.fstat(handle.fileno()))
