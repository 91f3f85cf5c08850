from __future__ import annotations

import subprocess
import sys

import pytest

from bench.swarm.contestants import ALL, BASELINE, chosen
from bench.swarm.settings import LINKS, Setting, crossed, everything, stream_seconds, trial_seconds
from tests.conftest import ROOT


def test_contestants_keep_their_order_whatever_was_asked_for() -> None:
    assert [c.key for c in chosen(["p2pml-3", "ours", "hlsjs"])] == ["hlsjs", "ours", "p2pml-3"]
    assert BASELINE in {c.key for c in ALL}


def test_the_default_run_takes_less_than_ten_minutes() -> None:
    (setting,) = crossed([6], ["loopback"], 60.0, churn=False, busy=False)
    assert trial_seconds(setting) * len(ALL) < 600


def test_full_has_every_kind_of_trouble() -> None:
    full = everything(60.0)
    assert {s.links.key for s in full} == set(LINKS)
    assert {s.viewers for s in full} == {2, 4, 6}
    assert any(s.churn for s in full)
    assert any(s.busy for s in full)
    assert max(s.seconds for s in full) == 300, "the latency goal is for the end of five minutes"
    assert len({s.title for s in full}) == len(full), "results are told apart by their titles"


def test_a_third_leaves() -> None:
    loopback = LINKS["loopback"]
    leaving = [Setting(n, loopback, 60.0, churn=True).leaving for n in (1, 2, 4, 6)]
    assert leaving == [0, 1, 1, 2]
    assert Setting(6, loopback, 60.0).leaving == 0


def test_the_stream_is_longer_than_the_longest_trial() -> None:
    full = everything(60.0)
    assert stream_seconds(full) > max(map(trial_seconds, full))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--viewers", "0"], "--viewers takes numbers from 1"),
        (["--links", "moon"], "there is no 'moon': choose from loopback, wan, lossy"),
        (["--contestants", "nobody"], "there is no 'nobody': choose from hlsjs, ours"),
        (["--seconds", "5"], "--seconds is from 30 to 600"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(arguments: list[str], says: str) -> None:
    command = [sys.executable, "-m", "bench.swarm", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_help_teaches_with_examples() -> None:
    command = [sys.executable, "-m", "bench.swarm", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "--links wan,lossy" in done.stdout
    assert "0.5 % loss" in done.stdout
