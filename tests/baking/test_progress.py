"""What is said while a bake goes on."""

from __future__ import annotations

import io

import pytest

from seeder.baking.hashing import Counter
from seeder.baking.listing import Extent
from seeder.baking.plan import Work
from seeder.baking.progress import PACE, Progress, picture, size

MIB = 1 << 20


def test_a_picture_tells_how_far_it_is_and_how_long_it_takes() -> None:
    line = picture(256 * MIB, 1024 * MIB, 80, 320, 2.0)
    assert line == (
        "[######..................]  25 %  80 of 320 segments, 256 MiB of 1 GiB, 128 MiB/s, 6 s left"
    )
    assert picture(0, 0, 0, 0, 0.0).startswith(f"[{'#' * 24}] 100 %")
    assert "left" not in picture(MIB, MIB, 1, 1, 5.0)


def test_sizes_have_three_digits() -> None:
    assert [size(n) for n in (0, 999, 1000, 1023, 1 << 20, 1000 * MIB, 5 << 40)] == [
        *("0 B", "999 B", "0.977 KiB", "0.999 KiB", "1 MiB", "0.977 GiB", "5 TiB"),
    ]


def progress(terminal: bool) -> tuple[list[float], io.StringIO, list[str], Progress]:
    clock, stream, log = [0.0], io.StringIO(), list[str]()
    return clock, stream, log, Progress(stream, log.append, terminal, lambda: clock[0])


def work() -> tuple[Counter, Work]:
    counter = Counter()
    counter.add(MIB, 1)
    return counter, Work((), (Extent("a.ts"), Extent("b.ts")), 2 * MIB, frozenset())


def test_a_terminal_has_one_line_that_gives_way_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    clock, stream, log, told = progress(terminal=True)
    for clock[0] in (0.0, 0.05, 0.2, 0.21, 0.4):
        told.show(*work())
    assert stream.getvalue().count("\r\033[K[") == 2, "no more pictures than one sees"
    assert "\n" not in stream.getvalue()
    told.clear()
    told.clear()
    assert {len(line) for line in stream.getvalue().split("\r\033[K")} == {0, 59}, "and does not wrap"
    assert log == []


def test_a_log_has_a_line_now_and_then() -> None:
    clock, stream, log, told = progress(terminal=False)
    for step in range(100):
        clock[0] = step * PACE / 20
        told.show(*work())
    told.clear()
    assert len(log) == 4
    assert stream.getvalue() == ""
