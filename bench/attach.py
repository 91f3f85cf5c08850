"""An attached feed beside the feed itself: how much later segments are seen, and what its server is asked.

A live feed of 1 s segments with magnets from ``live-torrent attach``. Both playlists are asked for in turns,
over kept connections, every few ms: what is new is seen so much later through attach. Then an audience
reloads the attached playlist as players do, one viewer and many: the feed's server is to notice nothing.

Goals: 100 ms later in the median; each segment fetched once, the playlist asked for hardly more than once a
segment, by many viewers as by one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from bench.attached import attaching
from bench.report import Figure, percentile, report

SEGMENT = 256 * 1024
"""Bytes: 2 Mbit/s."""
SECONDS = 1
WINDOW = 6
LOOK = 0.004
"""Seconds between two looks at a playlist."""
SETTLE = 5
"""Segments at first, in which attach learns the feed's rhythm."""


@dataclass
class Feed:
    """A packager and its web server."""

    url: str = ""
    last: int = WINDOW
    listed: dict[int, float] = field(default_factory=dict)
    """When each segment was listed first."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests that were answered with bytes, and with 304, by path and status."""
    _bytes: dict[int, bytes] = field(default_factory=dict)

    async def publish(self) -> None:
        start = time.monotonic()
        while True:
            self.last += 1
            self._bytes[self.last] = os.urandom(SEGMENT)
            self._bytes.pop(self.last - 2 * WINDOW, None)
            self.listed[self.last] = time.monotonic()
            # Encoders are a little early or late.
            due = start + SECONDS * len(self.listed) + random.uniform(0, 0.05)
            await asyncio.sleep(due - time.monotonic())

    def playlist(self) -> str:
        first = max(WINDOW + 1, self.last - WINDOW + 1)
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{SECONDS}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        return head + "".join(f"#EXTINF:{SECONDS},\n{n}.ts\n" for n in range(first, self.last + 1))

    async def serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        stem = name.partition(".")[0]
        body = self.playlist().encode() if stem == "index" else self._bytes.get(int(stem))
        if body is None:
            return web.Response(status=404)
        tag = f'"{hash(body):x}"'
        same = request.headers.get("If-None-Match") == tag
        if "live-torrent" in request.headers.get("User-Agent", ""):
            self.asked[f"{'playlist' if stem == 'index' else stem} {304 if same else 200}"] += 1
        headers = {"ETag": tag, "Access-Control-Allow-Origin": "*"}
        return web.Response(status=304, headers=headers) if same else web.Response(body=body, headers=headers)


@dataclass
class Seen:
    """By one who reloads a playlist without end."""

    url: str
    first: dict[int, float] = field(default_factory=dict)
    """When each segment was seen."""
    tagged: dict[int, float] = field(default_factory=dict)
    """When it was seen with its magnet."""
    took: list[float] = field(default_factory=list)
    """Seconds of each reload."""

    async def look(self, session: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        async with session.get(self.url) as answer:
            text = await answer.text()
        now = time.monotonic()
        self.took.append(now - began)
        head = text.partition("#EXT-X-MEDIA-SEQUENCE:")[2].split()
        for n in range(int(head[0]), int(head[0]) + text.count("#EXTINF")) if head else ():
            self.first.setdefault(n, now)
        for name in re.findall(r"&dn=(\d+)\.ts", text):
            self.tagged.setdefault(int(name), now)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=30, help="of each phase (default: 30)")
    parser.add_argument("--viewers", type=int, default=200, help="of the large audience (default: 200)")
    chosen = parser.parse_args()
    feed = Feed()
    async with (
        attaching(feed) as (_, ours),
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers={"User-Agent": "bench"}
        ) as session,
    ):
        await asyncio.sleep(SETTLE * SECONDS)
        direct, attached = await _beside(feed, session, ours, chosen.segments)
        one = await _audience(feed, session, ours, 1, chosen.segments)
        many = await _audience(feed, session, ours, chosen.viewers, chosen.segments)
    later, tagged = _later(direct, attached.first), _later(direct, attached.tagged)
    crowd = f"{chosen.viewers} viewers"
    figures = [
        Figure("a new segment is seen later, median", statistics.median(later), "ms", 100),
        Figure("… 95th percentile", percentile(later, 0.95), "ms"),
        Figure("with its magnet, median", statistics.median(tagged), "ms"),
        Figure("… 95th percentile", percentile(tagged, 0.95), "ms"),
        Figure("a reload of the feed itself", 1000 * statistics.median(direct.took), "ms"),
        Figure("a reload through attach", 1000 * statistics.median(attached.took), "ms"),
        Figure("fetches of a segment, 1 viewer", one.fetches, "", 1),
        Figure(f"fetches of a segment, {crowd}", many.fetches, "", 1),
        Figure("asked whether it is as it was (304), 1 viewer", one.asked_again, ""),
        Figure(f"… {crowd}", many.asked_again, ""),
        Figure("playlist requests per segment, 1 viewer", one.playlist, "", 1.25),
        Figure(f"playlist requests per segment, {crowd}", many.playlist, "", 1.25),
    ]
    report("attach", figures, f"{len(later)} segments of {SEGMENT // 1024} KiB, {SECONDS} s each")


def _later(direct: Seen, seen: dict[int, float]) -> list[float]:
    """Milliseconds, segment by segment but for those that were there when both began."""
    return [1000 * (at - direct.first[n]) for n, at in sorted(seen.items()) if n in direct.first][WINDOW:]


async def _beside(feed: Feed, session: aiohttp.ClientSession, ours: str, segments: int) -> tuple[Seen, Seen]:
    """In turns, so that whatever else the machine does hits both."""
    direct, attached = Seen(feed.url), Seen(ours)
    until = feed.last + segments
    while feed.last < until:
        await direct.look(session)
        await attached.look(session)
        await asyncio.sleep(LOOK)
    return direct, attached


@dataclass(frozen=True, slots=True)
class Load:
    """On the feed's server, by attach, for each segment."""

    fetches: float
    asked_again: float
    playlist: float


async def _audience(
    feed: Feed, session: aiohttp.ClientSession, ours: str, viewers: int, segments: int
) -> Load:
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(_reload(session, ours)) for _ in range(viewers)]
        first, before = feed.last + 1, feed.asked.copy()
        while feed.last < first + segments:
            await asyncio.sleep(0.05)
        asked = feed.asked - before
        for task in watching:
            task.cancel()
    whole = range(first, feed.last - 2)  # the newest may be on its way, or yet to be asked about again
    return Load(
        statistics.mean(asked[f"{n} 200"] for n in whole),
        statistics.mean(asked[f"{n} 304"] for n in whole),
        (asked["playlist 200"] + asked["playlist 304"]) / (feed.last - first + 1),
    )


async def _reload(session: aiohttp.ClientSession, url: str) -> None:
    """As a player does (RFC 8216bis §6.3.4), at a moment of its own."""
    await asyncio.sleep(random.uniform(0, SECONDS))
    while True:
        async with session.get(url) as answer:
            await answer.read()
        await asyncio.sleep(SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
