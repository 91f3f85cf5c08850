from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seeder.recording.about import load
from tests.conftest import ROOT

PATIENCE = 90.0
"""Seconds for what takes a few at most: the machine may be busy."""


class Import:
    """``live-torrent import`` as a process."""

    def __init__(self, folder: Path, path: Path, *more: str) -> None:
        self.feed = folder / "feed"
        self._before = set(self.feed.glob(".import-*"))
        command = [sys.executable, "-m", "seeder", "import", str(path), "--feed", str(self.feed), *more]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def at_work(self) -> None:
        """Some of it is written."""
        deadline = time.monotonic() + PATIENCE
        while not any(next(self.feed.glob(f"{own.name}/vod/v0/*.m4s"), None) for own in self._own()):
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _own(self) -> set[Path]:
        return set(self.feed.glob(".import-*")) - self._before

    def ended(self) -> tuple[int, str]:
        said = self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode, said

    def listed(self) -> list[str]:
        return sorted(entry.name for entry in self.feed.iterdir() if not entry.name.startswith("."))

    def hidden(self) -> list[str]:
        return sorted(entry.name for entry in self.feed.iterdir() if entry.name.startswith("."))


@pytest.fixture
def long(ffmpeg: str, tmp_path: Path) -> Path:
    """A film that takes a while to encode, and no time to make."""
    path = tmp_path / "A long_film.avi"
    graph = "testsrc2=s=640x360:r=30:d=30"
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph, "-c:v", "mjpeg", "-q:v", "9", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def test_nothing_half_made_is_ever_listed_and_what_a_kill_leaves_is_cleared(
    long: Path, tmp_path: Path, record: Callable[..., bytes]
) -> None:
    killed = Import(tmp_path, long, "--name", "film")
    killed.at_work()
    assert killed.listed() == []
    killed.process.kill()
    killed.ended()
    assert killed.listed() == []
    assert len(killed.hidden()) == 1

    stopped = Import(tmp_path, long, "--name", "film")
    stopped.at_work()
    assert len(stopped.hidden()) == 1, "its own"
    stopped.process.send_signal(signal.SIGINT)
    code, said = stopped.ended()
    assert code == 130, said
    assert said.endswith("nothing of it is there\n")
    assert (stopped.listed(), stopped.hidden()) == ([], [])

    small = tmp_path / "A_small film.webm"
    small.write_bytes(record(2))
    done = Import(tmp_path, small, "--name", "film")
    code, said = done.ended()
    assert code == 0, said
    assert (done.listed(), done.hidden()) == (["film"], [])
    recording = load(done.feed / "film")
    assert recording is not None
    assert (recording.state, recording.title, recording.of) == ("ready", "A small film", "")
    assert recording.duration == pytest.approx(2, abs=0.1)
    assert recording.bytes == sum(f.stat().st_size for f in done.feed.rglob("*.m*") if f.is_file())

    twice = Import(tmp_path, small, "--name", "film")
    code, said = twice.ended()
    assert code == 4
    assert "film is there already" in said
