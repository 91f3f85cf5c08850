"""Tasks on disk: a small file for each, and a folder for what it makes meanwhile. Everything here blocks.

FOLDER/lock         held by the server whose tasks these are
FOLDER/ID.json      a task; replaced as a whole, so a crash leaves the former one
FOLDER/ID/          its scratch folder, while it runs
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from seeder.tasks.task import State, Task

try:
    import fcntl
except ImportError:  # Windows has no flock; there two servers of one feed are the operator's mistake
    fcntl = None  # type: ignore[assignment]

ID = re.compile("[0-9a-f]{32}")
LARGEST = 64 * 1024
"""Bytes of a task's file: what is larger is not ours."""

log = logging.getLogger(__name__)


class Store:
    """One folder of tasks, open from :meth:`open` on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = -1

    def open(self) -> list[Task]:
        """All that it holds, the oldest first; scratch folders of an earlier run are removed. OSError: it
        cannot be used, or (BlockingIOError) another server uses it."""
        self.folder.parent.mkdir(exist_ok=True)  # in the feed, which is not ours to make
        self.folder.mkdir(exist_ok=True)
        self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Idempotent."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _read(self) -> list[Task]:
        found = []
        for entry in list(os.scandir(self.folder)):
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if ID.fullmatch(entry.name):
                    shutil.rmtree(path, ignore_errors=True)
            elif entry.name.endswith(".tmp"):
                with contextlib.suppress(OSError):
                    path.unlink()
            elif path.suffix == ".json" and ID.fullmatch(path.stem):
                task = _load(path)
                if task is None:
                    log.warning("%s is no task any more, and is left out", path)
                else:
                    found.append(task)
        return sorted(found, key=lambda task: (task.created, task.id))

    def save(self, task: Task) -> None:
        """Whole, or not at all. OSError."""
        path = self.folder / f"{task.id}.json"
        temporary = path.with_suffix(".tmp")
        try:
            # No fsync: after a power failure what is not whole is left out.
            temporary.write_bytes(orjson.dumps(asdict(task)))
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def forget(self, task: Task) -> None:
        (self.folder / f"{task.id}.json").unlink(missing_ok=True)

    def scratch(self, task: Task) -> Path:
        """An empty folder for it. OSError."""
        folder = self.folder / task.id
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def clear(self, task: Task) -> None:
        shutil.rmtree(self.folder / task.id, ignore_errors=True)


def _load(path: Path) -> Task | None:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        found = orjson.loads(data) if len(data) <= LARGEST else None
        return _made(found, path.stem) if isinstance(found, dict) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _made(found: Mapping[str, Any], name: str) -> Task:
    def seconds(key: str) -> float | None:
        value = found.get(key)
        return None if value is None else float(value)

    return Task(
        id=name,
        kind=str(found["kind"]),
        about=str(found["about"]),
        state=State(found["state"]),
        created=float(found["created"]),
        started=seconds("started"),
        ended=seconds("ended"),
        progress=seconds("progress"),
        detail=str(found.get("detail", "")),
        error=str(found.get("error", "")),
        request=dict(found.get("request", {})),
        result=dict(found.get("result", {})),
        begun=int(found.get("begun", 0)),
    )
