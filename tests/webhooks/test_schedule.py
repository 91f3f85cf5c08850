"""When a message is sent, sent again and given up: decided without a clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seeder.webhooks import schedule
from seeder.webhooks.message import Message
from seeder.webhooks.schedule import DELAYS, HOLDS, Verdict, delay, fitting, judged, ready, wake


def message(ident: str, stream: str = "garden", place: str = "here", **more: float) -> Message:
    return replace(Message(ident, place, "stream.live", stream, "{}", 0.0), **more)


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


def test_those_of_one_stream_go_one_after_the_other_at_each_place() -> None:
    waiting = [message("a"), message("b"), message("c", "pond"), message("d", place="there")]
    assert ids(ready(waiting, (), 0)) == ["a", "c", "d"]
    assert ids(ready(waiting, {("here", "a")}, 0)) == ["c", "d"]
    assert ids(ready(waiting[1:], (), 0)) == ["b", "c", "d"]


def test_who_waits_for_another_attempt_holds_up_its_stream_for_some_minutes_alone() -> None:
    waiting = [message("a", attempts=HOLDS - 1, due=100.0), message("b")]
    assert ids(ready(waiting, (), 0)) == []
    assert ids(ready(waiting, (), 100)) == ["a"]
    waiting[0] = replace(waiting[0], attempts=HOLDS)
    assert ids(ready(waiting, (), 0)) == ["b"]
    assert ids(ready(waiting, (), 100)) == ["a", "b"]
    assert ids(ready(waiting, {("here", "a")}, 100)) == [], "while it is being sent, it is in its lane"


def test_one_place_gets_so_many_at_once() -> None:
    waiting = [message(str(n), f"stream{n}") for n in range(schedule.FLYING + 3)]
    assert len(ready(waiting, (), 0)) == schedule.FLYING
    assert len(ready(waiting, {("here", "0"), ("here", "1")}, 0)) == schedule.FLYING - 2


def test_waking_is_for_what_is_due_later_alone() -> None:
    assert wake([], 0) is None
    assert wake([message("a")], 0) is None, "that is sent, or waits for its turn"
    assert wake([message("a", due=30.0), message("b", due=20.0), message("c")], 5) == 15


def test_attempts_go_on_for_a_day_each_a_while_after_the_last() -> None:
    assert [delay(n + 1, 0.5) for n in range(len(DELAYS))] == list(DELAYS)
    assert delay(len(DELAYS) + 1, 0.5) is None
    assert 20 * 3600 < sum(DELAYS) < 30 * 3600
    assert delay(1, 0) == 4
    assert delay(1, 0.999) < 6


@pytest.mark.parametrize(
    ("asked", "seconds"), [("60", 60), ("1", 5), ("999999", 3600), ("-5", 5), ("soon", 5), ("9" * 20, 5)]
)
def test_a_place_may_ask_for_patience_within_reason(asked: str, seconds: float) -> None:
    assert delay(1, 0.5, asked) == seconds


def test_verdicts() -> None:
    assert [judged(s) for s in (200, 204, 299)] == [Verdict.DONE] * 3
    assert [judged(s) for s in (301, 302, 308, 400, 401, 404, 429, 500, 503)] == [Verdict.AGAIN] * 9
    assert judged(410) is Verdict.GONE


def test_the_oldest_of_a_place_that_has_too_many_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "MOST", 2)
    waiting = [message("a"), message("x", place="there"), message("b"), message("c")]
    kept, lost = fitting(waiting)
    assert (ids(kept), ids(lost)) == (["x", "b", "c"], ["a"])
