"""The real command under measurement, on a free port of 127.0.0.1, and feeds to give it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from seeder import machine

ROOT = Path(__file__).resolve().parent.parent
CHILD = b"seeder.torrent.child"
START = 60.0
"""Seconds for the command to listen."""


class Server:
    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.pid = process.pid
        self.address = address
        host = urlsplit(address)
        self._connection = http.client.HTTPConnection(host.hostname or "", host.port, timeout=30)

    def get(self, path: str) -> str:
        """A body, over one kept connection."""
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        return body.decode() if answer.status == 200 else ""

    def metric(self, name: str) -> float:
        match = re.search(rf"^live_torrent_{name} (\S+)$", self.get("/metrics"), re.MULTILINE)
        return float(match[1]) if match else float("nan")

    def resident(self) -> float:
        """MiB of memory in RAM (Linux), libtorrent's process included."""
        found = 0
        for pid in self._processes():
            status = Path(f"/proc/{pid}/status").read_text()
            found += int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
        return found / 1024

    def descriptors(self) -> int:
        return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in self._processes())

    def _processes(self) -> list[int]:
        ours = [
            pid for pid in machine.children(self.pid) if CHILD in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        return [self.pid, *ours]


@contextmanager
def serving(feed: Path, *arguments: str, prefix: Sequence[str] = ()) -> Iterator[Server]:
    """``live-torrent serve --feed feed`` while the block runs; ``prefix``: say, ``taskset -c 0``."""
    with running("serve", "--feed", str(feed), *arguments, prefix=prefix) as server:
        yield server


@contextmanager
def running(*arguments: str, prefix: Sequence[str] = ()) -> Iterator[Server]:
    """``live-torrent`` with these arguments, on a free port, while the block runs."""
    command = [*prefix, sys.executable, "-m", "seeder", *arguments, "--port", "0"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
    try:
        assert process.stdout is not None
        deadline = time.monotonic() + START
        for line in process.stdout:
            if match := re.search(r"https?://\S+", line):
                yield Server(process, match[0])
                break
            if time.monotonic() > deadline:
                break
        else:
            raise SystemExit(f"live-torrent {arguments[0]} did not come up; its message is above")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


class Writer:
    """A live stream as a careful packager writes it: segment first, then the playlist, both atomically."""

    def __init__(self, feed: Path, name: str, window: int = 8, seconds: float = 2.0) -> None:
        self.name = name
        self._folder = feed / name
        self._folder.mkdir()
        self._window = window
        self._seconds = seconds
        self._listed: deque[str] = deque()
        self._msn = 0

    def add(self, data: bytes) -> str:
        """Write the next segment and the playlist that lists it; its file name. Deletes what left."""
        name = f"{self._msn + len(self._listed):08d}.ts"
        self._put(name, data)
        self._listed.append(name)
        gone = self._listed.popleft() if len(self._listed) > self._window else None
        self._msn += gone is not None
        head = f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{round(self._seconds)}\n"
        head += f"#EXT-X-MEDIA-SEQUENCE:{self._msn}\n"
        body = "".join(f"#EXTINF:{self._seconds:.3f},\n{name}\n" for name in self._listed)
        self._put("index.m3u8", (head + body).encode())
        if gone is not None:
            (self._folder / gone).unlink()
        return name

    def _put(self, name: str, data: bytes) -> None:
        temporary = self._folder / f".{name}.tmp"
        temporary.write_bytes(data)
        temporary.replace(self._folder / name)


@contextmanager
def streaming(*names: str) -> Iterator[tuple[Server, list[Writer]]]:
    """A server that only warns, over a new feed, and who writes each of its streams."""
    with tempfile.TemporaryDirectory() as folder:
        writers = [Writer(Path(folder), name) for name in names]
        with serving(Path(folder), "--log-level", "warning") as server:
            yield server, writers
