"""What of a recording goes into a file, and how ffmpeg is told to read it. Pure.

ffmpeg reads a list of our own (its concat demuxer): an entry for each run, from one discontinuity to the
next, which is a playlist with just these segments; so time stamps begin anew where they do, and nowhere else.
"""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from seeder.hls.attributes import parse_attributes
from seeder.hls.names import requested_path
from seeder.hls.playlist import MediaPlaylist, MultivariantPlaylist, Segment, Variant
from seeder.model import Span
from seeder.recording.export_formats import ExportError


@dataclass(frozen=True, slots=True)
class Choice:
    """Which playlists; paths relative to the recording."""

    main: str
    """Of the variant: picture and sound, or one of them."""
    sound: str | None = None
    """Of the rendition that has its sound, where that is apart."""
    codecs: str = ""
    """As its CODECS says."""


def choose(master: MultivariantPlaylist, path: str, wanted: str = "") -> Choice:
    """Of the playlist at ``path``: the variant called ``wanted`` (its playlist's path, or the folder that is
    in), else the best one. :class:`ExportError`."""
    variants = [one for one in master.variants if one.tag == "EXT-X-STREAM-INF"]
    found = [(one, at) for one in variants if (at := requested_path(path, one.uri)) is not None]
    if wanted:
        found = [(one, at) for one, at in found if wanted in (at, posixpath.dirname(at))]
        if not found:
            raise ExportError("the recording has no such variant", 404)
    if not found:
        raise ExportError("the recording's variants are not files of ours")
    best, main = max(found, key=lambda pair: _rank(pair[0]))
    group = best.attributes.get("AUDIO")
    sound = None if group is None else _sound(master, group)
    apart = None if sound is None else requested_path(path, sound.uri)
    return Choice(main, apart if apart != main else None, best.attributes.get("CODECS", ""))


def _rank(variant: Variant) -> tuple[bool, int]:
    """With a picture before sound alone, then by bit rate."""
    codecs = variant.attributes.get("CODECS", "").lower()
    video = "RESOLUTION" in variant.attributes or any(
        name.strip().startswith(("avc", "hvc", "hev", "av01", "vp")) for name in codecs.split(",")
    )
    text = variant.attributes.get("BANDWIDTH", "")
    return video, int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _sound(master: MultivariantPlaylist, group: str) -> Variant | None:
    """The group's default rendition, where it is a playlist of its own."""
    own = [
        one
        for one in master.variants
        if one.tag == "EXT-X-MEDIA"
        and one.attributes.get("TYPE") == "AUDIO"
        and one.attributes.get("GROUP-ID") == group
    ]
    for line in master.text.splitlines():
        if line.startswith("#EXT-X-MEDIA:"):
            found = parse_attributes(line.removeprefix("#EXT-X-MEDIA:"))
            mine = (found.get("TYPE"), found.get("GROUP-ID"), found.get("DEFAULT")) == ("AUDIO", group, "YES")
            if mine and "URI" not in found:
                return None  # it is in the variant
    return next((one for one in own if one.attributes.get("DEFAULT") == "YES"), own[0] if own else None)


@dataclass(frozen=True, slots=True)
class Run:
    """Segments that continue each other."""

    start: float
    """Seconds from the recording's start, by its playlist."""
    main: tuple[Segment, ...]
    sound: tuple[Segment, ...] = ()
    """Of the rendition apart."""

    @property
    def seconds(self) -> float:
        return math.fsum(one.duration for one in self.main)

    @property
    def stop(self) -> float:
        return self.start + self.seconds

    def first(self) -> Run:
        """Its beginning alone."""
        return replace(self, main=self.main[:1], sound=self.sound[:1])

    def last(self) -> Run:
        """Its end alone."""
        return replace(self, main=self.main[-1:], sound=self.sound[-1:])

    def at(self, seconds: float) -> int:
        """The segment (of ``main``) that is shown then; the first or last where none is."""
        begin = self.start
        for number, segment in enumerate(self.main):
            begin += segment.duration
            if seconds < begin:
                return number
        return len(self.main) - 1

    def cut(self, first: int, last: int) -> Run:
        """From segment ``first`` up to and with ``last``, with the sound that belongs to them."""
        start = self.start + math.fsum(one.duration for one in self.main[:first])
        main = self.main[first : last + 1]
        stop = start + math.fsum(one.duration for one in main)
        sound, at = [], self.start
        for number, segment in enumerate(self.sound):
            # The last one whatever it says: its playlist's durations may add up to a little less.
            ends = at + segment.duration
            if (ends > start + 0.001 or number == len(self.sound) - 1) and at < stop:
                sound.append(segment)
            at = ends
        return Run(start, main, tuple(sound))


def runs(main: MediaPlaylist, sound: MediaPlaylist | None = None) -> tuple[Run, ...]:
    """All of a recording. :class:`ExportError` for what cannot be copied out of it."""
    groups = _runs(main)
    others = _runs(sound) if sound is not None else [()] * len(groups)
    if len(groups) != len(others):
        raise ExportError("the sound, which is apart, has other discontinuities than the picture")
    found, start = [], 0.0
    for group, other in zip(groups, others, strict=True):
        found.append(Run(start, group, other))
        start = found[-1].stop
    if not found:
        raise ExportError("the recording is empty")
    return tuple(found)


def _runs(playlist: MediaPlaylist) -> list[tuple[Segment, ...]]:
    if playlist.i_frames_only:
        raise ExportError("that playlist holds single pictures")
    found: list[list[Segment]] = []
    before: Segment | None = None
    for segment in playlist.segments:
        if segment.key_uri is not None:
            raise ExportError("the recording is encrypted")
        if segment.gap:
            before = None
            continue
        if before is None or segment.discontinuity or _map(segment) != _map(before):
            found.append([])
        found[-1].append(segment)
        before = segment
    return [tuple(group) for group in found]


def _map(segment: Segment) -> tuple[str | None, Span | None]:
    return segment.map_uri, segment.map_span


# --- what ffmpeg reads -----------------------------------------------------------------------------

Name = Callable[[str, str], str]
"""(path of the playlist that lists it, URI) → what ffmpeg opens, from its working directory."""


def sheets(run: Run, choice: Choice, stem: str, name: Name) -> dict[str, str]:
    """Playlists by file name, with just these segments; the one to be opened is ``stem.m3u8``."""
    main = _sheet(run.main, choice.main, name)
    if not run.sound or choice.sound is None:
        return {f"{stem}.m3u8": main}
    master = (
        '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",DEFAULT=YES,AUTOSELECT=YES,'
        f'URI="{stem}-a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="a"\n{stem}-v.m3u8\n'
    )
    sound = _sheet(run.sound, choice.sound, name)
    return {f"{stem}.m3u8": master, f"{stem}-v.m3u8": main, f"{stem}-a.m3u8": sound}


def _sheet(segments: Sequence[Segment], path: str, name: Name) -> str:
    target = math.ceil(max(one.duration for one in segments)) or 1
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{target}", "#EXT-X-PLAYLIST-TYPE:VOD"]
    if (uri := segments[0].map_uri) is not None:
        span = segments[0].map_span
        part = "" if span is None else f',BYTERANGE="{span.length}@{span.start}"'
        lines.append(f'#EXT-X-MAP:URI="{name(path, uri)}"{part}')
    for one in segments:
        lines.append(f"#EXTINF:{one.duration:.6f},")
        if one.span is not None:
            lines.append(f"#EXT-X-BYTERANGE:{one.span.length}@{one.span.start}")
        lines.append(name(path, one.uri))
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def script(entries: Sequence[tuple[str, float | None]]) -> str:
    """For the concat demuxer: playlists, and after how many seconds the next one begins."""
    lines = ["ffconcat version 1.0"]
    for playlist, seconds in entries:
        lines.append(f"file {playlist}")
        if seconds is not None:
            lines.append(f"duration {seconds:.6f}")
    return "\n".join(lines) + "\n"
