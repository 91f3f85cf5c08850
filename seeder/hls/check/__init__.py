"""What playlists must keep to, by themselves, over successive reloads and beside each other. Pure.

    rules          every rule there is: section, how much it binds, what it says
    lines          a playlist's lines, nothing forgiven
    tags           every tag: where it may stand, what its value and attributes are
    grammar        each tag of a playlist against that
    versions       EXT-X-VERSION against the features in use
    media          one media playlist: durations, ranges, keys, dates
    lowlatency     parts, hold-backs, hints
    multivariant   one multivariant playlist: variants and rendition groups
    reloads        one reload against the one before
    presentation   the variants against each other
    magnets        our own tags, and segments against their torrents
    delivery       types, caching, CORS, compression; what a segment is made of

Each finding names its rule; a rule names the section of RFC 8216bis (or whoever else says so).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from seeder.errors import PlaylistError
from seeder.hls.check.grammar import grammar
from seeder.hls.check.lines import Line, read_lines
from seeder.hls.check.lowlatency import low_latency
from seeder.hls.check.magnets import magnets
from seeder.hls.check.media import media
from seeder.hls.check.multivariant import multivariant
from seeder.hls.check.reloads import against
from seeder.hls.check.rules import RULES, Finding, Level, Rule
from seeder.hls.check.versions import versions
from seeder.hls.playlist import MediaPlaylist, Playlist, parse

__all__ = ["RULES", "Checker", "Finding", "Level", "Rule", "check", "look"]

_CONTROL = {chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))} - {"\n", "\r", "\t"}


@dataclass(slots=True)
class Checker:
    """Feed it every reload of one media playlist in order; it remembers ``memory`` segments."""

    memory: int = 10_000
    """URIs remembered to notice their reuse: six hours of 2 s segments."""
    where: str = ""
    """Stands in the findings."""
    last: MediaPlaylist | None = None
    _reloads: int = 0
    _msn_of: dict[str, int] = field(default_factory=dict)
    _changed_at: float | None = None

    def reload(self, text: str, at: float | None = None) -> list[Finding]:
        """The findings of the next reload, our tags included; ``at``: when it was asked for, seconds."""
        number = self._reloads
        self._reloads += 1
        playlist, found = look(text)
        if playlist is not None and not isinstance(playlist, MediaPlaylist):
            found = [Finding("not-a-media-playlist", 0, "a multivariant playlist")]
        elif playlist is not None:
            found += self._reuse(playlist)
            if self.last is not None:
                found += against(self.last, playlist)
            found += self._pace(playlist, at)
            self.last = playlist
        return [replace(finding, reload=number, where=self.where) for finding in found]

    def _reuse(self, playlist: MediaPlaylist) -> Iterator[Finding]:
        for segment in playlist.segments:
            if segment.byterange is not None:
                continue
            known = self._msn_of.setdefault(segment.uri, segment.msn)
            if known != segment.msn:
                text = f"{segment.uri} was the segment {known} and is now {segment.msn}"
                yield Finding("uri-reused", segment.uri_line + 1, text)
        while len(self._msn_of) > self.memory:
            del self._msn_of[next(iter(self._msn_of))]

    def _pace(self, playlist: MediaPlaylist, at: float | None) -> Iterator[Finding]:
        if at is None or self.last is None or self.last.text != playlist.text or self._changed_at is None:
            self._changed_at = at
            return
        since, target = at - self._changed_at, playlist.target_duration
        if not playlist.ended and since > 1.5 * target:
            text = f"unchanged for {since:.1f} s, the target duration is {target:g}"
            yield Finding("stale", 0, text)
            self._changed_at = at  # said once for each such while


def check(texts: Sequence[str]) -> list[Finding]:
    """All findings over successive reloads of one media playlist."""
    checker = Checker()
    return [finding for text in texts for finding in checker.reload(text)]


def look(text: str) -> tuple[Playlist | None, list[Finding]]:
    """One playlist of either kind by itself: its records, where it has any, and the findings."""
    found = list(_characters(text))
    lines = read_lines(text)
    try:
        playlist: Playlist | None = parse(text)
    except PlaylistError as error:
        playlist, broken = None, error
        several = _kind(lines)
    else:
        several = not isinstance(playlist, MediaPlaylist)
    found += grammar(lines, several)
    found += versions(lines, several)
    found += _variables(lines)
    if isinstance(playlist, MediaPlaylist):
        found += media(playlist, lines)
        found += low_latency(playlist, lines)
        found += magnets(text)
    elif playlist is not None:
        found += multivariant(lines)
        found += magnets(text)
    else:
        found += _unreadable(lines, broken, found)
    return playlist, sorted(found, key=lambda finding: finding.line)


def _kind(lines: Sequence[Line]) -> bool:
    """Whether what cannot be parsed meant to be a multivariant playlist."""
    return any(line.tag in ("EXT-X-STREAM-INF", "EXT-X-MEDIA") for line in lines)


def _unreadable(lines: Sequence[Line], error: PlaylistError, found: Sequence[Finding]) -> Iterator[Finding]:
    """Why nothing more can be said; only where a rule of its own has not said it already."""
    tags = {line.tag for line in lines}
    if "EXTINF" in tags and "EXT-X-STREAM-INF" in tags:
        yield Finding("mixed-kinds", error.line, "both EXTINF and EXT-X-STREAM-INF")
    elif "EXTINF" in tags and "EXT-X-TARGETDURATION" not in tags:
        yield Finding("target-duration-missing", 0, "no EXT-X-TARGETDURATION")
    elif "EXT-X-MEDIA-SEQUENCE after" in str(error):
        yield Finding("sequence-late", error.line, "EXT-X-MEDIA-SEQUENCE stands behind a segment")
    elif not any(finding.line == error.line and finding.level is Level.MUST for finding in found):
        yield Finding("not-a-playlist", error.line, str(error))


def _characters(text: str) -> Iterator[Finding]:
    if text.startswith("\ufeff"):
        yield Finding("byte-order-mark", 1, "a byte order mark")
    for number, line in enumerate(text.splitlines(), 1):
        bad = _CONTROL.intersection(line)
        if bad:
            yield Finding("control-character", number, f"the character {min(bad)!r}")
            return


def _variables(lines: Sequence[Line]) -> Iterator[Finding]:
    defined: set[str] = set()
    for line in lines:
        if line.tag == "EXT-X-DEFINE":
            name = line.get("NAME") or line.get("IMPORT") or line.get("QUERYPARAM")
            if name in defined:
                yield Finding("variable-redefined", line.number, f"{name} is defined again")
            elif name:
                defined.add(name)
        rest = line.value
        while "{$" in rest:
            name, closed, rest = rest.partition("{$")[2].partition("}")
            if closed and name not in defined:
                yield Finding("variable-undefined", line.number, f"{{${name}}} is not defined")
