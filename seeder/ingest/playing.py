"""A list of inputs, played one after the other: several on the command line, or a file that lists them.

In one string an input is a line. A list is an M3U, an ffconcat script, or a text with a path or URL a line;
the first line that says ``file …`` makes it a script, of which only those lines are looked at.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from seeder.errors import IngestError
from seeder.ingest import sources
from seeder.ingest.probe import Audio, Probe, Video
from seeder.ingest.sources import Source, SourceKind

SUFFIXES = (".txt", ".ffconcat", ".m3u")
"""Of lists. A ``.m3u8`` is an HLS playlist, which ffmpeg plays."""
LARGEST = 4 << 20
"""Bytes of a list."""
MOST = 10_000
"""Inputs in all: a week of songs, a year of episodes."""
BLACK = "color=c=black:s=640x360:r=25"
_PLAYED = (SourceKind.FILE, SourceKind.URL)


@dataclass(slots=True)
class Playing:
    """Where in the list we are."""

    items: tuple[Source, ...]
    at: int = 0
    failed: int = 0
    """One after the other, up to now."""

    pictured: bool = False
    """A picture was played: what has none gets a black one from now on."""

    @property
    def source(self) -> Source:
        return self.items[self.at]

    @property
    def several(self) -> bool:
        return len(self.items) > 1

    @property
    def hopeless(self) -> bool:
        """Not one of them could be played."""
        return self.failed >= len(self.items)

    def completed(self, source: Source, probe: Probe) -> tuple[Source, Probe]:
        """A file with silence where it has no sound, black where it has no picture: players that began with
        both stall where one of them is missing."""
        self.pictured = self.pictured or probe.video is not None
        if source.kind is not SourceKind.FILE or probe.duration is None or not self.several:
            return source, probe
        path, seconds = _in_graph(sources.path_of(source)), f"{probe.duration:.3f}"
        if probe.audio is None and probe.video is not None:
            graph = f"movie={path}[out0];anullsrc=r=48000:cl=stereo,atrim=duration={seconds}[out1]"
            made = replace(
                probe, audio=Audio("silence", ""), video=replace(probe.video, codec="beside silence")
            )
        elif probe.video is None and self.pictured:
            graph = f"{BLACK},trim=duration={seconds}[out0];amovie={path}[out1]"
            made = replace(probe, video=Video("a black picture", "", "yuv420p", 640, 360, "25"))
        else:
            return source, probe
        return replace(source, target=graph, format="lavfi", called=source.name), made

    def next(self, loop: bool) -> bool:
        """Go on to the next one, which is the first one again where it loops; False: that was the last."""
        self.at = (self.at + 1) % len(self.items)
        return loop or self.at > 0


def opened(given: str | None, cwd: PurePosixPath) -> Playing:
    """What ``given`` stands for; lists are read here. Raises :class:`IngestError`."""
    lines = [given] if given is None else [line for line in given.split("\n") if line] or [given]
    found: list[Source] = []
    for line in lines:
        source = sources.classify(line, cwd)
        path = PurePosixPath(sources.path_of(source))
        if source.kind is SourceKind.FILE and path.suffix.lower() in SUFFIXES:
            found += _listed(path)
        else:
            found.append(source)
    if len(found) > MOST:
        raise IngestError(f"at most {MOST} inputs can be played one after the other, not {len(found)}")
    if len(found) > 1 and (other := next((one for one in found if one.kind not in _PLAYED), None)):
        raise IngestError(f"{other.name} does not end, so it cannot be one of several inputs")
    return Playing(tuple(found))


def _in_graph(path: str) -> str:
    """As a filter's option in a graph: escaped for the filter, then for the graph."""
    return re.sub(r"([\\'\[\],;])", r"\\\1", re.sub(r"([\\':])", r"\\\1", path))


def _listed(path: PurePosixPath) -> list[Source]:
    try:
        with Path(path).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise IngestError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise IngestError(f"{path} is longer than {LARGEST >> 20} MiB: it is no list of inputs")
    names = parse(data.decode("utf-8-sig", errors="surrogateescape"))
    if not names:
        raise IngestError(f"{path} lists no input")
    return [sources.classify(name, path.parent) for name in names]


def parse(text: str) -> list[str]:
    """The inputs that a list names, in order; pure."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not any(re.match(r"ffconcat\s|file\s", line) for line in lines[:1]):
        return lines
    return [_unquoted(line[5:].strip()) for line in lines if re.match(r"file\s", line)]


def _unquoted(word: str) -> str:
    """As ffmpeg quotes, which is a shell's way with single quotes and backslashes."""
    try:
        lexer = shlex.shlex(word, posix=True)
        lexer.whitespace_split, lexer.commenters, lexer.quotes = True, "", "'"
        return next(iter(lexer), "")
    except ValueError:
        return word
