"""The command itself: what it says, how it ends, what it leaves when it is cut short."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seeder import cli
from tests.baking.library import TRACKER, film, magnets, media, segment, tree, write
from tests.conftest import ROOT, command_environment

Run = Callable[..., tuple[int, str, str]]
PATIENCE = 90.0
"""Seconds for what takes one: the machine may be busy."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return film(tmp_path / "films")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """The command in this process: exit code, stdout, stderr. The logging is put back."""
    for name in [name for name in os.environ if name.startswith("LIVE_TORRENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    top, ours = logging.getLogger(), logging.getLogger("seeder")
    before = (top.handlers[:], top.level, ours.level, logging.raiseExceptions)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli._main(("bake", *arguments))
        return code, *capsys.readouterr()

    yield call
    top.handlers[:], top.level, ours.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


def only_error(code: int, err: str, expected: int) -> str:
    assert code == expected, err
    errors = [line for line in err.splitlines() if line.startswith("live-torrent: error: ")]
    assert len(errors) == 1, err
    assert "Traceback" not in err
    return errors[0]


def test_what_viewers_may_exchange_stands_in_what_is_baked(run: Run, root: Path) -> None:
    terms = ("--sharing", "ask", "--max-ratio", "1.5", "--min-viewers", "2")
    assert run("films", "--tracker", TRACKER, *terms)[0] == 0
    for playlist in root.rglob("*.m3u8"):
        assert f'TRACKER="{TRACKER}",SHARING=ask,MAX-RATIO=1.5,MIN-VIEWERS=2\n' in playlist.read_text()
    run("films", "--tracker", TRACKER)
    assert not any("SHARING" in playlist.read_text() for playlist in root.rglob("*.m3u8"))


def test_bake_again_and_undo(run: Run, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(root)
    code, out, err = run("films", "--tracker", TRACKER)
    assert (code, err) == (0, "")
    assert "master.m3u8: 3 playlists, 6 of 6 segments with magnets, swarm " in out
    assert "page watch.html" in out
    assert "1 stream: 6 segments hashed (879 KiB in " in out
    monkeypatch.setenv("LIVE_TORRENT_TRACKER", TRACKER)
    _, out, _ = run("films")
    assert "1 stream: 0 segments hashed" in out
    assert "6 known, 0 files written" in out
    assert "3 playlists would be restored" in run("films", "--undo", "--dry-run")[1]
    assert "3 playlists restored" in run("films", "--undo")[1]
    assert tree(root) == before


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(run: Run, root: Path) -> None:
    before = tree(root)
    _, out, _ = run("films", "--tracker", TRACKER, "--dry-run")
    assert "master.m3u8: 3 playlists, 6 segments" in out
    assert "would hash 6 segments of 879 KiB (0 known)" in out
    assert tree(root) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("films",), 2, "bake needs --tracker wss://"),
        (("films", "--tracker", "http://x.example"), 2, "--tracker: "),
        (("films", "--tracker", "ws://x.example", "--public-url", "https://y.example"), 2, "mixed content"),
        (("nowhere", "--tracker", TRACKER), 3, "nowhere does not exist"),
        (("films/master.m3u8", "--tracker", TRACKER), 3, "is not a folder"),
        (("empty", "--tracker", TRACKER), 3, "no playlist (.m3u8) in"),
        (("films", "--undo"), 3, "nothing to undo"),
        (("newer", "--tracker", TRACKER), 3, "version 99 is not known here"),
    ],
)
def test_a_mistake_is_one_line(
    run: Run, root: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    film(tmp_path / "newer")
    write(tmp_path / "newer/.live-torrent.jsonl", '{"live-torrent":99}\n')
    before = tree(tmp_path)
    got, out, err = run(*arguments)
    assert says in only_error(got, err, code)
    assert (out, err.count("\n")) == ("", 1)
    assert tree(tmp_path) == before


def test_warnings_are_all_said_and_are_no_failure(run: Run, root: Path) -> None:
    write(root / "empty.ts", b"")
    write(root / "odd.m3u8", media("gone.ts", "../x.ts", "https://other.example/x.ts", "empty.ts"))
    write(root / "text.m3u8", "nothing\n")
    write(root / "live.m3u8", media("x.ts", end=""))
    code, _, err = run("films", "--tracker", TRACKER)
    assert code == 0
    assert err.count("warning: ") == 6, err


def command(folder: Path, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seeder", "bake", "films", "--tracker", TRACKER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=command_environment(folder),
        **options,  # type: ignore[call-overload]
    )


def test_a_full_disk_is_one_line_and_costs_nothing(root: Path, tmp_path: Path) -> None:
    before = tree(root)
    # As a disk with room for the small files, but not for the player.
    limit = (100_000, 100_000)
    full = command(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    _, err = full.communicate(timeout=PATIENCE)
    assert "cannot write" in only_error(full.returncode, err, 3)
    after = tree(root)
    assert {path: after[path] for path in before} == before
    assert not [path for path in after if path.endswith("-new")]


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[], tuple[int, str]]:
    """The command as a user without rights of its own: exit code and stderr."""
    setpriv = shutil.which("setpriv")
    if os.getuid() == 0 and setpriv is None:
        pytest.skip("root may do everything and there is no setpriv to become somebody else")
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if str(parent).startswith("/tmp/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    nobody = [str(setpriv), "--reuid", "65534", "--regid", "65534", "--clear-groups"]

    def call() -> tuple[int, str]:
        done = subprocess.run(
            [
                *(nobody if os.getuid() == 0 else []),
                *(sys.executable, "-m", "seeder", "bake", "films", "--tracker", TRACKER),
            ],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if done.returncode and "live-torrent" not in done.stderr:
            pytest.skip("nobody may not run this Python")
        return done.returncode, done.stderr

    return call


def test_a_folder_that_may_not_be_written_is_left_alone(
    root: Path, as_nobody: Callable[[], tuple[int, str]]
) -> None:
    root.chmod(0o555)
    code, err = as_nobody()
    assert "films is not writable by this user" in only_error(code, err, 3)


def test_what_may_not_be_read_has_no_magnet_and_the_rest_has(
    root: Path, as_nobody: Callable[[], tuple[int, str]]
) -> None:
    (root / "low/1.ts").chmod(0)
    (root / "high/index.m3u8").chmod(0)
    if os.getuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, 65534, 65534)
    code, err = as_nobody()
    assert code == 0, err
    assert "low/1.ts cannot be read (Permission denied): no magnet for it" in err
    assert "high/index.m3u8 cannot be used (Permission denied): left alone" in err
    assert magnets(root / "low/index.m3u8").keys() == {"0.ts", "2.ts"}


# ------------------------------------------------------------------------------------------------ cut short

SEGMENTS, STREAMS = 25, 4


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Some time of hashing: holes in files take no room, and hash like all else."""
    root = tmp_path / "films"
    for number in range(STREAMS):
        names = [f"{index}.ts" for index in range(SEGMENTS)]
        write(root / f"{number}" / "index.m3u8", media(*names))
        for name in names:
            write(root / f"{number}" / name, segment(number, 1000))
            os.truncate(root / f"{number}" / name, 5 << 20)
    return root


@pytest.mark.parametrize(
    ("number", "after"),
    [(signal.SIGINT, 0), (signal.SIGINT, 40), (signal.SIGKILL, 40)],
    ids=["SIGINT at first", "SIGINT later", "SIGKILL"],
)
def test_cut_short_anywhere_every_file_is_whole_and_the_next_run_goes_on(
    large: Path, tmp_path: Path, run: Run, number: signal.Signals, after: int
) -> None:
    originals = {path: path.read_text() for path in large.rglob("*.m3u8")}
    names = set(large.rglob("*"))
    journal = large / ".live-torrent.jsonl"
    process = command(tmp_path)

    def hashed() -> int:
        return journal.read_text().count('"segment"') if journal.exists() else -1

    deadline = time.monotonic() + PATIENCE
    while hashed() < after and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(number)
    _, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    known = max(0, hashed())
    assert known >= after
    done = (
        process.returncode == 0 and known == SEGMENTS * STREAMS
    )  # it was quicker than we, on a busy machine
    assert done or process.returncode == (130 if number is signal.SIGINT else -number), err
    for path, text in originals.items():
        now = path.read_text()
        assert now == text or now.count("MAGNET=") == SEGMENTS, "the one, or the other"
    if number is signal.SIGINT:
        assert done or "run it again to go on" in err
        assert not list(large.rglob("*-new"))

    _, out, _ = run("films", "--tracker", TRACKER)
    assert f"{SEGMENTS * STREAMS - known} segments hashed" in out
    assert f"{known} known" in out
    assert all(path.read_text().count("MAGNET=") == SEGMENTS for path in originals)
    run("films", "--undo")
    assert {path: path.read_text() for path in originals} == originals
    assert set(large.rglob("*")) == names


def test_two_bakes_of_a_folder_do_not_meet(large: Path, tmp_path: Path, run: Run) -> None:
    first = command(tmp_path)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (large / ".live-torrent.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.002)
        first.send_signal(signal.SIGSTOP)
        code, _, err = run("films", "--tracker", TRACKER)
        assert "another bake is at work" in only_error(code, err, 3)
    finally:
        first.send_signal(signal.SIGCONT)
        first.kill()
        first.communicate()
