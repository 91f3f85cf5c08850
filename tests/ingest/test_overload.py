from __future__ import annotations

import os

import pytest

from seeder.ingest.overload import Pace, effort


def run(speed: float, seconds: int, effort: float | None = None, pace: Pace | None = None) -> Pace:
    """Segments of 2 s that come at ``speed`` × real time; ``effort`` in cores."""
    pace = pace or Pace(2.0)
    for media in range(2, seconds + 1, 2):
        now = media / speed
        pace.observe(now, media, None if effort is None else effort * now)
    return pace


def test_a_run_in_real_time_is_no_overload() -> None:
    assert not run(1.0, 600).overloaded(certain=True)
    assert run(1.0, 60).speed == pytest.approx(1.0)


def test_one_that_falls_ever_further_behind_is() -> None:
    assert not run(0.8, 8).overloaded(certain=True)  # a moment's weakness
    assert run(0.8, 60).overloaded(certain=True)


def test_a_hiccup_that_is_over_is_forgiven() -> None:
    pace = Pace(2.0)
    for media in range(2, 60, 2):
        pace.observe(media + (9.0 if media > 20 else 0.0), media, None)
    assert not pace.overloaded(certain=True)


def test_an_input_that_is_slow_itself_is_not_this_machines_fault() -> None:
    assert not run(0.5, 60, effort=0.2).overloaded(certain=False)
    assert not run(0.5, 60).overloaded(certain=False)  # nobody can tell
    assert run(0.5, 60, effort=1.8).overloaded(certain=False)


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="Linux tells how long threads waited")
def test_effort_grows_with_what_is_done() -> None:
    before = effort(os.getpid())
    sum(n * n for n in range(400_000))
    after = effort(os.getpid())
    assert before is not None
    assert after is not None
    assert after > before
    assert effort(2**22 + 1) is None
