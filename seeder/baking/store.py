"""Files of the folder: read with a bound, replaced whole or not at all, never through a symlink."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from seeder.errors import FeedError
from seeder.feed.beneath import Signature, open_beneath, resolve, signature_of

if os.name == "posix":
    import fcntl

MAX_PLAYLIST = 256 << 20
"""Bytes of a baked playlist. What its writer wrote has 8 MiB at most; a day of 2 s segments with magnets is
40 MiB."""

_NEW = ".live-torrent-new"
"""End of the file beside the one it will replace; hidden, so that nothing takes it for a segment."""


class Folder:
    """One folder, resolved. FeedError, one line that says what to do, for what the disk refuses."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._places: dict[str, Path | None] = {}  # of folders: as many as there are

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else bakes here meanwhile."""
        if os.name != "posix":
            yield
            return
        handle = os.open(self.root, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FeedError(f"another bake is at work in {self.root}: wait for it") from None
            except OSError:
                pass  # a network file system without locks: then it is the operator's care
            yield
        finally:
            os.close(handle)

    def place(self, path: str) -> Path | None:
        """The regular file at ``path``, symlinks resolved; None where there is none beneath the folder."""
        folder, _, name = path.rpartition("/")
        if folder not in self._places:
            self._places[folder] = self._folder(folder)
        inside = self._places[folder]
        if inside is None:
            return None
        place = inside / name
        try:
            # Half a million segments: the long way, component by component, is for symlinks alone.
            mode = place.lstat().st_mode
        except (OSError, ValueError):
            return None
        return place if stat.S_ISREG(mode) else resolve(self.root, path)

    def _folder(self, path: str) -> Path | None:
        try:
            place = (self.root / path).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return None
        return place if place.is_relative_to(self.root) else None

    def relative(self, place: Path) -> str:
        return place.relative_to(self.root).as_posix()

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

    def signature(self, path: str) -> Signature | None:
        place = self.place(path)
        try:
            return signature_of(place.stat()) if place is not None else None
        except OSError:
            return None

    def read(self, path: str) -> bytes | None:
        """All of a playlist or a file of ours; None: it is not there, or is no such thing. OSError."""
        place = self.place(path)
        if place is None:
            return None
        with open_beneath(self.root, place) as handle:
            if os.fstat(handle.fileno()).st_size > MAX_PLAYLIST:
                return None
            return handle.read(MAX_PLAYLIST)

    def digest(self, path: str) -> str | None:
        """SHA-256 of a file that is there, in hex."""
        place = self.place(path)
        if place is None:
            return None
        try:
            with open_beneath(self.root, place) as handle:
                return hashlib.file_digest(handle, "sha256").hexdigest()  # type: ignore[arg-type]
        except OSError:
            return None

    def put(self, path: str, data: bytes) -> bool:
        """Have ``data`` at ``path``, whole; whether it was not there yet. Keeps who may read the file."""
        try:
            same = self.read(path) == data
            return self._put(path, None if same else [data])
        except OSError as error:
            raise FeedError(f"cannot write {self.root / path}: {error.strerror or error}") from None

    def put_lines(self, path: str, lines: Iterable[str]) -> None:
        """As :meth:`put`, line by line."""
        try:
            self._put(path, (line.encode() for line in lines))
        except OSError as error:
            raise FeedError(f"cannot write {self.root / path}: {error.strerror or error}") from None

    def _put(self, path: str, chunks: Iterable[bytes] | None) -> bool:
        """None: what is there stays, without what an interrupted bake may have left beside it."""
        target = self.root / path
        new = target.with_name(f".{target.name}{_NEW}")
        if chunks is None:
            new.unlink(missing_ok=True)
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.parent.resolve().is_relative_to(self.root):
            raise OSError("a symlink on the way leads out of the folder")
        new.unlink(missing_ok=True)
        try:
            # Exclusive: whatever somebody may have put there is not written through.
            with open(new, "xb") as handle:
                with contextlib.suppress(FileNotFoundError):
                    there = target.stat()
                    os.chmod(new, stat.S_IMODE(there.st_mode))
                    with contextlib.suppress(OSError):  # only root gives files away
                        os.chown(new, there.st_uid, there.st_gid)
                for chunk in chunks:
                    handle.write(chunk)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(new, target)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        return True

    def remove(self, path: str) -> None:
        """A file of ours, and the folders it leaves empty."""
        target = self.root / path
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise FeedError(f"cannot remove {target}: {error.strerror or error}") from None
        for folder in target.parents:
            if folder == self.root or not folder.is_relative_to(self.root):
                return
            try:
                folder.rmdir()
            except OSError:  # not empty
                return
