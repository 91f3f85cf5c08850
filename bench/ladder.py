"""A ladder made by us against the bare ffmpeg command that makes the same: what do we add?

Both read the same file in real time and encode it to the same rungs with the same options; the bare command
writes them with ffmpeg's own HLS muxer. CPU seconds of our process (ffmpeg apart) and of ffmpeg, each per
second of media. The two run one after the other, several times in turn: what else the machine does is then
in both.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.report import Figure, report
from seeder.ingest.binary import find
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import arguments, make_plan
from seeder.ingest.ingest import Ingest
from seeder.ingest.plan import Launch, Plan
from seeder.ingest.probing import look
from seeder.ingest.sources import Source, SourceKind
from seeder.ladder import parse

LADDERS = ("720p@1800k,480p@1000k,240p@300k", "copy,480p@1000k,240p@300k")
SETTLE = 6.0
"""Seconds before the first reading: the burst at the start, and three segments."""


def make_input(ffmpeg: str, folder: Path) -> Path:
    """Half a minute of 720p with some noise, which moves and takes bits as a camera's picture does."""
    path = folder / "input.mp4"
    graph = "testsrc2=s=1280x720:r=30:d=30,noise=alls=12:allf=t[out0];sine=d=30[out1]"
    command = f"-v error -y -f lavfi -i {graph} -c:v libx264 -preset veryfast -b:v 2500k -g 60 -c:a aac"
    subprocess.run([ffmpeg, *command.split(), str(path)], check=True, stdin=subprocess.DEVNULL)
    return path


def cpu(pid: int) -> float:
    """Seconds that ``pid`` has had (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ours(given: Path, ladder: str, seconds: float, folder: Path) -> tuple[float, float, float]:
    """Cores of our process, cores of ffmpeg, and real time ÷ time of media."""
    ingest = Ingest(IngestConfig("s", str(given), ladder=parse(ladder)), folder)
    task = asyncio.create_task(ingest.run())
    try:
        while ingest.status().segments < 1:
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE)
        pid = ingest.pid
        assert pid is not None
        began, own, its = time.monotonic(), time.process_time(), cpu(pid)
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        if ingest.pid != pid:
            raise SystemExit("ffmpeg was started again meanwhile: this machine is too busy to measure on")
        return (time.process_time() - own) / took, (cpu(pid) - its) / took, ingest.status().speed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def plan_of(given: Path, ladder: str) -> tuple[str, tuple[int, ...], Plan]:
    binary = await find(None)
    source = Source(SourceKind.FILE, f"file:{given}")
    probe, _ = await look(binary, source)
    config = IngestConfig("s", str(given), ladder=parse(ladder))
    return binary.path, binary.version, make_plan(source, probe, config, None)


def bare(path: str, version: tuple[int, ...], plan: Plan, seconds: float, folder: Path) -> float:
    """Cores of ffmpeg with the same arguments, but for what writes."""
    out: list[str] = []
    pipes = tuple(range(1, len(plan.steps) + 1))
    skip = 0
    given = arguments(plan, Launch(pipes=pipes), version)
    for index, word in enumerate(given):
        if skip:
            skip -= 1
        elif word in ("-movflags", "-use_editlist", "-flush_packets", "-frag_duration", "-write_tmcd"):
            skip = 1
        elif word == "-f" and given[index + 1] == "mp4":
            out += ["-f", "hls", "-hls_time", "2", "-hls_segment_type", "fmp4", "-hls_list_size", "8"]
            out += ["-hls_flags", "delete_segments"]
            skip = 1
        elif word.startswith("pipe:"):
            variant = folder / word.removeprefix("pipe:")
            variant.mkdir()
            out += ["-hls_fmp4_init_filename", "init.mp4", str(variant / "index.m3u8")]
        else:
            out.append(word)
    with subprocess.Popen([path, *out], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            time.sleep(SETTLE + 2.0)
            began, its = time.monotonic(), cpu(process.pid)
            time.sleep(seconds)
            return (cpu(process.pid) - its) / (time.monotonic() - began)
        finally:
            process.kill()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="of each reading")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(argv)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="bench-ladder-") as name:
        folder = Path(name)
        ffmpeg = asyncio.run(find(None)).path
        given = make_input(ffmpeg, folder)
        for ladder in LADDERS:
            path, version, plan = asyncio.run(plan_of(given, ladder))
            made, plain = [], []
            for number in range(options.rounds):
                place = folder / f"{len(figures)}-{number}"
                (place / "bare").mkdir(parents=True)
                made.append(asyncio.run(ours(given, ladder, options.seconds, place / "ours")))
                plain.append(bare(path, version, plan, options.seconds, place / "bare"))
            own, its, speed = (statistics.median(column) for column in zip(*made, strict=True))
            theirs = statistics.median(plain)
            figures += [
                Figure(f"{ladder}: ffmpeg of ours", its, "cores"),
                Figure(f"{ladder}: bare ffmpeg", theirs, "cores"),
                Figure(f"{ladder}: our process", own, "cores"),
                Figure(f"{ladder}: all of ours ÷ bare", (own + its) / theirs, "×", 1.15),
                Figure(f"{ladder}: speed", speed, "×"),
            ]
    report("ladder", figures, f"median of {options.rounds} × {options.seconds:g} s")


if __name__ == "__main__":
    main()
