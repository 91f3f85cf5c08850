"""What is published now: the one mutable holder, written by the feed task, read by web and tracker.

All of it lives on the event loop's thread, except :meth:`Library.read`, which any thread may call.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from seeder.errors import FetchError
from seeder.feed.beneath import open_beneath, signature_of
from seeder.model import Copy, Resource, Span, StreamView, Torrent


class Relay(Protocol):
    """``feed.remote.relay.Relay`` is one."""

    def at_once(self, url: str, span: Span | None) -> Copy | None: ...

    async def get(self, url: str, span: Span | None) -> Copy: ...


MAX_ASKED = 4096
"""Infohashes whose last request is remembered; only the hundred or so most recent decide anything."""


class Library:
    """Streams by name, and the torrents of all of them by infohash.

    ``feed`` is the folder beneath which files are read; it need not exist yet.
    """

    def __init__(self, feed: Path, clock: Callable[[], float] = time.time) -> None:
        """``clock``: Unix seconds."""
        self.feed = feed.resolve()
        self._clock = clock
        self._streams: dict[str, StreamView] = {}
        self._owned: dict[str, frozenset[bytes]] = {}  # the infohashes each stream's view brought
        self._torrents: dict[bytes, Torrent] = {}
        self._owners: Counter[bytes] = Counter()  # one torrent may be in several streams
        self._rendezvous: set[bytes] = set()
        self._asked: OrderedDict[bytes, None] = OrderedDict()  # least recently asked first
        self._listeners: set[_Listener] = set()
        self._watchers: list[Callable[[str], None]] = []
        self._relays: dict[str, Relay] = {}

    # --- reading ---------------------------------------------------------------------------------

    def streams(self) -> tuple[StreamView, ...]:
        """Every published stream, by name."""
        return tuple(self._streams[name] for name in sorted(self._streams))

    def stream(self, name: str) -> StreamView | None:
        return self._streams.get(name)

    def resource(self, stream: str, path: str) -> Resource | None:
        """What ``/live/<stream>/<path>`` holds (``path`` percent-decoded); None: it does not exist.

        Playlists are in the stream's view, not here. Asking counts as interest in the torrent.
        """
        view = self._streams.get(stream)
        resource = view.resources.get(path) if view is not None else None
        if resource is not None and resource.torrent is not None:
            self._note(resource.torrent.infohash)
        return resource

    def torrent(self, infohash: bytes) -> Torrent | None:
        """The torrent of a published segment. Asking counts as interest in it."""
        torrent = self._torrents.get(infohash)
        if torrent is not None:
            self._note(infohash)
        return torrent

    def torrents(self) -> int:
        """How many torrents are published."""
        return len(self._torrents)

    def knows(self, infohash: bytes) -> bool:
        """A published segment's torrent, or the rendezvous of a published stream."""
        return infohash in self._torrents or infohash in self._rendezvous

    def asked(self) -> tuple[bytes, ...]:
        """Infohashes of segments that were asked for, the most recent first; bounded."""
        return tuple(reversed(self._asked))

    def read(self, resource: Resource) -> bytes | BinaryIO:
        """The bytes in memory, or an open file of exactly ``resource.size`` bytes; the caller closes it.

        Blocking, any thread. OSError when the file vanished or is no longer the one that was listed:
        what was hashed is what is served, or nothing.
        """
        if resource.data is not None:
            return resource.data
        if resource.file is None:
            raise FileNotFoundError(f"nothing holds {resource.path}")
        handle = open_beneath(self.feed, resource.file)
        try:
            signature = signature_of(os.fstat(handle.fileno()))
            # A file of many segments is only added to; each of them is hashed by itself.
            grown = bool(resource.parts) and signature.continues(resource.etag, resource.size)
            if signature.etag != resource.etag and not grown:
                raise FileNotFoundError(f"{resource.path} changed on disk")
        except BaseException:
            handle.close()
            raise
        return handle

    async def changes(self) -> AsyncGenerator[str, None]:
        """The name of each stream that changes from now on; coalesced while the reader is busy.

        Cancelling is safe; close the generator (``aclosing``) to let go of its place.
        """
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                await listener.event.wait()
                listener.event.clear()
                while listener.names:
                    yield listener.names.pop()
        finally:
            self._listeners.discard(listener)

    def fetched(self, stream: str, resource: Resource, span: Span | None) -> Copy | None:
        """What is in memory now of a resource that has its home elsewhere; ``span``: only that part of it."""
        relay = self._relays.get(stream)
        return None if relay is None else relay.at_once(resource.home, span)

    async def fetch(self, stream: str, resource: Resource, span: Span | None) -> Copy:
        """The same whatever it takes; FetchError. Cancelling is safe."""
        relay = self._relays.get(stream)
        if relay is None:
            raise FetchError("is not relayed any more", resource.home, 404)
        return await relay.get(resource.home, span)

    def watch(self, told: Callable[[str], None]) -> None:
        """``told`` is called with the name of each stream that changes or goes, in the middle of that: it
        only takes note. For who lives as long as we do."""
        self._watchers.append(told)

    # --- writing: the feed task only ---------------------------------------------------------------

    def publish(self, view: StreamView) -> frozenset[bytes]:
        """Put ``view`` in the place of the stream's last one; the infohashes nobody knows any more."""
        brought = {r.torrent.infohash: r.torrent for r in view.resources.values() if r.torrent is not None}
        brought |= {t.infohash: t for r in view.resources.values() for t in r.parts.values()}
        brought |= {infohash: segment.torrent for infohash, segment in view.elsewhere.items()}
        rendezvous = view.rendezvous  # first: should it fail, nothing of the view is here yet
        forgotten = self._replace(view.name, brought)
        self._streams[view.name] = replace(view, changed=self._changed(view))
        self._rendezvous.add(rendezvous)
        self._tell(view.name)
        return forgotten

    def _changed(self, view: StreamView) -> float:
        """Of a stream that was there before us its file's time counts, then our clock."""
        before = self._streams.get(view.name)
        if before is None:
            return min(view.changed, self._clock()) or self._clock()
        same = before.playlists.keys() == view.playlists.keys() and all(
            playlist.text == before.playlists[path].text for path, playlist in view.playlists.items()
        )
        return before.changed if same else self._clock()

    def withdraw(self, name: str) -> frozenset[bytes]:
        """Forget a stream; the infohashes only it had, its rendezvous among them."""
        view = self._streams.pop(name, None)
        if view is None:
            return frozenset()
        forgotten = self._replace(name, {})
        del self._owned[name]
        self._rendezvous.discard(view.rendezvous)
        self._tell(name)
        return forgotten | {view.rendezvous}

    def relay(self, name: str, relay: Relay | None) -> None:
        """Who fetches the stream's resources that have their home elsewhere; None: nobody does any more."""
        if relay is None:
            self._relays.pop(name, None)
        else:
            self._relays[name] = relay

    def _replace(self, name: str, brought: dict[bytes, Torrent]) -> frozenset[bytes]:
        forgotten = []
        before = self._owned.get(name, frozenset())
        after = frozenset(brought)
        for infohash in after - before:
            self._owners[infohash] += 1
            self._torrents[infohash] = brought[infohash]
        for infohash in before - after:
            self._owners[infohash] -= 1
            if not self._owners[infohash]:
                del self._owners[infohash], self._torrents[infohash]
                self._asked.pop(infohash, None)
                forgotten.append(infohash)
        self._owned[name] = after
        return frozenset(forgotten)

    def _tell(self, name: str) -> None:
        for listener in self._listeners:
            listener.names.add(name)
            listener.event.set()
        for told in self._watchers:
            told(name)

    def _note(self, infohash: bytes) -> None:
        self._asked[infohash] = None
        self._asked.move_to_end(infohash)
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)


class _Listener:
    """One reader of changes; its names are bounded by the number of streams."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.event = asyncio.Event()
