"""All posters: which are there, and who makes those that are not, one at a time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from seeder.errors import IngestError, LiveTorrentError
from seeder.events import Event, Events
from seeder.feed.beneath import open_beneath
from seeder.feed.library import Library
from seeder.ingest.binary import Binary, find
from seeder.ingest.storage import write_atomically
from seeder.model import StreamView
from seeder.posters.making import make
from seeder.recording.about import POSTER, State, load

RENEW = 30.0
"""Seconds that a live stream's poster is good for."""
OLD = 300.0
"""Seconds after which it is no picture of now any more: who asks then waits for the next one."""
AGAIN = 600.0
"""Seconds until something that has ended is looked at again after nothing came of it: a disk may be back."""
QUEUE = 64
"""Posters wanted at once: a page shows some twenty, each takes a tenth of a second."""
HELD = 32 << 20
"""Bytes of posters in memory: some six hundred. The one asked for longest ago goes first."""
EACH = 512
"""Bytes counted for a poster besides its own: one that is not there takes room, too."""
PATIENCE = 20.0
"""Seconds that somebody waits for one."""
LARGEST_FILE = 1 << 20
"""Bytes of ``poster.jpg``: somebody may have put a better one there."""

log = logging.getLogger(__name__)


class BusyError(LiveTorrentError):
    """Too many are wanted at once, or it takes too long: ask again in a while."""


@dataclass(frozen=True, slots=True)
class Poster:
    data: bytes
    """JPEG; empty: there is none."""
    etag: str
    live: bool
    """There will be another in :data:`RENEW` seconds."""


@dataclass(frozen=True, slots=True)
class _Held:
    poster: Poster
    made: float
    of: object
    """What it was made of."""


class Posters:
    """One run's. ``ffmpeg`` as in the settings. Needs :meth:`run`."""

    def __init__(
        self,
        library: Library,
        events: Events | None = None,
        ffmpeg: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._ffmpeg = ffmpeg
        self._binary: Binary | None = None
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._bytes = 0
        self._wanted: OrderedDict[str, asyncio.Future[Poster]] = OrderedDict()
        self._wake = asyncio.Event()
        self._ready: OrderedDict[str, None] = OrderedDict()  # recordings whose last playlist is about to come
        self.made = 0
        """How many times ffmpeg was asked for one."""
        if events is not None:
            events.watch(self._told)
            library.watch(self._changed)

    async def get(self, name: str) -> Poster | None:
        """The stream's, made if need be; ``None``: there is no such stream, or no picture of it. However many
        ask, it is made once. Raises :class:`BusyError`. Cancelling is safe."""
        view = self._library.stream(name)
        if view is None:
            return None
        if not view.live and (kept := await asyncio.to_thread(self._kept, name)) is not None:
            return kept
        held, now = self._held.get(name), self._clock()
        if held is not None:
            self._held.move_to_end(name)
            poster, age = held.poster, now - held.made
            if view.live and poster.live:
                if age >= RENEW and poster.data and age < OLD and len(self._wanted) < QUEUE:
                    self.want(name)  # for the next one who asks
                if age < RENEW or (poster.data and age < OLD):
                    return poster if poster.data else None
            elif held.of == _versions(view) and (poster.data or age < AGAIN):
                return poster if poster.data else None
        try:
            async with asyncio.timeout(PATIENCE):
                poster = await asyncio.shield(self.want(name))
        except TimeoutError:
            raise BusyError("the poster is not made yet") from None
        return poster if poster.data else None

    def want(self, name: str) -> asyncio.Future[Poster]:
        """It will be made; :class:`BusyError` where too many are."""
        found = self._wanted.get(name)
        if found is None:
            if len(self._wanted) >= QUEUE:
                raise BusyError("too many posters are being made")
            found = self._wanted[name] = asyncio.get_running_loop().create_future()
            # Nobody may be waiting for it any more.
            found.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._wake.set()
        return found

    async def run(self) -> None:
        """Make what is wanted, one after the other, until cancelled."""
        try:
            while True:
                self._wake.clear()
                while self._wanted:
                    name, waiting = next(iter(self._wanted.items()))
                    poster = await self._make(name)
                    del self._wanted[name]
                    if not waiting.done():
                        waiting.set_result(poster)
                await self._wake.wait()
        finally:
            for waiting in self._wanted.values():
                if not waiting.done():
                    waiting.set_exception(BusyError("posters are not made at the moment"))
            self._wanted.clear()

    async def _make(self, name: str) -> Poster:
        view = self._library.stream(name)
        if view is None:
            return Poster(b"", "", False)
        self.made += 1
        data = b""
        try:
            if self._binary is None:
                self._binary = await find(self._ffmpeg)
            data = await make(self._library, view, self._binary.path)
        except IngestError as error:
            log.debug("no poster of %s: %s", name, error)
        poster = Poster(data, etag(data), view.live)
        if data and not view.live and await asyncio.to_thread(self._keep, name, data):
            self._forget(name)
        else:
            self._hold(name, _Held(poster, self._clock(), _versions(view)))
        return poster

    # --- in memory -----------------------------------------------------------------------------------

    def _hold(self, name: str, held: _Held) -> None:
        self._forget(name)
        self._held[name] = held
        self._bytes += len(held.poster.data) + EACH
        while self._bytes > HELD:
            self._forget(next(iter(self._held)))

    def _forget(self, name: str) -> None:
        if (held := self._held.pop(name, None)) is not None:
            self._bytes -= len(held.poster.data) + EACH

    # --- in a recording's folder, any thread -----------------------------------------------------------

    def _kept(self, name: str) -> Poster | None:
        feed = self._library.feed
        try:
            with open_beneath(feed, feed / name / POSTER) as file:
                data = file.read(LARGEST_FILE + 1)
        except (OSError, ValueError):
            return None
        right = data.startswith(b"\xff\xd8\xff") and len(data) <= LARGEST_FILE
        return Poster(data, etag(data), False) if right else None

    def _keep(self, name: str, data: bytes) -> bool:
        """Only a recording's is written: other folders are not ours."""
        folder = self._library.feed / name
        recording = None if folder.is_symlink() else load(folder)
        if recording is None or recording.state not in (State.READY, State.INCOMPLETE):
            return False
        try:
            write_atomically(folder / POSTER, data)
        except OSError as error:
            log.warning("the poster of %s cannot be written: %s", name, error.strerror or error)
            return False
        return True

    # --- recordings that are ready ---------------------------------------------------------------------

    def _told(self, event: Event) -> None:
        if event.kind == "recording.ready":
            name = str(event.data.get("name", ""))
            self._ready[name] = None
            while len(self._ready) > QUEUE:
                self._ready.popitem(last=False)  # it gets its poster when somebody asks
            self._changed(name)

    def _changed(self, name: str) -> None:
        if name not in self._ready:
            return
        view = self._library.stream(name)
        if view is not None and not view.live and len(self._wanted) < QUEUE:
            del self._ready[name]
            self.want(name)


def etag(data: bytes) -> str:
    """A strong entity tag (RFC 9110 §8.8.3)."""
    return f'"{sha256(data).hexdigest()[:20]}"'


def _versions(view: StreamView) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((playlist.path, playlist.version) for playlist in view.playlists.values()))
