"""What events remember, and for whom."""

from __future__ import annotations

from seeder.events import REMEMBERED, Events


def test_who_says_what_it_saw_last_gets_the_rest_or_learns_that_there_was_more() -> None:
    events = Events(lambda: 1_000_000.0)
    before = events.newest
    assert events.complete(before)
    assert events.since(before) == ()
    first = events.emit("stream.live", name="garden")
    second = events.emit("stream.ended", name="garden")
    assert events.newest == second.id
    assert events.since(before) == (first, second)
    assert events.since(first.id) == (second,)
    assert events.complete(before)
    for another_runs in (0, before - 1, second.id + 1):
        assert not events.complete(another_runs)
    for _ in range(REMEMBERED - 1):
        events.emit("task.changed")
    assert events.complete(first.id)
    assert not events.complete(before), "the first is forgotten"
    events.emit("task.changed")
    assert not events.complete(first.id)


def test_no_event_has_the_number_of_one_of_the_last_run() -> None:
    events = Events(lambda: 1_000_000.0)
    last = [events.emit("stream.live") for _ in range(100)][-1]
    assert Events(lambda: 1_000_000.001).newest > last.id
