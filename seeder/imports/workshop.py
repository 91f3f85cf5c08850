"""Where a VOD is made: a hidden folder of the feed, gone when its maker is, whatever ends that.

The feed's file system, so that the finished VOD gets its name by a rename. The watcher looks at nothing
hidden.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from seeder.errors import IngestError
from seeder.ingest.config import NAME
from seeder.ingest.storage import locked

PREFIX = ".import-"


@contextlib.contextmanager
def workshop(feed: Path) -> Iterator[Path]:
    """An empty folder. What others left behind that were killed is cleared away first. Raises
    :class:`IngestError`."""
    for left in feed.glob(f"{PREFIX}*"):
        # Its maker holds a lock on it, which is gone with its process.
        with contextlib.suppress(IngestError, OSError), locked(left):
            shutil.rmtree(left, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=feed))
    except OSError as error:
        raise IngestError(f"{feed} cannot be written: {error.strerror or error}") from error
    try:
        with locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_name(feed: Path, name: str) -> None:
    """Raises :class:`IngestError` where no VOD can get that name."""
    if not NAME.fullmatch(name):
        raise IngestError(
            f"{name[:80]!r} is no name: letters, digits, '.', '_' and '-', at most 64, the first one a "
            "letter or digit"
        )
    taken = next((path for path in (feed / name, *feed.glob(f"{name}.m3u*")) if path.exists()), None)
    if taken is not None:
        raise IngestError(f"{name} is there already: choose another name, or delete it first")


def publish(feed: Path, made: Path, name: str) -> Path:
    """``made`` becomes the stream ``name``, all of it at once. Blocking; raises :class:`IngestError`."""
    check_name(feed, name)
    made.chmod(0o755)  # a temporary folder is its maker's alone; a web server may serve the feed
    try:
        return made.rename(feed / name)
    except OSError as error:
        raise IngestError(f"{feed / name} cannot be made: {error.strerror or error}") from error
