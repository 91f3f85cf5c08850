"""Playlists as they go out: annotated, tagged and gzipped once per change, then served from memory."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from seeder.hls.delta import shortened
from seeder.hls.manifest import annotate
from seeder.model import Addresses, PublishedPlaylist, StreamView

MAX_ENTRIES = 512
MAX_BYTES = 64 * 1024 * 1024
"""Bounds of the cache: one entry per playlist and address, and the address is a Host header, which anyone
may vary. 512 are 100 streams of a few variants under one name; 64 MiB hold the playlists of long VODs."""
OFF_LOOP = 128 * 1024
"""Characters above which rendering moves to a thread: some 5 ms of the event loop below it."""
GZIP_LEVEL = 5
"""INFO is hashes, which do not compress; higher levels take twice as long for 1 %."""


@dataclass(frozen=True, slots=True)
class Body:
    """One representation; ``etag`` is strong and differs per encoding (RFC 9110 §8.8.3.3)."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Rendered:
    plain: Body
    gzipped: Body

    @property
    def size(self) -> int:
        return len(self.plain.data) + len(self.gzipped.data)


def representations(data: bytes) -> Rendered:
    """Both encodings of ``data``; pure."""
    digest = hashlib.sha256(data).hexdigest()[:24]
    packed = gzip.compress(data, GZIP_LEVEL, mtime=0)
    return Rendered(Body(data, f'"{digest}"'), Body(packed, f'"{digest}-gz"'))


def make(view: StreamView, playlist: PublishedPlaylist, addresses: Addresses, skip: str = "") -> Rendered:
    """The playlist with magnets, in both encodings; ``skip``: of a delta update, as asked for; pure."""
    left = shortened(playlist, skip)
    return representations(annotate(left, view.rendezvous, addresses, view.name).encode())


Key = tuple[str, str, Addresses, str]
"""(stream, path, addresses, skip)."""


class Renderer:
    """An LRU of rendered playlists; each holds only its newest version."""

    def __init__(self) -> None:
        self._cache: OrderedDict[Key, tuple[int, Rendered]] = OrderedDict()
        self._bytes = 0
        self._underway: dict[tuple[Key, int], asyncio.Future[Rendered]] = {}
        """Renderings in a thread: viewers who ask for the same one meanwhile await it."""
        self._one = asyncio.Semaphore(1)
        """Whoever varies the Host of a long playlist must not fill the threads that the feed works in."""

    def at_once(
        self, view: StreamView, playlist: PublishedPlaylist, addresses: Addresses, skip: str = ""
    ) -> Rendered | None:
        """``None`` for a long playlist that is not there yet: :meth:`render` it."""
        key = (view.name, playlist.path, addresses, skip)
        held = self._cache.get(key)
        if held is not None and held[0] == playlist.version:
            self._cache.move_to_end(key)
            return held[1]
        if len(playlist.text) >= OFF_LOOP:
            return None
        rendered = make(view, playlist, addresses, skip)
        self._keep(key, playlist.version, rendered)
        return rendered

    async def render(
        self, view: StreamView, playlist: PublishedPlaylist, addresses: Addresses, skip: str = ""
    ) -> Rendered:
        """Cancelling is safe: a rendering under way goes on for the others."""
        if (rendered := self.at_once(view, playlist, addresses, skip)) is not None:
            return rendered
        job = ((view.name, playlist.path, addresses, skip), playlist.version)
        future = self._underway.get(job)
        if future is None:
            future = self._underway[job] = asyncio.ensure_future(self._apart(view, playlist, addresses, skip))
            future.add_done_callback(lambda done: self._finished(job, done))
        return await asyncio.shield(future)

    async def _apart(
        self, view: StreamView, playlist: PublishedPlaylist, addresses: Addresses, skip: str
    ) -> Rendered:
        async with self._one:
            return await asyncio.to_thread(make, view, playlist, addresses, skip)

    def _finished(self, job: tuple[Key, int], done: asyncio.Future[Rendered]) -> None:
        del self._underway[job]
        if not done.cancelled() and done.exception() is None:
            self._keep(*job, done.result())

    def _keep(self, key: Key, version: int, rendered: Rendered) -> None:
        held = self._cache.pop(key, None)
        if held is not None:
            self._bytes -= held[1].size
            if held[0] > version:  # a slow thread must not replace what is newer
                version, rendered = held
        self._cache[key] = (version, rendered)
        self._bytes += rendered.size
        while len(self._cache) > MAX_ENTRIES or (self._bytes > MAX_BYTES and len(self._cache) > 1):
            _, (_, dropped) = self._cache.popitem(last=False)
            self._bytes -= dropped.size
