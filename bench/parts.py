"""An attached low-latency feed beside the feed itself: how much later its parts are with who waits for them.

Somebody keeps asking the feed for its next part (a blocking reload, RFC 8216bis §6.2.5.2), and an audience
asks ``live-torrent attach`` for the same. What is later is so for two trips, one update and, at the last of
many, for all the answers before its own; this process, which has feed and audience, works at both ends.

Goals: 100 ms later in the median, for one viewer; the feed is asked once for each part, by many as by one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.attached import attaching
from bench.report import Figure, percentile, report
from bench.server import Server

PART = 0.25
OF_SEGMENT = 8
WINDOW = 60
"""Segments: two minutes, of which a delta update leaves out all but the last."""
HEAD = f"""#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=0.75
#EXT-X-PART-INF:PART-TARGET={PART}
"""


@dataclass
class Feed:
    """A packager of parts, and its web server."""

    url: str = ""
    parts: int = WINDOW * OF_SEGMENT
    asked: int = 0
    """Playlist requests of attach's."""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def publish(self) -> None:
        due = time.monotonic()
        while True:
            due += PART
            await asyncio.sleep(due - time.monotonic())
            self.parts += 1
            self.news.set()
            self.news = asyncio.Event()

    def playlist(self) -> str:
        whole, more = divmod(self.parts, OF_SEGMENT)
        lines = [f"{HEAD}#EXT-X-MEDIA-SEQUENCE:{whole - WINDOW}\n"]
        for segment in range(whole - WINDOW, whole + 1):
            for n in range(more if segment == whole else OF_SEGMENT if segment > whole - 3 else 0):
                lines.append(f'#EXT-X-PART:DURATION={PART},URI="p{segment}.{n}.mp4"\n')
            if segment < whole:
                lines.append(f"#EXTINF:{PART * OF_SEGMENT},\ns{segment}.mp4\n")
        return "".join(lines)

    async def serve(self, request: web.Request) -> web.Response:
        if not request.path.endswith(".m3u8"):
            return web.Response(body=request.path.encode() * 1000)
        self.asked += "live-torrent" in request.headers.get("User-Agent", "")
        if "_HLS_msn" in request.query:
            wanted = int(request.query["_HLS_msn"]) * OF_SEGMENT + int(request.query["_HLS_part"])
            while self.parts <= wanted:
                await self.news.wait()
        return web.Response(text=self.playlist())


@dataclass
class Seen:
    """Part → when its answers came."""

    at: dict[int, list[float]] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)

    async def follow(self, session: aiohttp.ClientSession, url: str, part: int) -> None:
        while True:
            msn, number = divmod(part, OF_SEGMENT)
            async with session.get(f"{url}?_HLS_msn={msn}&_HLS_part={number}&_HLS_skip=YES") as answer:
                answer.raise_for_status()
                body = await answer.read()
            self.at.setdefault(part, []).append(time.monotonic())
            self.sizes.append(len(body))
            part += 1


@dataclass(frozen=True, slots=True)
class Later:
    """Milliseconds, part by part."""

    first: list[float]
    last: list[float]
    asked: float
    """Requests of the feed for each part."""
    cpu: float
    """Milliseconds of attach's for each part."""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=80, help="of each audience (default: 80)")
    parser.add_argument("--viewers", type=int, default=200, help="of the large one (default: 200)")
    chosen = parser.parse_args()
    feed = Feed()
    async with (
        attaching(feed, "--no-seed") as (server, ours),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False) as session,
    ):
        async with session.get(ours) as answer:
            whole = len(await answer.read())
        one, _ = await _audience(feed, session, server, ours, 1, chosen.parts)
        many, size = await _audience(feed, session, server, ours, chosen.viewers, chosen.parts)
    crowd = f"{chosen.viewers} viewers"
    figures = [
        Figure("a new part is seen later, 1 viewer, median", statistics.median(one.first), "ms", 100),
        Figure("… 95th percentile", percentile(one.first, 0.95), "ms"),
        Figure(f"by the first of {crowd}, median", statistics.median(many.first), "ms"),
        Figure("by the last of them, median", statistics.median(many.last), "ms"),
        Figure("… 95th percentile", percentile(many.last, 0.95), "ms"),
        Figure("requests of the feed per part, 1 viewer", one.asked, "", 1.05),
        Figure(f"requests of the feed per part, {crowd}", many.asked, "", 1.05),
        Figure("CPU per part, 1 viewer", one.cpu, "ms"),
        Figure(f"CPU per part, {crowd}", many.cpu, "ms"),
        Figure("a delta update ÷ the whole playlist, gzipped", size / whole, ""),
    ]
    report("parts", figures, f"{chosen.parts} parts of {PART} s, a window of {WINDOW} segments")


async def _audience(
    feed: Feed, session: aiohttp.ClientSession, server: Server, ours: str, viewers: int, parts: int
) -> tuple[Later, float]:
    """And the bytes of a delta update."""
    direct, attached = Seen(), Seen()
    begin = feed.parts + 2
    async with asyncio.TaskGroup() as group:
        watching = [group.create_task(direct.follow(session, feed.url, begin))]
        watching += [group.create_task(attached.follow(session, ours, begin)) for _ in range(viewers)]
        await _until(lambda: feed.parts > begin + 4)  # by then all connections are there
        first, asked, cpu = feed.parts, feed.asked, _cpu(server.pid)
        await _until(lambda: feed.parts >= first + parts)
        asked, cpu = feed.asked - asked, _cpu(server.pid) - cpu
        await asyncio.sleep(PART)
        for task in watching:
            task.cancel()
    seen = range(first + 1, first + parts)
    return Later(
        [1000 * (min(attached.at[part]) - direct.at[part][0]) for part in seen],
        [1000 * (max(attached.at[part]) - direct.at[part][0]) for part in seen],
        asked / parts,
        1000 * cpu / parts,
    ), statistics.median(attached.sizes)


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def _cpu(pid: int) -> float:
    """Seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    asyncio.run(main())
