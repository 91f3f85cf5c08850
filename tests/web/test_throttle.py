from __future__ import annotations

from seeder.web import throttle
from seeder.web.throttle import BURST, MOST, PERIOD, Failures


def test_after_so_many_failures_a_client_waits_for_the_periods_end() -> None:
    failures = Failures()
    for _ in range(BURST):
        assert failures.wait("a", 5.0) == 0
        failures.failed("a", 5.0)
    assert failures.wait("a", 5.0) == PERIOD
    assert failures.wait("a", 5.0 + PERIOD - 1) == 1
    assert failures.wait("b", 5.0) == 0
    assert failures.wait("a", 5.0 + PERIOD) == 0
    failures.failed("a", 5.0 + PERIOD)
    assert failures.wait("a", 5.0 + PERIOD) == 0


def test_no_more_clients_are_remembered_than_there_is_room_for() -> None:
    failures = Failures()
    for number in range(MOST + 50):
        failures.failed(str(number), 0.0)
    assert len(failures._seen) == throttle.MOST
