"""One recording under way: its folder, its journal, its playlists. Blocking; one thread at a time.

A segment's files come first, then its line in the journal, then the playlists: whatever the process is killed
between, what is listed can be played. The journal is the truth; playlists are written from it, whole, and the
less often the longer they are.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from seeder.hls.attributes import parse_attributes
from seeder.hls.names import MASTER, requested_path
from seeder.hls.playlist import MediaPlaylist
from seeder.ingest.storage import write_atomically
from seeder.model import Resource, Span
from seeder.recording import words
from seeder.recording.about import EXPORTS, POSTER, Recording, State, load, save
from seeder.recording.files import Files, GoneError, Read
from seeder.recording.journal import JOURNAL, Entry, Journal
from seeder.recording.marks import Listed, Mark
from seeder.recording.words import Head, Needs

MOST_SEGMENTS = 21_600
"""Of one playlist; then another recording begins behind this one. Half a day at 2 s: who opens it loads 15 MB
of playlist with magnets before the first picture, and more would be all that he does."""
MOST_TEXT = 4 << 20
"""Characters of one playlist, whatever its writer calls its segments: twice that is none to readers."""
COST = 100e-6
"""Seconds of a core that a listed segment costs each time its playlist is written: by us 2 µs, by the feed
that reads it and looks it up the rest."""
SHARE = 20
"""Writing playlists takes one part in twenty of the time, however long they are."""
ABOUT_SECONDS = 10.0
"""Between two writings of what only pages of recordings show: how long it is by now."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Track:
    """One playlist of it."""

    head: Head
    body: list[str] = field(default_factory=list)
    """The lines of each segment."""
    text: int = 0
    """Their characters."""
    duration: float = 0.0
    needs: Needs = field(default_factory=Needs)
    """As last said."""
    broken: bool = False
    """Something is missing before its next segment."""
    ends: float | None = None
    """Unix seconds at which its last segment ends, where that is known."""
    lost: float = 0.0
    """Seconds missing in it, since it was begun or taken up."""
    marks: list[Mark] = field(default_factory=list)
    """Of its segments, when it was taken up again."""


class Take:
    """Made by :func:`begin` or :func:`resume`. ``clock``: Unix seconds."""

    def __init__(self, files: Files, about: Recording, clock: Callable[[], float]) -> None:
        self.about = about
        self.files = files
        self.folder = files.folder
        self.tracks: dict[str, Track] = {}
        self._journal = Journal(self.folder)
        self._clock = clock
        self._master = ""
        self._lost = about.lost  # before it was taken up
        self._saved = about
        self._dirty: set[str] = set()
        self._due = self._about_due = 0.0

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def full(self) -> bool:
        """The next segment belongs into another recording."""
        return any(len(t.body) >= MOST_SEGMENTS or t.text >= MOST_TEXT for t in self.tracks.values())

    # --- segments ------------------------------------------------------------------------------------

    def add(
        self,
        path: str,
        playlist: MediaPlaylist,
        listed: Listed,
        needs: Needs,
        date: float | None,
        resources: Mapping[str, Resource],
    ) -> None:
        """Keep a segment of the playlist at ``path``: all of it, or nothing. ``date``: Unix seconds at which
        it begins, where known; ``resources``: the live stream's. OSError, GoneError."""
        segment, resource = listed.segment, listed.resource
        assert listed.path is not None
        assert resource is not None
        self.files.check()
        track = self.tracks.get(path)
        first = track is None
        head = words.head_of(playlist) if track is None else track.head.joined(words.head_of(playlist))
        track = track or Track(head)
        taken: list[tuple[str, str]] = []
        try:
            said, asides, size = self._said(path, track, playlist, listed, needs, resources, taken)
            if segment.span is None:
                file, more = self.files.whole(listed.path, resource)
            else:
                torrent = resource.parts.get(segment.span)
                file, more = self.files.part(listed.path, resource, segment.span, torrent)
            if more:
                taken.append((listed.path, file))
            broken = not first and (track.broken or segment.discontinuity)
            entry = Entry(
                playlist=path,
                text=words.entry(
                    playlist,
                    segment,
                    words.relative(path, file),
                    said,
                    broken=broken,
                    date=date if first or broken else None,
                ),
                duration=segment.duration,
                mark=listed.mark,
                file=file,
                asides=asides,
                bytes=size + more,
                needs=needs,
                head=head,
                ends=None if date is None else date + segment.duration,
            )
            self._journal.add(entry)
        except FileNotFoundError:
            self.files.check()
            raise
        except OSError:
            for there, here in taken:
                with contextlib.suppress(OSError):
                    self.files.drop(there, here)
            raise
        self.tracks[path] = track
        self._count(track, entry)
        self._dirty.add(path)

    def _said(
        self,
        path: str,
        track: Track,
        playlist: MediaPlaylist,
        listed: Listed,
        needs: Needs,
        resources: Mapping[str, Resource],
        taken: list[tuple[str, str]],
    ) -> tuple[list[str], tuple[tuple[str, str, Span | None], ...], int]:
        """What has to be said before the segment, with what it names kept."""
        segment = listed.segment
        # Another run of the writer may have given the same names to others.
        anew = track.broken or segment.discontinuity
        if needs == track.needs and not anew:
            return [], (), 0
        out: list[str] = []
        asides: list[tuple[str, str, Span | None]] = []
        size = 0

        def kept(uri: str, span: Span | None) -> str:
            nonlocal size
            asked = requested_path(path, uri)
            resource = None if asked is None else resources.get(asked)
            if asked is None:
                return uri  # of a server of keys
            if resource is None:
                raise OSError(errno.ENOENT, f"{asked} is listed, but not there")
            if span is None:
                here, more = self.files.whole(asked, resource)
            else:
                here, more = self.files.part(asked, resource, span, None)
            if more:
                taken.append((asked, here))
            asides.append((asked, here, span))
            size += more
            return words.relative(path, here)

        def say(keys: tuple[str, ...]) -> None:
            for line in keys:
                uri = parse_attributes(line[11:]).get("URI", "")
                out.append(words.moved(line, uri, kept(uri, None)) if uri else line)
            if not keys:
                out.append("#EXT-X-KEY:METHOD=NONE")

        # In force by the lines so far; ``None``: to be said again, whatever it was.
        before, now = track.needs, None if anew and track.needs.keys else track.needs.keys
        same = (needs.map_line, needs.map_keys) == (before.map_line, before.map_keys)
        if segment.map_uri is not None and (anew or not same):
            if needs.map_keys != now:
                say(needs.map_keys)
                now = needs.map_keys
            out.append(words.map_of(kept(segment.map_uri, segment.map_span), segment.map_span))
        if needs.keys != now:
            say(needs.keys)
        return out, tuple(asides), size

    def _count(self, track: Track, entry: Entry) -> None:
        track.head, track.needs, track.broken, track.ends = entry.head, entry.needs, False, entry.ends
        track.body.append(entry.text)
        track.text += len(entry.text)
        track.duration += entry.duration
        self.about = replace(
            self.about,
            duration=max(t.duration for t in self.tracks.values()),
            bytes=self.about.bytes + entry.bytes,
            segments=max(len(t.body) for t in self.tracks.values()),
        )

    def broken(self, path: str) -> None:
        """Something is missing in a playlist: viewers are told of the hole, in all of them."""
        if not self.tracks[path].broken:  # else by the same hole in another one
            for each in self.tracks.values():
                each.broken = True

    def missed(self, path: str, seconds: float) -> None:
        """So much of a playlist could not be kept."""
        self.tracks[path].lost += max(0.0, seconds)
        self.about = replace(self.about, lost=max(self._lost + t.lost for t in self.tracks.values()))

    def described(self, **changes: object) -> None:
        """Title, kept."""
        self.about = replace(self.about, **changes)  # type: ignore[arg-type]
        self._save()

    def read(self) -> None:
        """What the journal says. OSError."""
        for entry in self._journal.read():
            track = self.tracks.setdefault(entry.playlist, Track(entry.head))
            self._count(track, entry)
            track.marks.append(entry.mark)
            self.files.known(entry.mark.path, entry.file, entry.mark.span)
            for there, here, span in entry.asides:
                self.files.known(there, here, span)
        self._dirty.update(self.tracks)
        with contextlib.suppress(OSError):
            self._master = (self.folder / MASTER).read_text(encoding="utf-8")

    # --- playlists -----------------------------------------------------------------------------------

    def flush(self, now: float, master: str | None, *, at_once: bool = False) -> float | None:
        """Write what is due at ``now`` (monotonic seconds); when to come again, ``None``: with the next
        segment. ``master``: the multivariant playlist. OSError, GoneError."""
        self.files.check()
        if not self._dirty:
            return None
        if now < self._due and not at_once:
            return self._due
        for path in sorted(self._dirty):
            self._write(path, ended=False)
            self._dirty.discard(path)
        self._due = now + COST * SHARE * sum(len(t.body) for t in self.tracks.values())
        if master is not None and master != self._master:
            # Last: it lists the others.
            write_atomically(self.folder / MASTER, master.encode())
            self._master = master
        if now >= self._about_due:
            self._save()
            self._about_due = now + ABOUT_SECONDS
        return None

    def _write(self, path: str, *, ended: bool) -> None:
        track = self.tracks[path]
        text = "".join([words.beginning(track.head, ended=ended), *track.body, words.END if ended else ""])
        write_atomically(self.folder / path, text.encode())

    def _save(self) -> None:
        self.files.check()
        if self.about != self._saved:
            save(self.folder, self.about)
            self._saved = self.about

    # --- the end -------------------------------------------------------------------------------------

    def finish(self) -> Recording | None:
        """Whole, and ready; ``None``: nothing was recorded, and nothing is left of it. OSError, GoneError; to
        be called again then."""
        self.files.check()
        if not self.tracks:
            self._journal.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            return None
        ended = self.about.ended if self.about.ended is not None else self._clock()
        self.about = replace(self.about, state=State.FINISHING, ended=ended)
        self._save()
        for path in self.tracks:
            self._write(path, ended=True)
        state = State.READY if self.about.lost < LOST_NOTHING else State.INCOMPLETE
        self.about = replace(self.about, state=state)
        self._save()
        self._journal.remove()
        for left in self.folder.rglob(".*.tmp"):  # what a run that was killed was copying
            if EXPORTS not in left.parts and POSTER not in left.name:  # others are at work on those
                left.unlink(missing_ok=True)
        return self.about

    def close(self) -> None:
        """Leave it as it is, for the next start."""
        self._journal.close()


LOST_NOTHING = 0.001
"""Seconds: rounding."""


def begin(feed: Path, stream: str, read: Read, clock: Callable[[], float], started: float) -> Take:
    """A new one, in a folder of its own. ``started``: Unix seconds of its first picture. OSError."""
    now = clock()
    for number in range(1, 1000):
        folder = feed / words.folder_name(stream, now, number)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        about = Recording(folder.name, stream, State.RECORDING, started)
        try:
            save(folder, about)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Take(Files(feed, folder, stream, read), about, clock)
    raise OSError(errno.EEXIST, f"{folder} is there")


def resume(folder: Path, feed: Path, read: Read, clock: Callable[[], float]) -> Take | None:
    """What a run that was killed left; ``None``: there is no journal, or nothing in it. OSError."""
    about = load(folder)
    if about is None or not (folder / JOURNAL).is_file():
        return None
    take = Take(Files(feed, folder, about.of, read), replace(about, bytes=0, segments=0, duration=0.0), clock)
    take.read()
    return take if take.tracks else None


__all__ = ["GoneError", "Take", "Track", "begin", "resume"]
