"""All recordings of the feed: known, changed, deleted. Whoever makes one writes its ``recording.json``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from seeder.events import Events
from seeder.recording.about import ABOUT, EXPORTS, POSTER, Recording, load, save
from seeder.recording.retention import Sizes

FRESH = 1.0
"""Seconds for which a look at all folders is good: pages ask every few seconds, each of their visitors."""
MOST = 20_000
"""Recordings that are looked at: more folders than a feed that is scanned every few seconds should have."""
TRASH = ".deleted-"
"""Begins the names of folders that are being deleted: a dotfile, gone from the feed at once."""
LONGEST_TITLE = 200
"""Characters."""

log = logging.getLogger(__name__)


class BusyError(Exception):
    """It is being recorded."""


@dataclass(frozen=True, slots=True)
class Known:
    """A recording, and what lies in its folder besides."""

    recording: Recording
    poster: bool
    seen: tuple[int, int]
    """Of ``recording.json``: time of change, inode."""


class Archive:
    """One run's; lives on the event loop's thread."""

    def __init__(self, feed: Path, events: Events) -> None:
        self.feed = feed
        self.running: Callable[[], Mapping[str, Recording]] = dict
        """Those under way, by name, as they are by now."""
        self.change_running: Callable[[str, dict[str, object]], None] = lambda name, changes: None
        """Changes one of those. Blocking; OSError."""
        self._events = events
        self._known: dict[str, Known] = {}
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    def recordings(self) -> tuple[Recording, ...]:
        """The newest first, as of the last :meth:`refresh`."""
        now = {name: known.recording for name, known in self._known.items()} | dict(self.running())
        return tuple(sorted(now.values(), key=lambda each: (each.started, each.name), reverse=True))

    def get(self, name: str) -> Recording | None:
        running = self.running().get(name)
        known = self._known.get(name)
        return running or (None if known is None else known.recording)

    def has_poster(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.poster

    def folder(self, name: str) -> Path:
        """Of one that :meth:`get` knows."""
        return self.feed / name

    async def refresh(self, *, now: bool = False) -> None:
        """Look at the folders, unless that was done a moment ago."""
        async with self._looking:
            clock = asyncio.get_running_loop().time
            if clock() - self._looked < FRESH and not now:
                return
            self._known = await asyncio.to_thread(_look, self.feed, self._known)
            self._looked = clock()

    async def describe(self, name: str, *, title: str | None = None, kept: bool | None = None) -> Recording:
        """Change what people say of it. KeyError: there is none; OSError."""
        changes: dict[str, object] = {}
        if title is not None:
            changes["title"] = title
        if kept is not None:
            changes["kept"] = kept
        recording = self.get(name)
        if recording is None:
            raise KeyError(name)
        if name in self.running():
            await asyncio.to_thread(self.change_running, name, changes)
        else:
            await asyncio.to_thread(_change, self.feed / name, changes)
        await self.refresh(now=True)
        return self.get(name) or recording

    async def delete(self, name: str) -> None:
        """Of it nothing stays. KeyError: there is none; BusyError; OSError."""
        recording = self.get(name)
        if recording is None:
            raise KeyError(name)
        if name in self.running():
            raise BusyError(name)
        await asyncio.to_thread(_delete, self.feed / name)
        self._known.pop(name, None)
        self._looked = float("-inf")
        log.info("the recording %s is deleted", name)
        self._events.emit("recording.gone", name=name, of=recording.of)

    async def sizes(self) -> list[tuple[Recording, Sizes]]:
        """All of them, with their bytes on disk."""
        await self.refresh(now=True)
        return await asyncio.to_thread(_sizes, self.feed, self.recordings())


def clear_exports(feed: Path, name: str) -> None:
    """Files that were made of a recording; whoever downloads one has it to its end. Blocking."""
    shutil.rmtree(feed / name / EXPORTS, ignore_errors=True)


def clear(feed: Path) -> None:
    """What an earlier run was deleting. Blocking."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(feed)):
            if entry.name.startswith(TRASH) and entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)


def _look(feed: Path, known: Mapping[str, Known]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    try:
        entries = [entry for entry in os.scandir(feed) if not entry.name.startswith(".")]
    except OSError:
        return {}
    for entry in entries[:MOST]:
        folder = Path(entry.path)
        try:
            if not entry.is_dir(follow_symlinks=False):
                continue
            status = (folder / ABOUT).stat()
        except OSError:
            continue
        seen = (status.st_mtime_ns, status.st_ino)
        before = known.get(entry.name)
        recording = before.recording if before is not None and before.seen == seen else load(folder)
        if recording is not None:
            found[entry.name] = Known(recording, (folder / POSTER).is_file(), seen)
    return found


def _change(folder: Path, changes: Mapping[str, object]) -> None:
    recording = load(folder)
    if recording is None:
        raise KeyError(folder.name)
    save(folder, replace(recording, **changes))  # type: ignore[arg-type]


def _delete(folder: Path) -> None:
    trash = folder.with_name(f"{TRASH}{secrets.token_hex(8)}")
    folder.rename(trash)  # gone for the feed, whole: nobody sees half of it
    shutil.rmtree(trash, ignore_errors=True)


def _sizes(feed: Path, recordings: tuple[Recording, ...]) -> list[tuple[Recording, Sizes]]:
    return [(each, Sizes(each.bytes, _exports(feed / each.name))) for each in recordings]


def _exports(folder: Path) -> int:
    with contextlib.suppress(OSError):
        return sum(e.stat().st_size for e in os.scandir(folder / EXPORTS) if e.is_file())
    return 0
