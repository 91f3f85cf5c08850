"""Streams made in one process: how late segments are, what a stream costs, how long a dead ffmpeg is missed.

    python -m bench.publishing [--streams 10] [--seconds 40]

A film that fits is copied, as segments of 2 s, into each stream by ``serve`` with ``[[streams]]``. *Listed*
is how long after its last frame was due (EXT-X-PROGRAM-DATE-TIME and EXTINF) a segment stands in the manifest
that is served; *late*: longer than one and a half segments. CPU and memory are our own process's, without
ffmpeg's. The gap is from ``kill -9`` of one stream's ffmpeg to the next one's first segment in the manifest.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

import imageio_ffmpeg

from bench.report import Figure, percentile, report
from bench.server import Server, serving
from seeder.machine import children

SEGMENT = 2.0
KILLS = 5
QUIET = 10.0
LATE = 1.5 * SEGMENT
_LISTED = re.compile(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)\n(?:#EXT-X-COM[^\n]*\n)?#EXTINF:([\d.]+),\n(\S+)")


def film(folder: Path) -> Path:
    """Sixty seconds of 720p at some 2 Mbit/s with sound."""
    path = folder / "film.mp4"
    graph = "testsrc2=s=1280x720:r=25:d=60[out0];sine=f=440:r=48000:d=60[out1]"
    codecs = "-c:v libx264 -preset ultrafast -b:v 2M -g 50 -keyint_min 50 -sc_threshold 0 -c:a aac"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", graph, *codecs.split()]
    subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def cpu(pid: int) -> float:
    """Seconds of CPU so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def listed(server: Server, stream: str) -> list[tuple[str, float]]:
    """URI of each listed segment, and the Unix time at which its last frame was due."""
    text = server.get(f"/live/{stream}/v0/index.m3u8")
    return [
        (uri, datetime.fromisoformat(date).timestamp() + float(seconds))
        for date, seconds, uri in _LISTED.findall(text)
    ]


def watched(server: Server, streams: list[str], seconds: float) -> list[float]:
    """How late each new segment of all streams was, in seconds; polled every 20 ms and stream."""
    seen = {(stream, uri) for stream in streams for uri, _ in listed(server, stream)}
    delays: list[float] = []
    end = time.time() + seconds
    while time.time() < end:
        for stream in streams:
            for uri, due in listed(server, stream):
                if (stream, uri) not in seen:
                    seen.add((stream, uri))
                    delays.append(time.time() - due)
        time.sleep(0.02)
    return delays


def discontinuities(server: Server, stream: str) -> int:
    """How many there were since the stream began."""
    text = server.get(f"/live/{stream}/v0/index.m3u8")
    left = re.search(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text)
    return (int(left[1]) if left else 0) + text.count("#EXT-X-DISCONTINUITY\n")


def gap(server: Server, stream: str, source: Path) -> float:
    """Milliseconds from the death of the stream's ffmpeg to the next one's first segment."""
    before = discontinuities(server, stream)
    for pid in children(server.pid):
        if str(source).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
            break
    began = time.time()
    while time.time() < began + 60:
        if discontinuities(server, stream) > before:
            return (time.time() - began) * 1000
        time.sleep(0.01)
    return float("inf")


def measure(folder: Path, count: int, seconds: float) -> list[Figure]:
    source, feed = film(folder), folder / "feed"
    feed.mkdir()
    config = folder / "live.toml"
    config.write_text("")
    with serving(feed, "--config", str(config)) as server:
        time.sleep(5)
        bare = server.resident()
        began = cpu(server.pid)
        time.sleep(QUIET)
        bare_cpu = (cpu(server.pid) - began) / QUIET
    names = [f"s{number}" for number in range(count)]
    one = folder / "one.mp4"
    os.link(source, one)  # told from the others in the process list
    tables = [f'[[streams]]\nname = "{n}"\ninput = "{one if n == "s0" else source}"\n' for n in names]
    idle = [f'[[streams]]\nname = "idle{number}"\n' for number in range(count)]
    config.write_text("".join(idle))
    with serving(feed, "--config", str(config)) as server:
        time.sleep(5)
        idle_memory = server.resident()
    config.write_text(f"segment_seconds = {SEGMENT:g}\n" + "".join(tables))
    with serving(feed, "--config", str(config)) as server:
        deadline = time.time() + 120
        while any(len(listed(server, name)) < 4 for name in names) and time.time() < deadline:
            time.sleep(0.2)
        began, at = cpu(server.pid), time.time()
        time.sleep(QUIET)  # nobody asks meanwhile
        used = (cpu(server.pid) - began) / (time.time() - at)
        delays = watched(server, names, seconds)
        memory = server.resident()
        gaps = []
        for _ in range(KILLS):
            gaps.append(gap(server, "s0", one))
            time.sleep(3 * SEGMENT)
    return [
        Figure("segments watched", len(delays), ""),
        Figure("listed after its last frame, median", percentile(delays, 0.5) * 1000, "ms"),
        Figure("listed after its last frame, p99", percentile(delays, 0.99) * 1000, "ms"),
        Figure("late segments", sum(delay > LATE for delay in delays), "", goal=0),
        Figure("CPU without streams", bare_cpu * 100, "%"),
        Figure("CPU per stream", (used - bare_cpu) * 100 / count, "%"),
        Figure("memory without streams", bare, "MiB"),
        Figure("memory per idle stream", (idle_memory - bare) / count, "MiB"),
        Figure("memory per stream", (memory - bare) / count, "MiB"),
        Figure("next segment after kill -9, median", percentile(gaps, 0.5), "ms"),
        Figure("next segment after kill -9, most", max(gaps), "ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=40.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-torrent-bench-") as folder:
        figures = measure(Path(folder).resolve(), asked.streams, asked.seconds)
    report("publishing", figures, f"{asked.streams} copied streams of 2 Mbit/s at once")


if __name__ == "__main__":
    main()
