"""A thousand segments through feed, libtorrent and tracker, faster than real time: does anything grow?

Memory and file descriptors are read once the window has been full for a while and again at the end; what
matters is the growth per segment in between. 9 KiB per segment would be libtorrent's leak of a torrent whose
last tracker reply never came.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from bench.report import Figure, report
from bench.server import Server, streaming

SEGMENT = 200 * 1024
SPACING = 0.1
"""Seconds between segments: twenty times a live stream of 2 s segments."""
WARM = 0.3
"""Share of the segments before the first reading: allocators and caches fill up first."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1000)
    count = parser.parse_args().segments
    rows: list[tuple[int, float, int, float]] = []
    with streaming("churn") as (server, (writer,)):
        began = time.perf_counter()
        for number in range(1, count + 1):
            writer.add(os.urandom(SEGMENT))
            time.sleep(max(0.0, began + number * SPACING - time.perf_counter()))
            if number % max(1, count // 50) == 0:
                rows.append((number, *_reading(server)))
        time.sleep(5)  # what is being retired goes
        rows.append((count, *_reading(server)))
    warm = [row for row in rows if row[0] >= count * WARM]
    slope = statistics.linear_regression([row[0] for row in warm], [row[1] for row in warm]).slope
    figures = [
        Figure("memory growth per segment", slope * 1024, "KiB", 2),
        Figure("memory, warm → end", warm[-1][1] / warm[0][1], "×", 1.1),
        Figure("descriptors, most → warm", max(row[2] for row in warm) / warm[0][2], "×", 1.2),
        Figure("memory at the end", rows[-1][1], "MiB"),
        Figure("descriptors at the end", rows[-1][2], ""),
        Figure("torrents seeded at the end", rows[-1][3], ""),
    ]
    report("churn", figures, f"{count} segments of {SEGMENT // 1024} KiB, one every {SPACING} s")


def _reading(server: Server) -> tuple[float, int, float]:
    return server.resident(), server.descriptors(), server.metric("torrents")


if __name__ == "__main__":
    main()
