"""A folder of WebM chunks → what ffmpeg reads: an input for each stretch. Blocking: all are read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seeder.errors import IngestError
from seeder.imports.chunks import SUFFIXES, Chunk, Part, Recorder, Stretch, ordered, recorders, stretches
from seeder.imports.webm import Scan, has_head, scan
from seeder.ingest.sources import Source, SourceKind

MOST_CHUNKS = 50_000
"""Six days of ten seconds each."""
COPY = 1 << 20
"""Bytes at once."""


def gather(folder: Path, parts: Path, warn: Callable[[str], None]) -> tuple[tuple[Source, float], ...]:
    """Each stretch, and its seconds. Pieces that are no whole file are put together in ``parts``, which is
    made. Raises :class:`IngestError`."""
    found, said = recorders(ordered(_chunks(folder)))
    scans = [_scanned(recorder) for recorder in found]
    for recorder, one in zip(found, scans, strict=True):
        said += [f"{_blamed(recorder, *gap)} is damaged or cut short" for gap in one.gaps]
    for line in dict.fromkeys(said):
        warn(line)
    all_of_them = stretches(found, scans)
    if not all_of_them:
        raise IngestError(f"{folder.name}: none of its files holds WebM that can be read")
    try:
        parts.mkdir()
        made = [
            (_source(stretch, parts / f"{number:05d}", found, scans), stretch.seconds)
            for number, stretch in enumerate(all_of_them)
        ]
    except OSError as error:
        raise IngestError(f"{folder.name}: {error.strerror or error}") from error
    return tuple(made)


def _blamed(recorder: Recorder, start: int, end: int) -> str:
    """Where a block reaches from one chunk into the next, either may be to blame."""
    first, last = recorder.chunk(start), recorder.chunk(end)
    if recorder.chunk(max(start, end - 1)) is first:
        first = last
    return last.path.name if first is last else f"{first.path.name} or {last.path.name}"


def _chunks(folder: Path) -> list[Chunk]:
    out = []
    try:
        for path in folder.iterdir():
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
                status = path.stat()
                with path.open("rb") as file:
                    begins = has_head(file.read(4))
                out.append(Chunk(path.resolve(), status.st_size, status.st_mtime, begins))
    except OSError as error:
        raise IngestError(f"{folder} cannot be read: {error.strerror or error}") from error
    if not out:
        raise IngestError(f"{folder} holds no {', '.join(SUFFIXES)}: give a file, or a folder of WebM chunks")
    if len(out) > MOST_CHUNKS:
        raise IngestError(f"{folder} holds {len(out):,} chunks: at most {MOST_CHUNKS:,} can be put together")
    return out


def _scanned(recorder: Recorder) -> Scan:
    return scan(lambda at, count: _read(recorder, at, count), recorder.size, tuple(recorder.seams))


def _read(recorder: Recorder, at: int, count: int) -> bytes:
    out = b""
    for chunk in recorder.chunks:
        if at < chunk.size and count > 0:
            with chunk.path.open("rb") as file:
                file.seek(at)
                got = file.read(min(count, chunk.size - at))
            out, count, at = out + got, count - len(got), chunk.size
        at -= chunk.size
    return out


def _source(stretch: Stretch, place: Path, found: list[Recorder], scans: list[Scan]) -> Source:
    files = [
        (_whole(part, place.with_name(f"{place.name}-{number}.webm"), found, scans), part.seconds)
        for number, part in enumerate(stretch.parts)
    ]
    if len(files) == 1:
        return Source(SourceKind.FILE, f"file:{files[0][0]}")
    lines = ["ffconcat version 1.0"]
    for path, seconds in files:
        quoted = str(path).replace("'", r"'\''")
        # Its own duration is in no header: the next one begins when all of it has been shown.
        lines += [f"file '{quoted}'", f"duration {seconds:.6f}"]
    script = place.with_suffix(".ffconcat")
    script.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
    # As they are: converted to Annex B they would be put into MP4 with parameter sets among the pictures.
    return Source(SourceKind.FILE, f"file:{script}", "concat", ("-safe", "0", "-auto_convert", "0"))


def _whole(part: Part, place: Path, found: list[Recorder], scans: list[Scan]) -> Path:
    """A file that begins with a header and holds that piece."""
    recorder, piece = found[part.recorder], part.piece
    if len(recorder.chunks) == 1 and len(scans[part.recorder].pieces) == 1 and piece.start == 0:
        return recorder.chunks[0].path
    with place.open("wb") as file:
        if piece.start:
            file.write(scans[part.recorder].head)
        at = piece.start
        while data := _read(recorder, at, min(COPY, piece.end - at)):
            file.write(data)
            at += len(data)
    return place
