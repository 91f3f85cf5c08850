"""Flags in, one line and an exit code out; what the commands then do is in test_service and bad_input."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from seeder import __version__, cli, logs, options, running
from seeder.config import Local, Plan
from seeder.errors import FeedError, ServeError
from seeder.settings import SETTINGS


@pytest.fixture(autouse=True)
def _clean_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings from the environment, no feed folder in the working directory, the logging put back."""
    for name in [name for name in os.environ if name.startswith("LIVE_TORRENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    root, ours = logging.getLogger(), logging.getLogger("seeder")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    yield
    root.handlers[:], root.level, ours.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and the one line on stderr."""
    code = cli._main(arguments)
    out, err = capsys.readouterr()
    assert code != 0
    assert out == ""
    assert err.startswith("live-torrent: error: ")
    assert err.count("\n") == 1
    return code, err.strip()


def test_help_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], ["-h"], []):
        assert cli._main(arguments) == 0
        text = capsys.readouterr().out
        for example in (
            "live-torrent demo\n",
            "live-torrent stream rtsp://",
            "live-torrent serve --feed feed",
        ):
            assert example in text


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._main(["--version"]) == 0
    assert capsys.readouterr().out == f"live-torrent {__version__}\n"


def test_python_dash_m_is_the_same_command() -> None:
    command = [sys.executable, "-m", "seeder", "--version"]
    root = Path(cli.__file__).parents[1]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert result.stdout == f"live-torrent {__version__}\n"


def test_every_setting_is_a_flag_and_every_command_that_serves_takes_a_config_file() -> None:
    flags = {option for command in cli.cli.commands.values() for p in command.params for option in p.opts}
    assert {row.flag for row in SETTINGS.values()} <= flags
    for name, command in cli.cli.commands.items():
        if name in ("check", "keys"):
            continue  # they serve nothing
        assert "--config" in {option for p in command.params for option in p.opts}
        assert isinstance(command.get_short_help_str(70), str)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["srve"], "serve"),
        (["serve", "--prot", "1"], "--port"),
        (["serve", "--port"], "--port"),
        (["stream", "x.mp4"], "--name"),
        (["stream", "--name", "x"], "INPUT"),
        (["stream", "x.mp4", "--name", "../x"], "cannot name a stream"),
        (["stream", "", "--name", "x"], "input is empty"),
        (["demo", "--input", " "], "input is empty"),
        (["demo", "--port", "99999"], "--port: must be between"),
        (["demo", "--stun", "stun:x?transport=udp"], "--stun: must not hold"),
        (["demo", "--turn", "turn:a.example.org"], "--turn needs --turn-secret-file"),
        (["demo", "--sharing", "aks"], "did you mean 'ask'?"),
        (["demo", "--config", "missing.toml"], "--config: cannot read missing.toml"),
        (["demo", "--log-format", "xml"], "--log-format: must be one of"),
    ],
)
def test_a_wrong_flag_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    code, line = fails(capsys, *arguments)
    assert code == 2
    assert says in line


def test_a_wrong_variable_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVE_TORRENT_WINDOW", "1")
    assert fails(capsys, "demo") == (
        2,
        "live-torrent: error: LIVE_TORRENT_WINDOW: must be between 3 and 100, not 1",
    )


def test_a_feed_that_does_not_exist_is_exit_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    code, line = fails(capsys, "serve", "--feed", "nowhere")
    assert code == 3
    assert "nowhere does not exist: create it" in line
    code, line = fails(capsys, "serve")
    assert code == 3
    assert "the feed folder feed does not exist" in line


def test_a_file_is_not_a_feed(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").touch()
    assert "is not a folder" in fails(capsys, "serve", "--feed", "file")[1]
    assert "is not a folder" in fails(capsys, "demo", "--feed", "file")[1]
    assert fails(capsys, "stream", "in.mp4", "--name", "x", "--feed", "file/below")[0] == 3


def test_nothing_is_created_before_the_flags_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, "stream", "in.mp4", "--name", "a/b", "--feed", "new")
    fails(capsys, "stream", "in.mp4", "--name", "x", "--feed", "new", "--port", "x")
    assert not Path("new").exists()


def test_with_json_logs_the_error_is_json_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli._main(["serve", "--feed", "nowhere", "--log-format", "json"]) == 3
    event = json.loads(capsys.readouterr().err)
    assert event["level"] == "error"
    assert "nowhere" in event["message"]


def test_an_unforeseen_failure_is_one_line_with_a_pointer(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._report(ZeroDivisionError("oops\nsecond line")) == 1
    assert capsys.readouterr().err == (
        "live-torrent: error: ZeroDivisionError: oops second line "
        "(unforeseen; --log-level debug shows where)\n"
    )


def test_our_own_error_is_picked_out_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup(
        "tasks", [ValueError("x"), ExceptionGroup("inner", [FeedError("the feed is gone")])]
    )
    assert cli._report(group) == 3
    assert capsys.readouterr().err == "live-torrent: error: the feed is gone\n"


def test_secrets_do_not_reach_the_error_line(capsys: pytest.CaptureFixture[str]) -> None:
    cli._report(ServeError("cannot open rtsp://me:hunter2@camera/1"))
    assert "hunter2" not in capsys.readouterr().err


def test_debugging_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("text", "debug")
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as error:
        cli._report(error)
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_before_anything_runs_is_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "load", interrupted)
    assert cli._main(["demo"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_the_demos_folder_is_removed_whatever_happens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def crash(*_: object, **__: object) -> None:
        (folder,) = tmp_path.iterdir()
        (folder / "segment.m4s").touch()
        raise FeedError("no")

    monkeypatch.setattr(cli, "run", crash)
    assert cli._main(["demo"]) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_given_feed_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cli, "run", lambda *_, **__: None)
    assert cli._main(["demo", "--feed", str(tmp_path / "kept")]) == 0
    assert (tmp_path / "kept").is_dir()


def test_the_browser_opens_only_where_somebody_sits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert not running.has_screen()


def test_help_into_a_closed_pipe_is_no_failure() -> None:
    root = Path(cli.__file__).parents[1]
    command = f"{sys.executable} -m seeder demo --help | head -1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, cwd=root)
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def test_options_are_explained() -> None:
    for command in cli.cli.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{command.name} {parameter.opts}"


def test_a_stop_that_hangs_is_ended() -> None:
    program = (
        "import asyncio, sys\n"
        "from seeder import cli, running, service\n"
        "async def run(plan, playing, stopping, up):\n"
        "    stopping()\n"
        "    await asyncio.sleep(600)\n"
        "service.run = run\n"
        "running.STOP_SECONDS = 0.1\n"
        "cli.main(['demo'])\n"
    )
    root = Path(cli.__file__).parents[1]
    environ = {**os.environ, "TMPDIR": os.getcwd(), "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ)
    assert done.returncode == 1
    assert "live-torrent: error: stopping took longer" in done.stderr
    assert list(Path.cwd().iterdir()) == []


def attached(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Plan:
    plans: list[Plan] = []
    monkeypatch.setattr(cli, "run", plans.append)
    assert cli._main(["attach", *arguments, "--name", "show"]) == 0
    return plans[0]


def test_attach_takes_a_folder_or_a_playlist_in_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "x.m3u8").touch()
    file = (tmp_path / "a b" / "x.m3u8").as_uri()
    for where, playlist in (("a b", None), ("a b/x.m3u8", "x.m3u8"), (file, "x.m3u8")):
        plan = attached(monkeypatch, where, "--no-seed")
        assert (plan.feed, plan.name, plan.ingests) == ((tmp_path / "a b").resolve(), "show", False)
        assert plan.local == Local(playlist, seed=False)
    plan = attached(monkeypatch, "https://example.org/x.m3u8")
    assert plan.local is None
    assert plan.attached is not None


def test_attach_says_in_one_line_what_it_cannot_take(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "film.mp4").touch()
    for where, words in (
        ("nowhere", "nowhere does not exist"),
        ("film.mp4", "is no playlist"),
        ("rtmp://host/app/key", "not by rtmp"),
        (" ", "empty"),
    ):
        assert words in fails(capsys, "attach", where, "--name", "show")[1]
    code, said = fails(capsys, "attach", str(tmp_path), "--name", "show", "--relay")
    assert code == 2
    assert "for URLs" in said
    assert (
        "NAME: VALUE" in fails(capsys, "attach", "http://a/x", "--name", "show", "--header", "A: b\nC: d")[1]
    )


@pytest.mark.parametrize(
    ("flags", "terminal", "opened"),
    [((), True, True), ((), False, False), (("--no-studio",), True, False), (("--studio",), False, True)],
)
def test_the_demo_shows_a_key_for_the_studio_where_no_log_keeps_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    flags: tuple[str, ...],
    terminal: bool,
    opened: bool,
) -> None:
    plans: list[Plan] = []
    monkeypatch.setattr(cli, "run", lambda plan, **_: plans.append(plan))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert cli._main(["demo", *flags]) == 0
    (plan,) = plans
    assert (plan.guest is not None) == opened
    assert ("browser:0" in plan.config.publish) == opened
    running._announce("http://127.0.0.1:8008", plan)
    shown = capsys.readouterr()
    assert ("/studio?stream=studio" in shown.out) == opened
    if plan.guest is not None:
        assert plan.guest.key in shown.out
        assert plan.guest.key not in shown.err + repr(plan)
        assert f"={plan.guest.key}" not in shown.out  # in no address
