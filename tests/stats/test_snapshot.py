from __future__ import annotations

import dataclasses

import pytest

from seeder.stats.counters import HttpCounters, TrackerCounters
from seeder.stats.snapshot import Health, Snapshot, freeze_http, freeze_tracker


def test_a_snapshot_does_not_move_with_its_counters() -> None:
    http, tracker = HttpCounters(), TrackerCounters()
    http.responded("segment", 200, 10)
    tracker.received["announce"] += 1
    frozen_http, frozen_tracker = freeze_http(http), freeze_tracker(tracker)
    http.responded("segment", 200, 10)
    tracker.received["announce"] += 1
    tracker.offers += 1
    assert frozen_http.sent == {"segment": 10}
    assert frozen_http.responses == {("segment", 200): 1}
    assert (frozen_tracker.received, frozen_tracker.offers) == ({"announce": 1}, 0)
    with pytest.raises(TypeError):
        frozen_http.sent["segment"] = 0  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        frozen_tracker.offers = 9  # type: ignore[misc]


def test_every_tracker_counter_is_in_the_snapshot() -> None:
    counters = TrackerCounters(1, 2, offers=3, answers=4, failures=5)
    frozen = freeze_tracker(counters)
    for field in dataclasses.fields(TrackerCounters):
        assert getattr(frozen, field.name) == getattr(counters, field.name)


def test_one_ill_room_makes_the_whole_ill() -> None:
    assert Snapshot().healthy
    assert Snapshot(health={"feed": Health(True)}).healthy
    assert not Snapshot(health={"feed": Health(True), "web": Health(False, "why")}).healthy
