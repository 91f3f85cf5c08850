"""Ten live streams of three variants, in real time: what does seeding them cost, and does any of it grow?

The real command serves a feed in which every variant gets a segment of 2 s every 2 s (window 8); one stream
of one variant is measured first, the same way, for comparison. Nobody watches: this is the price of being
there. Readings begin once windows and allocators are full. Negotiations are the UDP sockets beyond those
that the command has before anything is seeded: each WebRTC offer holds one until it is answered or expires.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.report import Figure, percentile, report
from bench.server import Server, Writer, serving

STREAMS, VARIANTS = 10, 3
SECONDS = 2.0
"""Of a segment."""
SIZES = (100, 200, 400)
"""KiB of a segment, variant by variant: 0.4, 0.8 and 1.6 Mbit/s."""
WARM = {1: 45.0, STREAMS * VARIANTS: 110.0}
"""Seconds before the first reading, by variants: the library lets go of a segment 19 segments after its own,
and the allocator is done growing a minute later."""
PENDING = 300
"""Negotiations at once that docs/design.md allows."""
SAMPLE = 7
"""Of so many segments one is timed; prime to 3 and 10, so that all variants have their turn."""
LATE = 10.0
"""Seconds after which a segment counts as lost."""


@dataclass(frozen=True, slots=True)
class Reading:
    at: float
    """Monotonic seconds."""
    cpu: float
    """Seconds of CPU since the start."""
    memory: float
    """MiB in RAM."""
    descriptors: int
    threads: int
    udp: int
    torrents: float
    announces: float
    """Received by our tracker since the start."""


@dataclass(frozen=True, slots=True)
class Course:
    """One run over some number of variants."""

    idle: int
    """UDP sockets with nothing seeded."""
    readings: list[Reading]
    latencies: list[float]
    """Seconds from a segment's listing to its magnet in the served manifest."""

    def most(self, name: str) -> float:
        return max(float(getattr(reading, name)) for reading in self.readings)

    def rate(self, name: str) -> float:
        """Per second."""
        first, last = self.readings[0], self.readings[-1]
        return float((getattr(last, name) - getattr(first, name)) / (last.at - first.at))

    def growth(self, name: str) -> float:
        """Per minute, as a share of the mean; of the regression line, for single readings waver."""
        values = [float(getattr(reading, name)) for reading in self.readings]
        slope = statistics.linear_regression([reading.at for reading in self.readings], values).slope
        return slope * 60 / max(1.0, statistics.mean(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=45.0, help="of each of the two measurements")
    seconds = parser.parse_args().seconds
    one = _course(1, 1, seconds)
    many = _course(STREAMS, VARIANTS, seconds)
    share = STREAMS * VARIANTS
    figures = [
        Figure("negotiations at once, most", many.most("udp") - many.idle, "", PENDING),
        Figure("  1 × 1", one.most("udp") - one.idle, "", PENDING),
        Figure("memory growth a minute", many.growth("memory"), "×", 0.02),
        Figure("descriptor growth a minute", many.growth("descriptors"), "×", 0.02),
        Figure("thread growth a minute", many.growth("threads"), "×", 0.02),
        Figure("CPU a variant, to 1 × 1", many.rate("cpu") / share / one.rate("cpu"), "×", 1),
        Figure("memory", many.most("memory"), "MiB"),
        Figure("  1 × 1", one.most("memory"), "MiB"),
        Figure("descriptors, most", many.most("descriptors"), ""),
        Figure("  1 × 1", one.most("descriptors"), ""),
        Figure("threads, most", many.most("threads"), ""),
        Figure("  1 × 1", one.most("threads"), ""),
        Figure("CPU", many.rate("cpu") * 100, "%"),
        Figure("  1 × 1", one.rate("cpu") * 100, "%"),
        Figure("announces a second", many.rate("announces"), ""),
        Figure("  1 × 1", one.rate("announces"), ""),
        Figure("torrents seeded", many.readings[-1].torrents, ""),
        Figure("magnet latency, median", statistics.median(many.latencies) * 1000, "ms"),
        Figure("magnet latency, 99th percentile", percentile(many.latencies, 0.99) * 1000, "ms"),
        Figure("  1 × 1, 99th percentile", percentile(one.latencies, 0.99) * 1000, "ms"),
    ]
    report("seeding", figures, f"{STREAMS} × {VARIANTS} live variants for {seconds:g} s, then again 1 × 1")


def _course(streams: int, variants: int, seconds: float) -> Course:
    filler = os.urandom(max(SIZES) * 1024)
    with tempfile.TemporaryDirectory() as folder:
        feed = Path(folder)
        with serving(feed, "--log-level", "warning") as server:
            idle = _read(server).udp
            writers = [
                (f"/live/s{stream}/v{variant}/index.m3u8", writer, SIZES[variant])
                for stream in range(streams)
                for variant, writer in enumerate(_stream(feed / f"s{stream}", variants))
            ]
            readings: list[Reading] = []
            latencies: list[float] = []
            began = time.monotonic()
            spacing = SECONDS / len(writers)
            warm = WARM[len(writers)]
            due, count = 2.0, 0
            while (now := time.monotonic() - began) < warm + seconds:
                path, writer, size = writers[count % len(writers)]
                name = writer.add(count.to_bytes(16, "big") + filler[: size * 1024 - 16])
                count += 1
                # With one variant all can be timed without asking too often.
                if len(writers) == 1 or count % SAMPLE == 0:
                    took = _latency(server, path, name)
                    if now > warm:
                        latencies.append(took)
                if now > due:
                    due += 2.0
                    if now > warm:
                        readings.append(_read(server))
                time.sleep(max(0.0, began + count * spacing - time.monotonic()))
    return Course(idle, readings, latencies)


def _stream(folder: Path, variants: int) -> list[Writer]:
    folder.mkdir()
    lines = ["#EXTM3U"]
    for variant in range(variants):
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={SIZES[variant] * 8192 // 2}", f"v{variant}/index.m3u8"]
    (folder / "master.m3u8").write_text("\n".join(lines) + "\n")
    return [Writer(folder, f"v{variant}", seconds=SECONDS) for variant in range(variants)]


def _latency(server: Server, path: str, name: str) -> float:
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < LATE:
        lines = server.get(path).splitlines()
        if name in lines and any("MAGNET=" in line for line in lines[: lines.index(name)][-3:]):
            return time.perf_counter() - began
        time.sleep(0.002)
    raise SystemExit(f"{path}: {name} had no magnet after {took:.0f} s")


def _read(server: Server) -> Reading:
    process = Path(f"/proc/{server.pid}")
    links = []
    for descriptor in os.listdir(process / "fd"):
        try:
            links.append(os.readlink(process / "fd" / descriptor))
        except OSError:  # closed meanwhile
            continue
    sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    metrics = server.get("/metrics")
    return Reading(
        at=time.monotonic(),
        cpu=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        memory=server.resident(),
        descriptors=len(links),
        threads=int(fields[17]),
        udp=len(sockets & _udp_inodes(process)),
        torrents=_metric(metrics, "torrents"),
        announces=_metric(metrics, 'tracker_messages_total{kind="announce"}'),
    )


def _udp_inodes(process: Path) -> set[str]:
    tables = [process / "net" / name for name in ("udp", "udp6")]
    return {line.split()[9] for table in tables for line in table.read_text().splitlines()[1:]}


def _metric(text: str, name: str) -> float:
    match = re.search(rf"^live_torrent_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(match[1]) if match else 0.0


if __name__ == "__main__":
    main()
