"""Exports that were made, beside their recording, and the work that makes one.

    FEED/NAME/.exports/NAME.mp4         all of it; hidden from the feed, for it is no segment
    FEED/NAME/.exports/NAME_75-90.mp4   a part of it
    FEED/NAME/.exports/….json           what is in it, and of which playlists it was made

They are gone with the recording's folder, and count with what is in there.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from seeder.events import Events
from seeder.ingest.storage import write_atomically
from seeder.recording import about
from seeder.recording.about import EXPORTS, Recording, State
from seeder.recording.disk import AMPLE, RESERVE, SHARE
from seeder.recording.export import Export, Made
from seeder.recording.export_formats import FORMATS, ExportError
from seeder.recording.export_source import Source, Wanted, files_of, read
from seeder.tasks import Job, Tasks

KIND = "export"
"""Of task."""
LARGEST = 64 * 1024
"""Bytes of a file that says what is in an export."""

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.(?:mp4|webm)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """An export that is there."""

    file: str
    format: str
    start: float
    """Seconds from the recording's start, likewise ``stop``."""
    stop: float
    bytes: int
    whole: bool
    """Of all of it, the best variant: what everybody asks for."""
    note: str
    digest: str
    made: float
    """Unix seconds."""


def file_name(name: str, wanted: Wanted) -> str:
    part = ""
    if wanted.variant:
        part += "_" + re.sub(r"[^A-Za-z0-9.-]+", "-", wanted.variant.removesuffix("/index.m3u8"))[:60]
    if not wanted.whole:
        part += f"_{_seconds(wanted.start or 0)}-" + ("end" if wanted.stop is None else _seconds(wanted.stop))
    return f"{name}{part}.{wanted.format}"


def _seconds(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def recording_of(feed: Path, name: str) -> Recording:
    """:class:`ExportError`: there is none. Blocking."""
    found = about.load(feed / name) if _NAME.fullmatch(name) else None
    if found is None:
        raise ExportError("there is no such recording", 404)
    return found


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


def load(folder: Path, file: str) -> Kept | None:
    """The export ``file`` in the recording's ``folder``; ``None``: there is none. Blocking."""
    if not _FILE.fullmatch(file):
        return None
    path = folder / EXPORTS / file
    try:
        with path.with_name(f"{file}.json").open("rb") as handle:
            found = orjson.loads(handle.read(LARGEST))
        kept = Kept(
            file,
            str(found["format"]),
            float(found["start"]),
            float(found["stop"]),
            int(found["bytes"]),
            bool(found["whole"]),
            str(found["note"]),
            str(found["digest"]),
            float(found["made"]),
        )
        # Cut off, or half written before a power failure: it is made anew.
        return kept if path.stat().st_size == kept.bytes and kept.format in FORMATS else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def all_in(folder: Path) -> list[Kept]:
    """By name. Blocking."""
    try:
        names = sorted(os.listdir(folder / EXPORTS))
    except OSError:
        return []
    return [kept for name in names if (kept := load(folder, name)) is not None]


def remove(folder: Path, file: str) -> bool:
    """Whether it was there. Blocking; OSError."""
    if not _FILE.fullmatch(file) or not (folder / EXPORTS / file).exists():
        return False
    (folder / EXPORTS / f"{file}.json").unlink(missing_ok=True)
    (folder / EXPORTS / file).unlink(missing_ok=True)
    return True


def prepared(feed: Path, name: str, wanted: Wanted) -> tuple[Recording, Source]:
    """A recording that can be exported as ``wanted``, as far as its playlists tell; :class:`ExportError`.
    Blocking."""
    recording = recording_of(feed, name)
    if wanted.whole and recording.state in (State.RECORDING, State.FINISHING):
        raise ExportError("it is still being recorded: it can be downloaded once it is finished")
    return recording, read(feed / name, wanted)


def found(source: Source, name: str) -> Kept | None:
    """The export that ``source`` would become, where it is there. Blocking."""
    kept = load(source.folder, file_name(name, source.wanted))
    return kept if kept is not None and kept.digest == source.digest else None


Usage = Callable[[Path], tuple[int, int]]


def _usage(folder: Path) -> tuple[int, int]:
    usage = shutil.disk_usage(folder)
    return usage.total, usage.free


def check_room(source: Source, folder: Path | None = None, usage: Usage = _usage) -> None:
    """:class:`ExportError` where it does not fit on the disk of ``folder`` (else the recording's), whose
    bytes, and free ones, ``usage`` gives: what is live, and is recorded, comes first. Blocking."""
    sizes = files_of(source, source.runs)
    share = 1.0
    if not source.wanted.whole:
        stop = source.seconds if source.wanted.stop is None else source.wanted.stop
        share = min(1.0, (stop - (source.wanted.start or 0.0)) / max(source.seconds, 0.001))
    total, free = usage(folder or source.folder)
    need = sum(size for size, _ in sizes.values()) * share * 1.02
    spare = min(RESERVE, total / SHARE) * AMPLE
    if free - need < spare:
        raise ExportError(
            f"there is no room for it: of {_megabytes(free)} MB, {_megabytes(need)} are needed, and "
            f"{_megabytes(spare)} kept for what is live",
            507,
        )


def _megabytes(size: float) -> int:
    return math.ceil(size / (1 << 20))


def place(folder: Path, name: str, source: Source, file: Path, made: Made, now: float) -> Kept:
    """Move a finished ``file`` into the recording's folder; :class:`ExportError` where that is gone.
    Blocking."""
    kept = Kept(
        file_name(name, source.wanted),
        source.wanted.format,
        made.start,
        made.stop,
        made.bytes,
        source.wanted.whole and not source.wanted.variant,
        made.note,
        source.digest,
        now,
    )
    target = folder / EXPORTS / kept.file
    try:
        (folder / EXPORTS).mkdir(exist_ok=True)
        target.with_name(f"{kept.file}.json").unlink(missing_ok=True)
        file.replace(target)
        write_atomically(target.with_name(f"{kept.file}.json"), orjson.dumps(asdict(kept)))
    except FileNotFoundError:
        raise ExportError("the recording was deleted", 404) from None
    if not (folder / about.ABOUT).exists():  # deleted in this moment: leave nothing behind
        with contextlib.suppress(OSError):
            shutil.rmtree(folder / EXPORTS)
            folder.rmdir()
        raise ExportError("the recording was deleted", 404)
    return kept


def request_of(wanted: Wanted) -> dict[str, object]:
    """A task's."""
    return {"format": wanted.format, "from": wanted.start, "to": wanted.stop, "variant": wanted.variant}


def wanted_of(request: Mapping[str, Any]) -> Wanted:
    def seconds(name: str) -> float | None:
        value = request.get(name)
        # To the millisecond, as its file is called; and there is no -0.
        return None if value is None else round(float(value), 3) + 0.0

    return Wanted(str(request["format"]), seconds("from"), seconds("to"), str(request.get("variant", "")))


def result_of(name: str, kept: Kept) -> dict[str, object]:
    """A task's, and what everybody may know of it."""
    return {
        "recording": name,
        "file": kept.file,
        "url": f"/api/recordings/{quote(name)}/exports/{quote(kept.file)}",
        "format": kept.format,
        "from": kept.start,
        "to": kept.stop,
        "duration": round(kept.stop - kept.start, 3),
        "bytes": kept.bytes,
        "note": kept.note,
    }


class Exporter:
    """Does the tasks."""

    def __init__(
        self,
        feed: Path,
        ffmpeg: Callable[[], Awaitable[str]],
        *,
        public: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``ffmpeg``: finds it; ``public``: everybody may download; ``clock``: Unix seconds."""
        self._feed = feed
        self._ffmpeg = ffmpeg
        self._public = public
        self._clock = clock

    async def run(self, events: Events, tasks: Tasks) -> None:
        """Ends what is made of recordings that are deleted, until cancelled."""
        async with aclosing(events.read()) as news:
            async for event in news:
                if event.kind == "recording.gone":
                    await tasks.cancel_about(str(event.data["name"]))

    async def work(self, job: Job) -> Mapping[str, object]:
        """A :data:`~seeder.tasks.Work`."""
        name, wanted = job.task.about, wanted_of(job.task.request)
        recording, source = await asyncio.to_thread(prepared, self._feed, name, wanted)
        kept = await asyncio.to_thread(found, source, name)
        if kept is None:
            await asyncio.to_thread(check_room, source)
            ffmpeg = await self._ffmpeg()
            file, made = await Export(source, ffmpeg, job.folder, job.tell, recording.title).run()
            folder = self._feed / name
            kept = await asyncio.to_thread(place, folder, name, source, file, made, self._clock())
        result = result_of(name, kept)
        # Else who knows the task may have what it made, and nobody besides but the admin.
        return result if self._public else {**result, "url": f"{result['url']}?task={job.task.id}"}
