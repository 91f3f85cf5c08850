"""A segment is complete on disk and listed → its magnet stands in the manifest that HTTP serves.

Ten live streams of 700 KiB segments, one of them growing every 0.2 s; the manifest is asked for again and
again over one connection. Goals: median 20 ms, 99th percentile 100 ms.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from bench.report import Figure, percentile, report
from bench.server import Server, Writer, streaming

STREAMS = 10
SEGMENT = 700 * 1024
SPACING = 0.2
"""Seconds: ten streams with 2 s segments."""
LATE = 10.0
"""Seconds after which a segment counts as lost."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=200)
    count = parser.parse_args().segments
    with streaming(*(f"stream{number}" for number in range(STREAMS))) as (server, writers):
        for writer in writers:  # the first segment of each makes the stream
            _latency(server, writer)
        took = [_paced(server, writers[number % STREAMS]) for number in range(count)]
    figures = [
        Figure("median", statistics.median(took) * 1000, "ms", 20),
        Figure("99th percentile", percentile(took, 0.99) * 1000, "ms", 100),
        Figure("worst", max(took) * 1000, "ms"),
    ]
    report("magnet_latency", figures, f"{STREAMS} streams, {count} segments of {SEGMENT // 1024} KiB")


def _paced(server: Server, writer: Writer) -> float:
    began = time.perf_counter()
    took = _latency(server, writer)
    time.sleep(max(0.0, SPACING - (time.perf_counter() - began)))
    return took


def _latency(server: Server, writer: Writer) -> float:
    """Seconds from the playlist's replacement to a manifest that has the new segment's magnet."""
    name = writer.add(os.urandom(SEGMENT))
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < LATE:
        manifest = server.get(f"/live/{writer.name}/index.m3u8")
        if _has_magnet(manifest, name):
            return time.perf_counter() - began
        time.sleep(0.0005)
    raise SystemExit(f"{writer.name}/{name} had no magnet after {took:.0f} s")


def _has_magnet(manifest: str, name: str) -> bool:
    lines = manifest.splitlines()
    if name not in lines:
        return False
    before = lines[: lines.index(name)][-3:]
    return any(line.startswith("#EXT-X-COM-LIVETORRENT:MAGNET=") for line in before)


if __name__ == "__main__":
    main()
