from __future__ import annotations

import pytest

from seeder.tracker.gate import Bucket, Gate, client_key
from seeder.tracker.limits import Limits


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_client_is_an_address_or_a_household_of_them(address: str, key: str) -> None:
    assert client_key(address) == key


def test_one_client_cannot_take_every_place() -> None:
    gate = Gate(Limits(max_connections=3, max_connections_per_ip=2))
    assert [gate.enter("a") for _ in range(3)] == [None, None, "per-ip"]
    assert [gate.enter("b") for _ in range(2)] == [None, "total"]
    gate.leave("a")
    assert gate.enter("b") is None


def test_a_gate_remembers_only_who_is_inside() -> None:
    gate = Gate(Limits())
    for number in range(100):
        gate.enter(str(number))
        gate.bucket(str(number), 0)
        gate.leave(str(number))
    assert not gate._clients
    assert not gate._buckets


def test_the_connections_of_one_client_share_its_rate() -> None:
    gate = Gate(Limits(client_rate=10, client_burst=2))
    for client in ("a", "a", "b"):
        gate.enter(client)
    assert [gate.bucket("a", 0).take(0) for _ in range(3)] == [0, 0, pytest.approx(0.1)]
    assert gate.bucket("b", 0).take(0) == 0


def test_a_burst_passes_and_a_flood_waits() -> None:
    bucket = Bucket(rate=10, burst=5, now=0)
    assert [bucket.take(0) for _ in range(5)] == [0] * 5
    assert bucket.take(0) == pytest.approx(0.1)
    assert bucket.take(0) == pytest.approx(0.2)
    assert bucket.take(100) == 0
