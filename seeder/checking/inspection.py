"""One presentation, inspected: every playlist over several reloads, and some of its segments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from seeder.checking.report import Report
from seeder.checking.segments import Segments, missing
from seeder.errors import FetchError, PlaylistError
from seeder.fetch.fetched import Fetched
from seeder.fetch.source import Source
from seeder.hls.check import Checker, Finding, look
from seeder.hls.check.delivery import Response, served_playlist
from seeder.hls.check.magnets import torrents
from seeder.hls.check.presentation import Member, presentation
from seeder.hls.playlist import MAX_TEXT, MediaPlaylist, MultivariantPlaylist, Segment, decode

MAX_PLAYLISTS = 64
"""Of one presentation: more is a test of us, not a ladder."""
AT_ONCE = 4
"""Segments fetched at a time."""
LEAST_WAIT = 0.5
"""Seconds between two reloads."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How closely to look."""

    reloads: int = 4
    """Of each live playlist; what has ended is read once."""
    segments: int = 2
    """The newest of each playlist at first, then as many of the new ones at each reload; -1: all."""


class Inspection:
    """``tell`` is called with each finding that is new, ``progress`` now and then."""

    def __init__(
        self,
        url: str,
        source: Source,
        effort: Effort,
        tell: Callable[[Finding], None],
        progress: Callable[[Report], None] = lambda report: None,
    ) -> None:
        self.report = Report(url)
        self._source = source
        self._effort = effort
        self._tell = tell
        self._progress = progress
        self._segments = Segments(source)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._last: dict[str, MediaPlaylist] = {}

    async def run(self) -> None:
        """FetchError when not even the first playlist can be had."""
        url = self.report.url
        first = await self._source.get(url, limit=MAX_TEXT)
        text = self._decoded(first)
        if text is None:
            return
        playlist, found = look(text)
        if isinstance(playlist, MultivariantPlaylist):
            self.report.playlists += 1
            self._note(*(replace(finding, where=url) for finding in found))
            self._served(first, None)
            members = self._members(playlist, first.url)
            try:
                async with asyncio.TaskGroup() as group:
                    for member in members:
                        group.create_task(self._media(member.where, None))
            finally:
                self._compare(members)
        else:
            await self._media(url, first)

    def _members(self, playlist: MultivariantPlaylist, base: str) -> list[Member]:
        """Its media playlists, each once."""
        found: dict[str, Member] = {}
        for variant in playlist.variants:
            kind = variant.attributes.get("TYPE") if variant.tag == "EXT-X-MEDIA" else variant.tag
            peak, average = (variant.attributes.get(name, "") for name in ("BANDWIDTH", "AVERAGE-BANDWIDTH"))
            where = urljoin(base, variant.uri)
            empty = MediaPlaylist("", 1, 0.0, 0, 0, "", False, False, ())
            found.setdefault(
                where,
                Member(
                    where, empty, kind or "",
                    int(peak) if peak.isdecimal() else None,
                    int(average) if average.isdecimal() else None,
                ),
            )  # fmt: skip
        return list(found.values())[:MAX_PLAYLISTS]

    def _compare(self, members: list[Member]) -> None:
        there = [replace(m, playlist=self._last[m.where]) for m in members if m.where in self._last]
        self._note(*presentation(there, self._segments.sizes))

    # --- one media playlist --------------------------------------------------------------------------

    async def _media(self, url: str, first: Fetched | None) -> None:
        """Reload it as a player does (§6.3.4)."""
        self.report.playlists += 1
        checker = Checker(where=url)
        seen: set[tuple[int, str]] = set()
        clock = asyncio.get_running_loop().time
        for turn in range(max(1, self._effort.reloads)):
            began = clock()
            fetched = first if turn == 0 and first is not None else await self._playlist(url)
            if fetched is None or (text := self._decoded(fetched)) is None:
                return
            before = checker.last
            self._note(*checker.reload(text, began))
            self.report.reloads += 1
            playlist = checker.last
            if playlist is None:
                return  # not a media playlist: that was said
            self._last[url] = playlist
            self._served(fetched, playlist)
            await self._some(url, fetched, playlist, text, seen)
            self._progress(self.report)
            if playlist.ended or turn + 1 >= self._effort.reloads:
                return
            unchanged = before is not None and before.text == playlist.text
            wait = playlist.target_duration * (0.5 if unchanged else 1.0)
            await asyncio.sleep(max(LEAST_WAIT, began + wait - clock()))

    async def _playlist(self, url: str) -> Fetched | None:
        try:
            return await self._source.get(url, limit=MAX_TEXT)
        except FetchError as error:
            self._note(missing(error, url))
            return None

    async def _some(
        self, url: str, fetched: Fetched, playlist: MediaPlaylist, text: str, seen: set[tuple[int, str]]
    ) -> None:
        chosen = self._choose(playlist, seen)
        hashes = torrents(text)

        async def one(segment: Segment) -> None:
            async with self._slots:
                self._note(*await self._segments.look(url, fetched.url, segment, hashes))
            self.report.segments, self.report.bytes = self._segments.fetched, self._segments.bytes
            self._progress(self.report)

        async with asyncio.TaskGroup() as group:
            for segment in chosen:
                group.create_task(one(segment))

    def _choose(self, playlist: MediaPlaylist, seen: set[tuple[int, str]]) -> list[Segment]:
        """New ones, and one that was looked at before: has it changed?"""
        most = self._effort.segments
        if most == 0:
            return []
        new = [s for s in playlist.segments if (s.msn, s.uri) not in seen]
        known = [s for s in playlist.segments if (s.msn, s.uri) in seen]
        chosen = new if most < 0 else new[-most:]
        listed = {(s.msn, s.uri) for s in playlist.segments}
        seen &= listed  # bounded by what is listed
        seen |= {(s.msn, s.uri) for s in chosen}
        return [*chosen, *known[:1]]

    # --- what comes of it ----------------------------------------------------------------------------

    def _decoded(self, fetched: Fetched) -> str | None:
        try:
            return decode(fetched.data)
        except PlaylistError as error:
            self._note(Finding("not-utf8", error.line, "bytes that are not UTF-8", where=fetched.asked))
            return None

    def _served(self, fetched: Fetched, playlist: MediaPlaylist | None) -> None:
        if urlsplit(fetched.url).scheme == "file":
            return
        response = Response(fetched.asked, fetched.status, fetched.headers, fetched.data)
        self._note(*served_playlist(response, playlist))

    def _note(self, *findings: Finding) -> None:
        for finding in findings:
            if self.report.add(finding):
                self._tell(finding)
