"""The file that holds the keys: private, written as a whole, changed by one process at a time.

The command, the API and a running server (``last used``) all change it; each reads it anew under the lock.
A file that cannot be understood is never written over.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from seeder import machine
from seeder.errors import ConfigError
from seeder.publish import keys as records
from seeder.publish.keys import Keys

try:
    import fcntl
except ImportError:  # Windows has no flock; there two who change keys at once are the operator's mistake
    fcntl = None  # type: ignore[assignment]

NAME = "keys.json"
MAX_SIZE = 1 << 20
"""Bytes: a thousand keys take a quarter of that."""

Stamp = tuple[int, ...] | None
"""Changes whenever the file does, or who may read it; None: there is none."""
T = TypeVar("T")


def place(given: Path | None) -> Path:
    """Where the keys are: ``--keys``, else the user's state folder. Raises :class:`ConfigError`."""
    if given is not None:
        return given
    folder = machine.state_folder()
    if folder is None:
        raise ConfigError("there is no place for keys, for this user has no home: name a file with --keys")
    return folder / NAME


class KeyFileError(ConfigError):
    """It cannot be read or written, or is damaged."""


class KeyFile:
    """Blocking; OSErrors come as :class:`KeyFileError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> Stamp:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino

    def read(self) -> Keys:
        """No keys where there is no file. KeyFileError: it cannot be read, or is damaged."""
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_SIZE + 1)
        except FileNotFoundError:
            return Keys()
        except OSError as error:
            raise KeyFileError(f"cannot read the keys in {self.path}: {error.strerror or error}") from None
        try:
            if len(data) > MAX_SIZE:
                raise ValueError("it is too long")
            return records.parse(data.decode())
        except ValueError as error:  # UnicodeDecodeError is one
            why = "it is not text" if isinstance(error, UnicodeDecodeError) else error
            raise KeyFileError(
                f"the file of keys {self.path} is damaged: {why}. Nothing was changed; restore it, or move "
                "it away and make new keys"
            ) from None

    def change(self, how: Callable[[Keys], tuple[Keys, T]]) -> T:
        """Replace the keys by what ``how`` makes of them, and give what it gives besides."""
        with self._locked():
            keys, result = how(self.read())
            self._write(records.dump(keys).encode())
            return result

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Of a file beside it: the file itself is replaced."""
        if fcntl is None:
            yield
            return
        path = self.path.with_name(f"{self.path.name}.lock")
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            with suppress(OSError):  # a network file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)  # nobody holds it for longer than a write
            yield
        finally:
            os.close(handle)

    def _write(self, data: bytes) -> None:
        """With fsync: a key that was shown is good after a power failure, a revoked one is not."""
        target = Path(os.path.realpath(self.path))  # where --keys is a link, the file behind it is replaced
        temporary = target.with_name(f".{target.name}.tmp")
        try:
            with suppress(FileNotFoundError):
                temporary.unlink()
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> KeyFileError:
        return KeyFileError(f"cannot write the keys to {self.path}: {error.strerror or error}")
