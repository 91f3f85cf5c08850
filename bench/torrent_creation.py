"""Bytes of a segment → torrent, against hashing the same bytes once with SHA-1; goal: 1.3 times.

Both in the same run, interleaved, so that a busy machine slows both. Sizes: a low-rate 2 s segment, the
demo's, a 10 s one, a 4K one.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import time

from bench.report import Figure, report
from seeder.torrent.metainfo import make_torrent

KIB = 1024
SIZES = (200 * KIB, 700 * KIB, 4096 * KIB, 16384 * KIB)
WORK = 64 * 1024 * KIB
"""Bytes hashed per size and method: half a second of one core."""


def main() -> None:
    figures = []
    ratios = []
    for size in SIZES:
        data = os.urandom(size)
        bare, ours = [], []
        for _ in range(max(5, WORK // size)):
            bare.append(_timed(lambda data=data: hashlib.sha1(data).digest()))
            ours.append(_timed(lambda data=data: make_torrent("segment.m4s", data)))
        mib = size / (1 << 20)
        ratio = statistics.median(ours) / statistics.median(bare)
        ratios.append(ratio)
        label = f"{size // KIB} KiB"
        figures += [
            Figure(f"{label}: torrent / bare SHA-1", ratio, "×", 1.3),
            Figure(f"{label}: torrent", statistics.median(ours) * 1000 / mib, "ms/MiB"),
            Figure(f"{label}: bare SHA-1", statistics.median(bare) * 1000 / mib, "ms/MiB"),
        ]
    figures.insert(0, Figure("torrent / bare SHA-1, worst size", max(ratios), "×", 1.3))
    report("torrent_creation", figures, "medians")


def _timed(call: object) -> float:
    assert callable(call)
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
