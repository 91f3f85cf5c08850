"""Releases the ready-made segments on the clock, as a live packager does: segment first, then playlist."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.swarm.settings import SEGMENT_SECONDS, WINDOW
from bench.swarm.stream import Stream

KEPT = 2 * WINDOW
"""Segments whose files stay: one window more than is listed (RFC 8216bis §6.2.2)."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Segment k shows what happened from ``epoch`` + 2 k s and is released when that is over."""

    epoch: float
    """Seconds since 1970."""

    def released(self, msn: int) -> float:
        return self.epoch + (msn + 1) * SEGMENT_SECONDS

    def newest(self, now: float) -> int:
        """MSN of the last segment released; −1: none."""
        return int((now - self.epoch) // SEGMENT_SECONDS) - 1


def media_playlist(schedule: Schedule, names: tuple[str, ...], newest: int) -> str:
    first = max(0, newest - WINDOW + 1)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
    ]
    for msn in range(first, newest + 1):
        start = datetime.fromtimestamp(schedule.epoch + msn * SEGMENT_SECONDS, UTC)
        lines += [
            f"#EXT-X-PROGRAM-DATE-TIME:{start.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}",
            f"#EXTINF:{SEGMENT_SECONDS:.3f},",
            names[msn],
        ]
    return "\n".join([*lines, ""])


def master_playlist(bandwidth: int) -> str:
    codecs = "avc1.42C015,mp4a.40.2"
    return (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        f'#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS="{codecs}",RESOLUTION=480x270,FRAME-RATE=25.000\n'
        "video/index.m3u8\n"
    )


class Packager:
    """Writes ``feed/show/``; a window's worth is there from the start."""

    def __init__(self, stream: Stream, feed: Path) -> None:
        self.stream = stream
        self.schedule = Schedule(time.time() - WINDOW * SEGMENT_SECONDS)
        self._folder = feed / "show" / "video"
        self._folder.mkdir(parents=True)
        shutil.copyfile(stream.folder / "init.mp4", self._folder / "init.mp4")
        self._newest = -1
        self._release(self.schedule.newest(time.time()))
        # Last, so that no watcher finds a stream whose variant is missing.
        (feed / "show" / "master.m3u8").write_text(master_playlist(stream.bandwidth))

    async def run(self) -> None:
        """Until cancelled, or the stream is over."""
        while self._newest + 1 < len(self.stream.names):
            await asyncio.sleep(max(0.0, self.schedule.released(self._newest + 1) - time.time()))
            self._release(min(self.schedule.newest(time.time()), len(self.stream.names) - 1))

    def _release(self, newest: int) -> None:
        names = self.stream.names
        for msn in range(self._newest + 1, newest + 1):
            self._put(names[msn], (self.stream.folder / names[msn]).read_bytes())
            if msn >= KEPT:
                (self._folder / names[msn - KEPT]).unlink(missing_ok=True)
        if newest > self._newest:
            self._newest = newest
            self._put("index.m3u8", media_playlist(self.schedule, names, newest).encode())

    def _put(self, name: str, data: bytes) -> None:
        temporary = self._folder / f".{name}.tmp"
        temporary.write_bytes(data)
        temporary.replace(self._folder / name)
