"""``recording.json``: what a recording is, beside its playlists; never served as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from seeder.hls.names import RECORDING
from seeder.ingest.storage import write_atomically

ABOUT = RECORDING
POSTER = "poster.jpg"
"""The poster's file beside it, where there is one; served by ``/api/streams/NAME/poster``."""
EXPORTS = ".exports"
"""The folder beside it of files that were made of it (``exports``); hidden from the feed."""
LARGEST = 64 * 1024
"""Bytes of the file: what is larger is not ours."""


class State(StrEnum):
    RECORDING = "recording"
    FINISHING = "finishing"
    READY = "ready"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording, as it is now."""

    name: str
    """Its folder in the feed, and its stream's name."""
    of: str
    """The stream that is, or was, recorded; empty for an upload."""
    state: State
    started: float
    """Unix seconds of its first picture."""
    title: str = ""
    """For people; empty: its name is shown."""
    ended: float | None = None
    """Unix seconds; ``None`` while it goes on."""
    duration: float = 0.0
    """Seconds of media."""
    bytes: int = 0
    """On disk, all variants together."""
    segments: int = 0
    """All variants together counted once."""
    lost: float = 0.0
    """Seconds that could not be written."""
    kept: bool = False
    """Retention leaves it alone."""


def load(folder: Path) -> Recording | None:
    """The recording in ``folder``; ``None`` when it holds none, or what cannot be read. Blocking."""
    try:
        with (folder / ABOUT).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        return None
    return parse(data, folder.name) if len(data) <= LARGEST else None


def parse(data: bytes, name: str) -> Recording | None:
    """Pure. ``name``: the folder's, which counts: a folder may have been renamed."""
    try:
        found = orjson.loads(data)
        return _made(found, name) if isinstance(found, dict) else None
    except (ValueError, TypeError, KeyError):
        return None


def _made(found: Mapping[str, Any], name: str) -> Recording:
    ended = found.get("ended")
    return Recording(
        name=name,
        of=str(found["of"]),
        state=State(found["state"]),
        started=float(found["started"]),
        title=str(found.get("title", "")),
        ended=None if ended is None else float(ended),
        duration=float(found.get("duration", 0.0)),
        bytes=int(found.get("bytes", 0)),
        segments=int(found.get("segments", 0)),
        lost=float(found.get("lost", 0.0)),
        kept=bool(found.get("kept", False)),
    )


def save(folder: Path, recording: Recording) -> None:
    """Whole, or not at all. Blocking; OSError."""
    write_atomically(folder / ABOUT, orjson.dumps(asdict(recording), option=orjson.OPT_INDENT_2) + b"\n")
