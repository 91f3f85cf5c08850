"""The private folder with our copies of live segments.

libtorrent seeds files only, while live writers delete, truncate and rewrite theirs: what is seeded is
a copy of exactly the bytes that were hashed. In memory (tmpfs) where there is one with room.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from seeder.errors import FeedError

PREFIX = "live-torrent-spool-"

ROOM = 256 << 20
"""Bytes that must be free for a folder to be chosen: a window of 100 segments of 2.5 MiB. Docker gives
/dev/shm only 64 MiB unless told otherwise."""


def candidates() -> tuple[Path, ...]:
    """Where a spool may go, the best first: shared memory, the user's runtime folder, temporary files."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    shared = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a private folder of an unguessable name there
    first = [shared, *([Path(runtime)] if runtime else [])]
    return (*first, Path(tempfile.gettempdir()))


def choose(folders: Iterable[Path], room: int = ROOM) -> Path:
    """The first that is writable and has ``room`` bytes free, else the one with the most; FeedError: none."""
    usable: list[tuple[int, Path]] = []
    for folder in folders:
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            free = shutil.disk_usage(folder).free
            if free >= room:
                return folder
            usable.append((free, folder))
    if not usable:
        raise FeedError("no folder for temporary files is writable: set TMPDIR to one that is")
    return max(usable)[1]


class Spool:
    """An async context manager around the folder; it is gone at the end, whatever happened in between."""

    def __init__(self, parent: Path | None = None, limit: int = 512 << 20) -> None:
        self._parent = parent
        self._limit = limit  # bytes: what the feed also holds in memory of live segments
        self._sizes: dict[bytes, int] = {}  # what is there now
        self._folder: Path | None = None
        self._lock = -1  # held while we live, so that a later start can tell leftovers from neighbours

    @property
    def folder(self) -> Path:
        assert self._folder is not None, "the spool is not open"
        return self._folder

    @property
    def used(self) -> int:
        """Bytes."""
        return sum(self._sizes.values())

    async def __aenter__(self) -> Spool:
        await asyncio.to_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._close)

    async def write(self, infohash: bytes, data: bytes) -> Path:
        """Store a segment and return its file; OSError when there is no room for it."""
        before = self._sizes.get(infohash, 0)
        if self.used - before + len(data) > self._limit:
            raise OSError(f"the spool is full ({self._limit >> 20} MiB)")
        self._sizes[infohash] = len(data)  # before the write: others must not count the same room
        try:
            return await asyncio.to_thread(self._write, infohash, data)
        except BaseException:
            self._sizes.pop(infohash, None)
            raise

    async def remove(self, infohash: bytes) -> None:
        """Delete a segment's file; only after libtorrent let go of it. Unknown ones are no error."""
        if self._sizes.pop(infohash, None) is not None:
            await asyncio.to_thread(self.path(infohash).unlink, missing_ok=True)

    def path(self, infohash: bytes) -> Path:
        """Named by the hash: file names of segments can be anything."""
        return self.folder / infohash.hex()

    def _open(self) -> None:
        parent = self._parent or choose(candidates())
        sweep(parent)
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
        self._lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        _try_lock(self._lock)

    def _write(self, infohash: bytes, data: bytes) -> Path:
        path = self.path(infohash)
        try:
            path.write_bytes(data)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._sizes.clear()


def sweep(parent: Path) -> None:
    """Remove spools whose process is gone (killed, power cut): they would hold memory for ever."""
    for folder in parent.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):  # another user's, or another sweep was quicker
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                gone = _try_lock(handle)
            finally:
                os.close(handle)
            if gone:
                shutil.rmtree(folder, ignore_errors=True)


def _try_lock(handle: int) -> bool:
    """An exclusive lock of the open file, without waiting; the kernel frees it with the process."""
    try:
        import fcntl
    except ImportError:  # Windows: leftovers stay
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
