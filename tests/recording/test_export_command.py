"""``live-torrent export``, as a process."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seeder.errors import ConfigError
from seeder.export_command import moment
from tests.conftest import command_environment
from tests.recording_maker import Take, look, make_recording, packets, worst_gap

NAME = "garden-20261122-120000"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


async def test_a_recording_becomes_a_file_without_a_server(
    run_command: Run, tmp_path: Path, ffmpeg: str
) -> None:
    folder = make_recording(ffmpeg, tmp_path / "feed", [Take(3, offset=9), Take(2)], NAME)
    done = run_command("export", str(folder))
    assert done.returncode == 0
    assert re.fullmatch(rf"{NAME}\.mp4: 5\.0 s, 0\.[12] MB\n", done.stdout)
    assert len((await packets(ffmpeg, tmp_path / f"{NAME}.mp4"))["video"]) == 125
    again = run_command("export", str(folder))
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    part = run_command("export", str(folder / "v0" / "index.m3u8"), *"-o p.mp4 --from 0:01.5 --to 4".split())
    assert part.stdout.endswith(" MB, from 1.000 to 4.000 s\n")
    assert worst_gap((await packets(ffmpeg, tmp_path / "p.mp4"))["video"][:-3]) < 0.001
    assert (await look(ffmpeg, tmp_path / "p.mp4")).tracks[0].codec == "h264"
    refused = run_command("export", str(folder), "-o", "a.webm")
    assert (refused.returncode, refused.stderr.count("\n")) == (4, 2)
    assert "its H.264 does not go into WebM: ask for mp4" in refused.stderr
    assert run_command("export", str(tmp_path)).returncode == 4
    assert run_command("export", str(folder), "--to", "now").returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "feed") == [f"{NAME}.mp4", "p.mp4"]


def test_ctrl_c_leaves_nothing(tmp_path: Path, ffmpeg: str) -> None:
    folder = make_recording(ffmpeg, tmp_path / "feed", [Take(2)], NAME)
    stuck = tmp_path / "ffmpeg"
    hang = f"echo $$ > {tmp_path}/pid; exec sleep 600"
    stuck.write_text(f'#!/bin/sh\ncase "$*" in *-progress*) {hang};; esac\nexec {ffmpeg} "$@"\n')
    stuck.chmod(stuck.stat().st_mode | stat.S_IXUSR)
    command = [sys.executable, "-m", "seeder", "export", str(folder), "--ffmpeg", str(stuck)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=command_environment(tmp_path)
    ) as process:
        deadline = time.monotonic() + 90
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=90)
    assert (process.returncode, "nothing of it is there" in said) == (130, True)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feed", "ffmpeg", "pid"]


def test_times_are_seconds_or_as_clocks_show_them() -> None:
    for text, seconds in (("75", 75), ("1:15", 75), ("1:02:03.5", 3723.5), (" 0:00 ", 0), ("0.25", 0.25)):
        assert moment(text, "--from") == seconds
    assert moment(None, "--from") is None
    for text in ("", "-1", "1:2:3:4", "1e9", "nan", "１", "1:-2"):
        with pytest.raises(ConfigError, match="--from: seconds, or H:MM:SS"):
            moment(text, "--from")
