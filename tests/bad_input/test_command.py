"""What a person gets wrong on the command line: one line, the right exit code, no litter."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


def error_of(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one error line; progress may stand before it."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("live-torrent: error: ")]
    assert len(errors) == 1, done.stderr
    assert done.stderr.splitlines()[-1] == errors[0]
    return errors[0]


def test_a_feed_that_does_not_exist(run_command: Run) -> None:
    assert "/nowhere does not exist" in error_of(run_command("serve", "--feed", "/nowhere", "--port", "0"), 3)


def test_a_feed_that_is_a_file(run_command: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "not a folder" in error_of(run_command("serve", "--feed", "file", "--port", "0"), 3)


@pytest.mark.parametrize("mode", [0o000, 0o311])
def test_a_feed_that_is_not_readable(tmp_path: Path, mode: int) -> None:
    setpriv = shutil.which("setpriv")
    if os.getuid() == 0 and setpriv is None:
        pytest.skip("root reads everything and there is no setpriv to become somebody else")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        if parent.owner() == tmp_path.owner() and str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    feed = tmp_path / "feed"
    feed.mkdir(mode=mode)
    feed.chmod(mode)
    as_nobody = [str(setpriv), "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    command = [sys.executable, "-m", "seeder", "serve", "--feed", str(feed), "--port", "0"]
    done = subprocess.run(
        (as_nobody if os.getuid() == 0 else []) + command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    if "Permission denied" in done.stderr and "seeder" not in done.stderr:
        pytest.skip("nobody may not run this Python")
    assert "not readable" in error_of(done, 3)


def test_a_port_in_use(run_command: Run, feed_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_command("serve", "--feed", str(feed_dir), "--port", str(port))
    assert f"127.0.0.1:{port} is in use" in error_of(done, 5)


def test_a_port_in_use_leaves_no_trace_of_the_demo(run_command: Run, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_command("demo", "--no-open", "--port", str(port), env={"TMPDIR": str(scratch)})
    assert "--port" in error_of(done, 5)
    assert list(scratch.iterdir()) == []


def test_an_address_that_is_not_ours(run_command: Run, feed_dir: Path) -> None:
    done = run_command("serve", "--feed", str(feed_dir), "--host", "198.51.100.1", "--port", "0")
    assert "--host" in error_of(done, 5)


@pytest.mark.parametrize(
    ("cert", "says"), [("missing.pem", "cannot read"), ("garbage.pem", "cannot be used")]
)
def test_a_certificate_that_cannot_be_used(run_command: Run, tmp_path: Path, cert: str, says: str) -> None:
    (tmp_path / "feed").mkdir()
    (tmp_path / "garbage.pem").write_text("not a certificate\n")
    done = run_command("serve", "--port", "0", "--tls-cert", cert, "--tls-key", "garbage.pem")
    line = error_of(done, 5)
    assert says in line
    assert cert in line


@pytest.mark.parametrize("command", [("demo", "--no-open", "--input"), ("stream", "--name", "x")])
def test_an_input_that_is_not_there(run_command: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = run_command(*command, "missing.mp4", "--port", "0", env={"TMPDIR": str(scratch)})
    assert "missing.mp4" in error_of(done, 4)
    assert list(scratch.iterdir()) == []


def test_an_input_that_is_no_media(run_command: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("these are not the pictures you are looking for\n" * 100)
    assert "notes.mp4" in error_of(run_command("stream", "notes.mp4", "--name", "x", "--port", "0"), 4)


def test_an_ffmpeg_that_is_not_there(run_command: Run) -> None:
    done = run_command("demo", "--no-open", "--ffmpeg", "/nowhere/ffmpeg", "--port", "0")
    assert "/nowhere/ffmpeg" in error_of(done, 4)


def test_too_few_file_descriptors(tmp_path: Path, feed_dir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seeder", "serve", "--feed", str(feed_dir), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)),
    )
    assert "only 100 file descriptors are allowed" in error_of(done, 5)
    assert "ulimit -n" in done.stderr


def test_a_configuration_with_a_typing_error(run_command: Run, tmp_path: Path) -> None:
    (tmp_path / "lt.toml").write_text("prot = 80\n")
    assert "did you mean 'port'?" in error_of(run_command("serve", "--config", "lt.toml"), 2)


def test_a_variable_with_a_typing_error_is_said_and_the_rest_goes_on(run_command: Run) -> None:
    done = run_command("serve", "--feed", "/nowhere", env={"LIVE_TORRENT_PROT": "80"})
    assert "LIVE_TORRENT_PROT is not a setting; did you mean 'LIVE_TORRENT_PORT'?" in done.stderr
    error_of(done, 3)
