"""Packets through the router, by the clock in the test."""

from __future__ import annotations

import random
import socket

import pytest

from bench.swarm.shaping import QUEUE_SECONDS, Line, Port, Shaper

ALICE, BOB = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")
DELAY = 0.025


def packet(to: bytes, size: int = 1000) -> bytes:
    return bytes([0x45]) + bytes(15) + to + bytes(size - 20)


def shaper(up: float = 0.0, down: float = 0.0, loss: float = 0.0) -> Shaper:
    ports = {address: Port(address, up, down, DELAY) for address in (ALICE, BOB)}
    return Shaper(ports, loss, random.Random(3))


def arrivals(net: Shaper) -> list[float]:
    """When each packet arrives, with nobody else's traffic."""
    out = []
    while (at := net.next_at) is not None:
        out += [at] * len(net.due(at))
    return out


def test_a_packet_takes_a_quarter_of_the_round_trip_on_each_line() -> None:
    net = shaper()
    net.receive(packet(BOB), ALICE, 1.0)
    assert net.due(1.049) == []
    assert net.due(1.0501) == [(BOB, packet(BOB))]
    assert net.next_at is None


def test_packets_leave_at_the_line_s_rate() -> None:
    net = shaper(up=100_000)
    for _ in range(3):
        net.receive(packet(BOB), ALICE, 0.0)
    assert arrivals(net) == pytest.approx([0.06, 0.07, 0.08])


def test_the_narrower_line_decides() -> None:
    net = shaper(up=1_000_000, down=100_000)
    for _ in range(2):
        net.receive(packet(BOB), ALICE, 0.0)
    assert arrivals(net) == pytest.approx([0.061, 0.071])


def test_two_senders_share_the_receiver_s_line() -> None:
    carol = socket.inet_aton("10.0.0.3")
    ports = {address: Port(address, 0.0, 100_000, DELAY) for address in (ALICE, BOB, carol)}
    net = Shaper(ports, 0.0, random.Random(3))
    net.receive(packet(BOB), ALICE, 0.0)
    net.receive(packet(BOB), carol, 0.0)
    assert arrivals(net) == pytest.approx([0.06, 0.07])


def test_a_full_buffer_drops() -> None:
    line = Line(rate=100_000, delay=0.0)
    taken = sum(line.leaves(1000, 0.0) is not None for _ in range(60))
    assert QUEUE_SECONDS * 100 <= taken <= QUEUE_SECONDS * 100 + 1, "what it holds, and the one under way"
    assert line.leaves(1000, 10.0) is not None, "it empties with time"


def test_a_late_look_changes_no_arrival() -> None:
    early, late = shaper(down=100_000), shaper(down=100_000)
    for net in (early, late):
        net.receive(packet(BOB), ALICE, 0.0)
        net.receive(packet(BOB), ALICE, 0.0)
    early.due(0.03)
    assert [len(early.due(0.06001)), len(late.due(0.06001))] == [1, 1]


def test_losses_are_of_the_share_asked_for_and_the_same_each_time() -> None:
    dropped = []
    for _ in range(2):
        net = shaper(loss=0.1)
        for _ in range(1000):
            net.receive(packet(BOB), ALICE, 0.0)
        dropped.append(net.dropped)
    assert 70 < dropped[0] < 130
    assert dropped[0] == dropped[1]


@pytest.mark.parametrize("odd", [b"", b"\x45", bytes([0x60]) + bytes(15) + BOB, packet(bytes(4))])
def test_what_is_not_ipv4_for_one_of_ours_is_dropped(odd: bytes) -> None:
    net = shaper()
    net.receive(odd, ALICE, 0.0)
    assert (net.dropped, net.next_at) == (1, None)
