"""Ctrl-C at every phase of the demo: no child, no temporary file and no traceback is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds for what takes a few at most: the machine may be busy."""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds children through /proc")


class Demo:
    """A running ``live-torrent demo`` whose whole family carries a mark in its environment."""

    def __init__(self, folder: Path) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._log = folder / "log"
        self._mark = f"LT_TEST_MARK={uuid.uuid4().hex}"
        name, _, value = self._mark.partition("=")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seeder", "demo", "--no-open", "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={
                    **{key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
                    "PYTHONPATH": str(ROOT),
                    "PYTHONUNBUFFERED": "1",
                    "LANG": "C.UTF-8",
                    "TMPDIR": str(self.scratch),
                    name: value,
                },
            )

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def family(self) -> list[int]:
        """Every process with our mark, but the demo itself."""
        found = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                marked = self._mark.encode() in environ.read_bytes().split(b"\0")
                zombie = (environ.parent / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if marked and not zombie and int(environ.parent.name) != self.process.pid:
                found.append(int(environ.parent.name))
        return found

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"left early ({self.process.returncode}):\n{self.log}"
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def ended(self) -> int:
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"does not stop:\n{self.log}")

    def left_nothing(self) -> None:
        assert self.family() == []
        assert list(self.scratch.iterdir()) == []
        assert "Traceback" not in self.log, self.log
        assert "was never" not in self.log, self.log


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    for pid in demo.family():
        os.kill(pid, signal.SIGKILL)
    demo.process.kill()
    demo.process.wait()


PHASES: dict[str, Callable[[Demo], object]] = {
    "the folder exists": lambda demo: list(demo.scratch.iterdir()),
    "it says that it starts": lambda demo: "starting" in demo.log,
    "the server listens": lambda demo: "listening" in demo.log,
    "ffmpeg runs": lambda demo: demo.family(),
    "segments are being written": lambda demo: list(demo.scratch.rglob("*.m4s")),
    "it plays": lambda demo: "http://" in demo.log and "first segment" in demo.log,
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_stops_everything_cleanly(demo: Demo, phase: str, number: signal.Signals) -> None:
    demo.until(lambda: PHASES[phase](demo))
    demo.process.send_signal(number)
    code = demo.ended()
    assert code in (0, 130), demo.log
    if phase not in ("the folder exists", "it says that it starts"):
        assert code == 0, demo.log
        assert "stopped" in demo.log
    demo.left_nothing()


def test_a_second_ctrl_c_does_not_wait_for_an_ffmpeg_that_hangs(demo: Demo) -> None:
    demo.until(lambda: "first segment" in demo.log)
    for pid in demo.family():
        os.kill(pid, signal.SIGSTOP)  # it will not hear "q" now
    demo.process.send_signal(signal.SIGINT)
    demo.until(lambda: "stopping" in demo.log)
    deadline = time.monotonic() + PATIENCE
    while demo.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.4)
        demo.process.send_signal(signal.SIGINT)
    assert demo.ended() in (0, 130), demo.log  # 0: it had killed ffmpeg by itself before the second one came
    demo.left_nothing()
