"""The kernel's word on the feed (inotify and its cousins, by watchdog), brought to the event loop.

Events may be lost (queue overflow, network file systems, no watches left): they only make things
quick, the scans make them right.
"""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from pathlib import Path
from types import TracebackType

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from seeder.hls.names import hidden

log = logging.getLogger(__name__)

# watchdog meets a new folder twice, by its event and by walking its parent, and tells so in 1,600 characters;
# the second time replaces the first, and nothing is lost.
warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning, r"watchdog\.")

MAX_PENDING = 10_000
"""Paths waiting to be looked at. Beyond that (a copied library) one scan is cheaper than the events."""

JOIN_SECONDS = 5.0
"""To wait for watchdog's threads at the end; they are daemons and cannot hold the process."""


class Watch:
    """An async context manager: while it is open, changed paths gather in it.

    Paths are relative to the feed, with ``/``. Where watching is impossible it says so once and stays
    silent: ``active`` is False and scans have to be more frequent.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.active = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._changed: set[str] = set()
        self._closed: set[str] = set()
        self._overflow = False
        self._observer = Observer()

    async def __aenter__(self) -> Watch:
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._start)
        except OSError as error:
            # ENOSPC: fs.inotify.max_user_watches, one for each folder.
            log.warning(
                "cannot watch %s for changes (%s): looking every second instead", self.root, error.strerror
            )
        else:
            self.active = True
        return self

    def _start(self) -> None:
        self._observer.schedule(
            _Handler(self),
            str(self.root),
            recursive=True,
            event_filter=[
                DirCreatedEvent,
                DirDeletedEvent,
                DirMovedEvent,
                FileCreatedEvent,
                FileModifiedEvent,
                FileClosedEvent,
                FileMovedEvent,
                FileDeletedEvent,
            ],
        )
        self._observer.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop = None
        if self.active:
            self.active = False
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._observer.stop()
        self._observer.join(JOIN_SECONDS)

    async def wait(self, seconds: float) -> None:
        """Return when something changed, at the latest after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass

    def take(self) -> tuple[set[str], set[str], bool]:
        """(paths changed, those of them closed by their writer or renamed into place, a scan is needed)."""
        taken = (self._changed, self._closed, self._overflow)
        self._changed, self._closed, self._overflow = set(), set(), False
        self._event.clear()
        return taken

    # --- watchdog's thread -------------------------------------------------------------------------

    def post(self, path: str, closed: bool) -> None:
        """A changed path; empty: scan."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._note, path, closed)
        except RuntimeError:  # the loop closed between the two lines
            return

    # --- the loop's thread -------------------------------------------------------------------------

    def _note(self, path: str, closed: bool) -> None:
        if not path or len(self._changed) >= MAX_PENDING:
            self._overflow = True
        else:
            self._changed.add(path)
            if closed:
                self._closed.add(path)
        self._event.set()


class _Handler(FileSystemEventHandler):
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._prefix = os.path.join(str(watch.root), "")

    def on_any_event(self, event: FileSystemEvent) -> None:
        moved = isinstance(event, FileMovedEvent | DirMovedEvent)
        paths = [
            self._path(raw) for raw in ((event.src_path, event.dest_path) if moved else (event.src_path,))
        ]
        # Nobody looks at what is hidden, and a task that makes a large file there writes thousands of times.
        if all(path is None or hidden(path) for path in paths):
            return
        if event.is_directory:
            # What is inside may come without events of its own (moved in, or there before the watch).
            self._watch.post("", closed=False)
            return
        for number, path in enumerate(paths):
            if path is not None:
                self._watch.post(path, closed=number == 1 or isinstance(event, FileClosedEvent))

    def _path(self, raw: bytes | str) -> str | None:
        """Relative to the feed; ``None``: not beneath it."""
        path = os.fsdecode(raw)
        if path + os.sep == self._prefix:
            return ""
        return path[len(self._prefix) :].replace(os.sep, "/") if path.startswith(self._prefix) else None
