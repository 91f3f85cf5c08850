"""A recording as it is read for one export: its playlists, its files. Everything here blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from seeder.errors import PlaylistError
from seeder.feed.beneath import resolve
from seeder.hls.names import MASTER, literal_path, requested_path
from seeder.hls.playlist import MAX_TEXT, MediaPlaylist, MultivariantPlaylist, Playlist, decode, parse
from seeder.recording.export_formats import ExportError, Format, check, format_of, listed
from seeder.recording.export_plan import Choice, Run, choose, runs

GONE = "a segment of the recording is gone, or not a file of ours"


@dataclass(frozen=True, slots=True)
class Wanted:
    format: str
    start: float | None = None
    """Seconds from the recording's start, likewise ``stop``; both ``None``: all of it."""
    stop: float | None = None
    variant: str = ""
    """Empty: the best."""

    @property
    def whole(self) -> bool:
        return self.start is None and self.stop is None


@dataclass(frozen=True, slots=True)
class Source:
    """A recording, read for one export."""

    folder: Path
    """Resolved."""
    wanted: Wanted
    choice: Choice
    runs: tuple[Run, ...]
    digest: str
    """Of the playlists and what is wanted: the same, the same file comes of it."""

    @property
    def seconds(self) -> float:
        return self.runs[-1].stop

    @property
    def format(self) -> Format:
        return format_of(self.wanted.format)


def read(folder: Path, wanted: Wanted, playlist: str = MASTER) -> Source:
    """Whatever can be said without a look at its segments: :class:`ExportError`. Blocking; of a day's
    recording, for a second."""
    format_of(wanted.format)
    folder = folder.resolve()
    text, master = _playlist(folder, playlist)
    choice = Choice(playlist)
    texts = [text]
    if isinstance(master, MultivariantPlaylist):
        choice = choose(master, playlist, wanted.variant)
        check(format_of(wanted.format), listed(choice.codecs))
    elif wanted.variant:
        raise ExportError("the recording has no such variant", 404)
    found: list[MediaPlaylist] = []
    for path in (choice.main, *(() if choice.sound is None else (choice.sound,))):
        text, media = _playlist(folder, path)
        if not isinstance(media, MediaPlaylist):
            raise ExportError("the recording's playlists cannot be read")
        texts.append(text)
        found.append(media)
    asked = (wanted.format, repr(wanted.start), repr(wanted.stop), wanted.variant)
    digest = sha256("\0".join(("1", *asked, *texts)).encode()).hexdigest()
    source = Source(folder, wanted, choice, runs(*found), digest)
    start, stop = wanted.start or 0.0, source.seconds if wanted.stop is None else wanted.stop
    if start >= source.seconds:
        raise ExportError(f"the recording has {source.seconds:.1f} s, and none from {start:.1f} s on", 400)
    if not 0 <= start < stop:
        raise ExportError("from must be before to", 400)
    return source


def _playlist(folder: Path, path: str) -> tuple[str, Playlist]:
    file = resolve(folder, path)
    if file is None:
        raise ExportError("there is no such recording, or nothing in it", 404)
    try:
        with file.open("rb") as handle:
            text = decode(handle.read(MAX_TEXT))
        return text, parse(text)
    except (OSError, PlaylistError):
        raise ExportError("the recording's playlists cannot be read") from None


def file_of(source: Source, playlist: str, uri: str) -> tuple[str, Path]:
    """Where the playlist at that path lists it, relative to the recording, and the file, beneath it;
    :class:`ExportError`. Who writes no percent-encoding means the name as it stands."""
    for path in dict.fromkeys((requested_path(playlist, uri), literal_path(playlist, uri))):
        if path is not None and (file := resolve(source.folder, path)) is not None:
            return path, file
    raise ExportError(GONE)


def files_of(source: Source, chosen: Sequence[Run]) -> dict[str, tuple[int, int]]:
    """File → size and inode of all that these runs need; :class:`ExportError`."""
    asked: set[tuple[str, str]] = set()
    for run in chosen:
        for playlist, segments in ((source.choice.main, run.main), (source.choice.sound or "", run.sound)):
            asked.update((playlist, segment.uri) for segment in segments)
            asked.update((playlist, segment.map_uri) for segment in segments if segment.map_uri)
    found: dict[str, tuple[int, int]] = {}
    for playlist, uri in asked:
        _, file = file_of(source, playlist, uri)
        try:
            status = file.stat()
        except OSError:
            raise ExportError(GONE) from None
        found[str(file)] = (status.st_size, status.st_ino)
    return found
