"""The state, kept in a file of the folder: a line is added for everything that becomes true."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from io import FileIO

from seeder.baking import state as records
from seeder.baking.listing import Extent
from seeder.baking.state import Baked, Hashed, Removed, State
from seeder.baking.store import Folder
from seeder.errors import FeedError

BATCH = 32
"""Segments written down together: some 20 MiB of hashing that a crash would cost."""

NAME = ".live-torrent.jsonl"


def load(folder: Folder) -> State | None:
    """None: nothing was baked here. FeedError: a file that is not ours, or of another version."""
    path = folder.root / NAME
    if path.is_symlink():
        raise FeedError(f"{path} is a symlink, and nothing is written through one; move it away")
    try:
        with path.open("rb") as handle:
            # The last line was cut short if the machine was: what it said is not done, or is done again.
            return records.read(line.decode() for line in handle if line.endswith(b"\n"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise FeedError(f"{path} is not of a bake that is known here ({error}); move it away") from None
    except OSError as error:
        raise FeedError(f"cannot read {path}: {error.strerror or error}") from None


class Journal:
    """Changes the state and says so in the file. A context manager; FeedError where the disk refuses."""

    def __init__(self, folder: Folder, state: State) -> None:
        self.state = state
        self._folder = folder
        self._handle: FileIO | None = None
        self._waiting: list[str] = []
        """Lines of segments, of which it is enough to know soon; at most BATCH."""

    def __enter__(self) -> Journal:
        path = self._folder.root / NAME
        try:
            # Without a buffer: what a line says must be known before it is done.
            self._handle = FileIO(path, "a+")
            size = self._handle.seek(0, os.SEEK_END)
            whole = _whole(self._handle.read, self._handle.seek, size)
            if whole < size:
                self._handle.truncate(whole)
        except OSError as error:
            raise FeedError(f"cannot write {path}: {error.strerror or error}") from None
        if not whole:
            self._add(records.head())
        return self

    def __exit__(self, *info: object) -> None:
        if self._handle is not None:
            try:
                self._flush()
            finally:
                self._handle.close()
                self._handle = None

    def stream(self, path: str, baked: Baked) -> None:
        if self.state.streams.get(path) != baked:
            self.state.streams[path] = baked
            self._add(records.stream_line(path, baked))

    def playlist(self, path: str, removed: Removed) -> None:
        if self.state.playlists.get(path) != removed:
            self.state.playlists[path] = removed
            self._add(records.playlist_line(path, removed))

    def file(self, path: str, sha256: tuple[str, ...]) -> None:
        if self.state.files.get(path) != sha256:
            self.state.files[path] = sha256
            self._add(records.file_line(path, sha256))

    def segment(self, extent: Extent, hashed: Hashed) -> None:
        self.state.hashed[extent] = hashed
        self._waiting.append(records.segment_line(extent, hashed))
        if len(self._waiting) >= BATCH:
            self._flush()

    def compact(self) -> None:
        """Write the state anew, without what is no longer in it; nothing may be added after that."""
        self.__exit__()
        if self.state.lines != 1 + len(self.state):
            self._folder.put_lines(NAME, records.lines(self.state))

    def _add(self, line: str) -> None:
        self._waiting.append(line)
        self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        assert self._handle is not None
        data = "".join(self._waiting).encode()
        self.state.lines += len(self._waiting)
        self._waiting = []
        try:
            if self._handle.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise FeedError(f"cannot write {self._folder.root / NAME}: {error.strerror or error}") from None


def _whole(read: Callable[[int], bytes], seek: Callable[[int], int], size: int) -> int:
    """Bytes up to the end of the last whole line."""
    at = size
    while at > 0:
        start = max(0, at - 65536)
        seek(start)
        newline = read(at - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        at = start
    return 0
