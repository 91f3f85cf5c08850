"""``live-torrent bake`` against bare SHA-1 of the same files with as many threads; goal: 1.3 times.

Films in segments of 700 KiB and 3 MiB, fresh each time, in the page cache for both; interleaved, so
that a busy machine slows both. The bare one reads every file whole and hashes it: no pieces, nothing written.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.report import Figure, report
from seeder.baking.bake import Bake, Ears, Options
from seeder.baking.hashing import threads
from seeder.baking.store import Folder

FILMS = 8
SIZES = (700 * 1024, 3 * 1024 * 1024)
"""Bytes of a segment: 2 s at 2.9 Mbit/s, 6 s at 4.2."""
MIB = 1 << 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=512, help="of segments")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-torrent-bench-") as folder:
        root = Path(folder).resolve()
        segments = make(root, options.mib)
        total = sum(segment.stat().st_size for segment in segments) / MIB
        bare, ours, again = [], [], []
        for _ in range(options.rounds):
            bare.append(timed(lambda: bare_sha1(segments)))
            fresh(root)
            ours.append(timed(lambda: bake(root, len(segments))))
            again.append(timed(lambda: bake(root, 0)))
    ratios = [
        [m / t for m, t in zip(mine, theirs, strict=True)] for mine, theirs in zip(ours, bare, strict=True)
    ]
    wall, cpu = (statistics.median(kind) for kind in zip(*ratios, strict=True))
    mibs = [total / statistics.median(seconds for seconds, _ in runs) for runs in (ours, bare)]
    report(
        "bake",
        [
            Figure("bake / bare SHA-1, time", wall, "×", 1.3),
            Figure("bake / bare SHA-1, CPU", cpu, "×", 1.3),
            Figure("bake", mibs[0], "MiB/s"),
            Figure("bare SHA-1", mibs[1], "MiB/s"),
            Figure(
                "again, nothing changed",
                statistics.median(s for s, _ in again) * 1e6 / len(segments),
                "ms/1000",
            ),
        ],
        f"medians of {options.rounds}, {len(segments)} segments, {total:.0f} MiB, {threads()} threads",
    )


def timed(run: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the clock, and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - cpu


def make(root: Path, mib: int) -> list[Path]:
    """Films of equal size; their segments."""
    made = []
    for number in range(FILMS):
        size = SIZES[number % len(SIZES)]
        names = [f"{index}.m4s" for index in range(max(1, mib * MIB // FILMS // size))]
        film = root / str(number)
        film.mkdir()
        listed = "".join(f"#EXTINF:2,\n{name}\n" for name in names)
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{listed}#EXT-X-ENDLIST\n"
        (film / "index.m3u8").write_text(text)
        for name in names:
            (film / name).write_bytes(os.urandom(size))
            made.append(film / name)
    return made


def fresh(root: Path) -> None:
    """As if it had never been baked."""
    (root / ".live-torrent.jsonl").unlink(missing_ok=True)
    shutil.rmtree(root / "live-torrent", ignore_errors=True)
    for page in root.glob("*/watch.html"):
        page.unlink()


def bare_sha1(segments: list[Path]) -> None:
    def one(path: Path) -> str:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha1").hexdigest()

    with ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(one, segments):
            pass


def bake(root: Path, expected: int) -> None:
    done = Bake(Folder(root), Options("wss://tracker.example.org"), Ears(lambda line: None)).run()
    assert done.hashed == expected, done


if __name__ == "__main__":
    main()
