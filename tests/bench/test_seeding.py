from __future__ import annotations

from dataclasses import replace

import pytest

from bench.seeding import Course, Reading

FIRST = Reading(at=100, cpu=5, memory=200, descriptors=40, threads=18, udp=12, torrents=11, announces=50)


def test_growth_is_a_share_of_the_mean_a_minute_and_one_peak_is_none() -> None:
    grows = [replace(FIRST, at=100 + n, memory=200 + n) for n in range(11)]
    assert Course(4, grows, []).growth("memory") == pytest.approx(60 / 205)
    peaks = [replace(FIRST, at=100 + n, memory=230 if n == 5 else 200) for n in range(11)]
    assert Course(4, peaks, []).growth("memory") == pytest.approx(0)
    assert Course(4, peaks, []).most("memory") == 230


def test_a_rate_is_taken_from_the_first_reading_to_the_last() -> None:
    course = Course(4, [FIRST, replace(FIRST, at=105), replace(FIRST, at=110, cpu=7)], [])
    assert course.rate("cpu") == pytest.approx(0.2)
