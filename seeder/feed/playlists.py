"""A stream's playlist files, read when they change; what is not a playlist leaves the last good one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import PlaylistError
from seeder.feed.assets import open_wanted
from seeder.feed.beneath import Signature
from seeder.feed.loop import Loop, live_text, make_loop, period_of
from seeder.feed.scan import Scan, StreamFiles
from seeder.feed.settling import QUIET_PLAYLIST
from seeder.feed.streams import referenced_playlists, refused
from seeder.hls.playlist import MAX_TEXT, MediaPlaylist, Playlist, decode, parse

log = logging.getLogger(__name__)

MAX_PLAYLISTS = 100
"""Of one stream: a dozen variants with audio and subtitles in many languages. More is a mistake."""

LONG = 64 * 1024
"""Bytes above which a playlist is parsed off the event loop: some 10 ms below it."""

MAX_COMPLAINTS = 100
"""Different ones remembered (and logged) for one stream; after that its log says nothing new."""


class Complaints:
    """Warnings about one stream, each once: a writer repeats its mistakes every few seconds."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._said: set[str] = set()

    def __call__(self, text: str, kind: str = "") -> None:
        """``kind``: say only the first of these, whatever their texts."""
        if (kind or text) not in self._said and len(self._said) < MAX_COMPLAINTS:
            self._said.add(kind or text)
            log.warning("stream %s: %s", self._stream, text)

    def forget(self, text: str) -> None:
        """It was put right; should it happen again, say so again."""
        self._said.discard(text)


@dataclass(slots=True)
class _Read:
    """A playlist file as last read."""

    seen: Signature | None = None
    playlist: Playlist | None = None  # the last good one
    complaint: str = ""


class Playlists:
    """``settled(file, quiet)`` says whether ``file`` (relative to the feed) is written to just now."""

    def __init__(self, root: Path, complain: Complaints, settled: Callable[[str, float], bool]) -> None:
        self.loops: dict[str, Loop] = {}
        """By path: those now played over and over."""
        self._root = root
        self._complain = complain
        self._settled = settled
        self._read: dict[str, _Read] = {}

    async def update(self, where: StreamFiles, files: Scan) -> None:
        """Read what changed, forget what is gone."""
        pending = list(where.playlists)
        current: dict[str, _Read] = {}
        while pending:
            path = pending.pop(0)
            file = where.folder + path
            if path in current or file not in files:
                continue
            if len(current) >= MAX_PLAYLISTS:
                self._complain(f"more than {MAX_PLAYLISTS} playlists: the rest are ignored")
                break
            read = current[path] = self._read.get(path) or _Read()
            if files[file] != read.seen and self._settled(file, QUIET_PLAYLIST):
                await self._read_one(path, file, read)
            if not where.folder and read.playlist is not None:
                # In the feed itself other files belong to other streams: only what is listed is ours.
                pending += referenced_playlists(path, read.playlist)
        self._read = current

    async def _read_one(self, path: str, file: str, read: _Read) -> None:
        found = await asyncio.to_thread(_read_file, self._root, file)
        if found is None:
            return
        data, read.seen = found
        self._complain.forget(read.complaint)
        try:
            # In a thread where it takes some time: 43,200 segments are half a second.
            if len(data) > LONG:
                read.playlist, leaving = await asyncio.to_thread(_parsed, path, data)
            else:
                read.playlist, leaving = _parsed(path, data)
        except PlaylistError as error:
            stays = "its last good version stays" if read.playlist is not None else "it is left out"
            read.complaint = f"{path} is not a playlist ({error}): {stays}"
            self._complain(read.complaint)
            return
        read.complaint = ""
        for uri in leaving:
            self._complain(f"{path} lists {uri!r}, which is no file of the stream: it is not served")

    def published(self, loop: bool) -> dict[str, Playlist]:
        """By path, as they are to be published now: with ``loop``, finished ones as live ones."""
        playlists = {path: r.playlist for path, r in self._read.items() if r.playlist is not None}
        finished = _finished(playlists) if loop else {}
        period = period_of(finished.values())
        if period <= 0:
            self.loops = {}
            return playlists
        now = time.time()
        loops: dict[str, Loop] = {}
        for path, media in finished.items():
            before = self.loops.get(path)
            same = before is not None and before.source is media and before.period == period
            loops[path] = before if same and before is not None else make_loop(media, period)
            playlists[path] = parse(live_text(loops[path], now))
        self.loops = loops
        return playlists


def _parsed(path: str, data: bytes) -> tuple[Playlist, list[str]]:
    """And what it lists that is not served."""
    playlist = parse(decode(data))
    return playlist, refused(path, playlist)


def _finished(playlists: Mapping[str, Playlist]) -> dict[str, MediaPlaylist]:
    return {p: m for p, m in playlists.items() if isinstance(m, MediaPlaylist) and m.ended and m.segments}


def _read_file(root: Path, file: str) -> tuple[bytes, Signature] | None:
    opened = open_wanted(root, file)
    if opened is None:
        return None
    handle, _, signature = opened
    with handle:
        # One byte more than the parser takes, four to a character at most: it says what is wrong.
        return handle.read(4 * MAX_TEXT + 1), signature
