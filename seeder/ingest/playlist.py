"""The media playlist we write (RFC 8216bis §4.4, §6.2): a frozen value, its text, the text read. Pure.

It reads only what this module wrote, to go on where an earlier process stopped; foreign playlists are the
``hls`` room's work.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from seeder.errors import PlaylistError

VERSION = 7  # 6 allows EXT-X-MAP in an ordinary playlist; 7 is what players expect of fMP4
MOST_LISTED = 3600
"""Segments of a window that viewers can seek back in: two hours at 2 s. Each new one has all of them written,
read and looked up, some 0.1 ms of a core for each; further back recordings reach."""
SKIP_DURATIONS = 18
"""Target Durations from its end that a delta update of such a playlist still has: six are the least
(§4.4.3.8), and who was away for a moment shall not need the whole again."""
LEAST_TARGET_DURATIONS = 3  # a live playlist must not get shorter by removal (§6.2.2)


@dataclass(frozen=True, slots=True)
class Entry:
    """One listed segment."""

    uri: str
    duration: float
    """Seconds; rounds to at most the Target Duration."""
    start: float
    """EXT-X-PROGRAM-DATE-TIME, Unix seconds."""
    init: str
    """URI of its init section (EXT-X-MAP)."""
    discontinuity: bool = False
    """EXT-X-DISCONTINUITY stands before it."""
    folders: tuple[str, ...] = ()
    """The variants that hold it, in the list that they share; not in any text."""

    @property
    def end(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """The window now listed. ``target_duration`` never changes in a stream's life."""

    target_duration: int
    msn: int = 0
    """EXT-X-MEDIA-SEQUENCE: of the first entry, or of the next one while there is none."""
    discontinuity_sequence: int = 0
    entries: tuple[Entry, ...] = ()
    ended: bool = False
    """EXT-X-ENDLIST."""
    delta: bool = False
    """Delta updates are offered (EXT-X-SERVER-CONTROL); not in what is read again."""

    @property
    def next_msn(self) -> int:
        return self.msn + len(self.entries)

    @property
    def duration(self) -> float:
        return sum(entry.duration for entry in self.entries)

    def append(
        self, entry: Entry, window: int, seconds: float = 0.0
    ) -> tuple[MediaPlaylist, tuple[Entry, ...]]:
        """With ``entry`` at the end and at most ``window`` entries, unless three Target Durations, or
        ``seconds``, need more; also what left the window."""
        grown = replace(self, entries=(*self.entries, entry), ended=False)
        count, left = 0, grown.duration
        while len(grown.entries) - count > window:
            left -= grown.entries[count].duration
            if left < LEAST_TARGET_DURATIONS * self.target_duration:
                break
            if left < seconds and len(grown.entries) - count <= MOST_LISTED:
                break
            count += 1
        return grown.without(count), grown.entries[:count]

    def without(self, count: int) -> MediaPlaylist:
        """Less its first ``count`` entries; the removed tags are counted (§6.2.2)."""
        removed = self.entries[:count]
        return replace(
            self,
            msn=self.msn + count,
            discontinuity_sequence=self.discontinuity_sequence + sum(e.discontinuity for e in removed),
            entries=self.entries[count:],
        )


def render(playlist: MediaPlaylist) -> str:
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{playlist.target_duration}",
        f"#EXT-X-MEDIA-SEQUENCE:{playlist.msn}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{playlist.discontinuity_sequence}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if playlist.delta and not playlist.ended:
        lines.append(f"#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL={SKIP_DURATIONS * playlist.target_duration}.0")
    init = ""
    for entry in playlist.entries:
        if entry.discontinuity:
            lines.append("#EXT-X-DISCONTINUITY")
        if entry.init != init:
            init = entry.init
            lines.append(f'#EXT-X-MAP:URI="{init}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date_time(entry.start)}")
        lines.append(f"#EXTINF:{entry.duration:.6f},")
        lines.append(entry.uri)
    if playlist.ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def date_time(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return (
        datetime.fromtimestamp(round(seconds, 3), UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def parse(text: str) -> MediaPlaylist:
    """The inverse of :func:`render` (times to the millisecond); raises :class:`PlaylistError`."""
    lines = text.splitlines()
    if not lines or lines[0] != "#EXTM3U":
        raise PlaylistError("does not start with #EXTM3U", 1)
    header: dict[str, int] = {}
    entries: list[Entry] = []
    start: float | None = None
    duration: float | None = None
    init, discontinuity, ended = "", False, False
    for number, line in enumerate(lines, 1):
        name, _, value = line.partition(":")
        try:
            if name in ("#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE", "#EXT-X-DISCONTINUITY-SEQUENCE"):
                header[name] = int(value)
            elif name == "#EXT-X-DISCONTINUITY":
                discontinuity = True
            elif name == "#EXT-X-MAP":
                init = re.fullmatch(r'URI="([^"]+)"', value)[1]  # type: ignore[index]  # TypeError: see below
            elif name == "#EXT-X-PROGRAM-DATE-TIME":
                start = datetime.fromisoformat(value).timestamp()
            elif name == "#EXTINF":
                duration = float(value.rstrip(","))
            elif name == "#EXT-X-ENDLIST":
                ended = True
            elif line and not line.startswith("#"):
                if start is None or duration is None or not init:
                    raise PlaylistError(
                        "a segment without EXTINF, EXT-X-PROGRAM-DATE-TIME or EXT-X-MAP", number
                    )
                entries.append(Entry(line, duration, start, init, discontinuity))
                start = duration = None
                discontinuity = False
        except (ValueError, TypeError, OverflowError):
            raise PlaylistError(f"cannot be read: {line[:80]}", number) from None
    try:
        return MediaPlaylist(
            header["#EXT-X-TARGETDURATION"],
            header["#EXT-X-MEDIA-SEQUENCE"],
            header["#EXT-X-DISCONTINUITY-SEQUENCE"],
            tuple(entries),
            ended,
        )
    except KeyError as missing:
        raise PlaylistError(f"no {str(missing.args[0])[1:]}") from None
