"""The story of a run, told in few lines."""

from __future__ import annotations

from seeder.model import StreamView
from seeder.progress import PACE, Progress


def view(name: str, segments: int = 3, live: bool = True) -> StreamView:
    return StreamView(name, live, {}, {}, 2.0, segments)


def test_a_stream_is_announced_with_its_first_segment_and_not_again() -> None:
    progress = Progress(lambda infohash: 0)
    assert progress.lines([view("a", 0)], 0) == []
    assert not progress.plays("a")
    assert progress.lines([view("a", 1)], 1) == ["a: first segment ready"]
    assert progress.plays("a")
    assert progress.lines([view("a", 2)], 2) == []


def test_a_recording_is_told_from_a_live_stream() -> None:
    assert Progress(lambda _: 0).lines([view("film", 1, live=False)], 0) == ["film: 1 segment, recorded"]


def test_a_stream_that_vanished_may_return() -> None:
    progress = Progress(lambda infohash: 0)
    progress.lines([view("a"), view("b")], 0)
    assert progress.lines([view("b")], 1) == []
    assert not progress.plays("a")
    assert progress.lines([view("a"), view("b")], 3) == ["a: first segment ready"]


def test_viewers_are_told_at_a_calm_pace() -> None:
    count = 0
    progress = Progress(lambda infohash: count)
    progress.lines([view("a")], 0)
    said = []
    for second in range(1, 60):
        count += 1
        said += progress.lines([view("a")], second)
    assert said[0] == "a: 1 viewer"
    assert len(said) == -(-59 // PACE)


def test_the_last_number_of_viewers_is_told_in_the_end() -> None:
    count = 2
    progress = Progress(lambda infohash: count)
    progress.lines([view("a")], 0)
    assert progress.lines([view("a")], 1) == ["a: 2 viewers"]
    count = 0
    assert progress.lines([view("a")], 2) == []
    assert progress.lines([view("a")], 1 + PACE) == ["a: 0 viewers"]
