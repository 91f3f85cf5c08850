"""Files beneath a folder, and only those: where symlinks lead is checked, then no symlink is followed."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Signature:
    """Of a file's content as far as ``stat`` tells: equal means nobody wrote it in between."""

    size: int
    mtime_ns: int
    inode: int

    @property
    def etag(self) -> str:
        """A strong entity tag (RFC 9110 §8.8.3)."""
        return f'"{self.mtime_ns:x}-{self.size:x}-{self.inode:x}"'

    def continues(self, etag: str, size: int) -> bool:
        """It may be what had that tag at that size, with more behind: for files that are only added to."""
        return self.size >= size and etag.endswith(f'-{self.inode:x}"')


def signature_of(status: os.stat_result) -> Signature:
    return Signature(status.st_size, status.st_mtime_ns, status.st_ino)


def resolve(root: Path, relative: str) -> Path | None:
    """The regular file ``root/relative`` with every symlink resolved; None if that is not beneath ``root``.

    ``root`` is itself resolved. What this returns is only as true as the moment: open it with
    :func:`open_beneath`.
    """
    try:
        path = (root / relative).resolve(strict=True)
        if path.is_relative_to(root) and stat.S_ISREG(path.stat().st_mode):
            return path
    except (OSError, ValueError, RuntimeError):  # missing, unreadable, a NUL, a loop of symlinks
        pass
    return None


def open_beneath(root: Path, path: Path) -> BinaryIO:
    """Open a path from :func:`resolve` for reading; OSError when it vanished or a part became a symlink.

    Every component is opened from its parent with O_NOFOLLOW, so that a folder swapped for a symlink
    after the check leads nowhere.
    """
    parts = path.relative_to(root).parts
    if os.open not in os.supports_dir_fd:  # not Linux or macOS: the check is all there is
        return path.open("rb")
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # Without O_NONBLOCK a FIFO put in the file's place would hold the thread for ever.
        handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FileNotFoundError(f"not a regular file: {path.name}")
    return os.fdopen(handle, "rb")
