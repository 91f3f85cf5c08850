"""A publisher with a clock of its own, and who reloads it."""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate, pairwise
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.feed.remote.rhythm import IN_VAIN, SOONEST, Rhythm

TRIP = 0.02


def follow(listed: list[float], lasts: float, target: float) -> tuple[list[float], list[float]]:
    """How late each segment was seen, and when each reload began."""
    asked = listed[0] + 0.7 * lasts
    known = bisect_right(listed, asked)
    rhythm = Rhythm.first(target, lasts, asked)
    late, reloads = [], [asked]
    while known < len(listed):
        asked = max(rhythm.next(asked), asked + TRIP)
        reloads.append(asked)
        now = bisect_right(listed, asked + TRIP / 2)
        if now > known:
            late += [asked + TRIP - at for at in listed[known:now]]
            rhythm = rhythm.changed(target, (now - known) * lasts, asked)
            known = now
        else:
            rhythm = rhythm.unchanged(asked)
    return late, reloads


@pytest.mark.parametrize(("lasts", "target"), [(2, 2), (1.92, 2), (6, 6), (2, 4), (0.5, 1)])
def test_a_steady_publisher_is_soon_met_and_hardly_asked_more_than_once_a_segment(
    lasts: float, target: float
) -> None:
    dice = random.Random(1)
    listed = [lasts * n + dice.uniform(0, 0.02) for n in range(400)]
    late, reloads = follow(listed, lasts, target)
    assert median(late[20:]) < 0.1
    assert len(reloads) < 1.25 * len(listed)


def test_without_learning_half_a_target_duration_would_be_lost() -> None:
    late, _ = follow([4.0 * n for n in range(200)], 4, 4)
    assert median(late[:2]) > 0.5
    assert median(late[-50:]) < 0.1


def test_a_pause_is_waited_out_politely_and_what_follows_is_met_again() -> None:
    listed = [2.0 * n for n in range(60)] + [200 + 2.0 * n for n in range(60)]
    late, reloads = follow(listed, 2, 2)
    waiting = [b - a for a, b in pairwise(reloads) if 125 < a < 195]
    assert min(waiting) >= IN_VAIN * 2 - 1e-9
    assert median(late[-20:]) < 0.1


@given(st.lists(st.floats(0, 10), min_size=2, max_size=60), st.floats(1, 10))
def test_however_a_publisher_behaves_it_is_not_asked_without_end(gaps: list[float], target: float) -> None:
    late, reloads = follow(list(accumulate(gaps)), target, target)
    assert all(b - a > 0.04 * target or b - a >= TRIP for a, b in pairwise(reloads))
    # Five in a row at most come sooner than a player's half target duration.
    spans = [b - a for a, b in zip(reloads, reloads[6:], strict=False)]
    assert all(span >= SOONEST * target for span in spans)
    assert all(lateness >= 0 for lateness in late)
