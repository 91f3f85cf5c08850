"""Trials as they might have been observed: five viewers' worth of arithmetic, no browser."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.swarm.metrics import Observed, Sample, Tick, Visit, cpu_used, figures, latency_of, over_time
from bench.swarm.origin_log import Request

EPOCH = 1000.0
SIZE = 400_000
NAMES = [f"seg{k:05d}.m4s" for k in range(60)]
BEGIN, END = 1030.0, 1090.0


def visit(
    joined: float = 1010.0, left: float = END, *, sent: int = 0, received: int = 0, delay: float = 7.0
) -> Visit:
    """``sent`` and ``received`` bytes a second; ``delay``: capture → screen, s."""
    times = [joined + 2 * k for k in range(1, int((left - joined) / 2) + 1)]
    return Visit(
        joined,
        left,
        tuple(
            Sample(
                at=at,
                frame=int((at - delay - EPOCH) * 25),
                ahead=delay - 1.0,
                start_ms=500.0,
                stalls=0,
                stalled_ms=0.0,
                jumps=0,
                connections=3,
                sent=int(sent * (at - joined)),
                received=int(received * (at - joined)),
                heap=8 << 20,
            )
            for at in times
        ),
    )


def fetched(k: int, times: float = 1.0) -> Request:
    at = EPOCH + 2 * (k + 1) + 0.3
    size = int(SIZE * times)
    return Request(at, 200, size, size, 0, "127.0.0.1", "GET", f"/live/show/video/{NAMES[k]}")


def seen(copies: float, visits: list[Visit] | None = None) -> Observed:
    visits = [visit() for _ in range(4)] if visits is None else visits
    requests = [fetched(k, copies) for k in range(len(NAMES))]
    return Observed(EPOCH, NAMES, [SIZE] * len(NAMES), BEGIN, END, visits, [], requests)


def test_one_copy_for_four_viewers_is_the_bound() -> None:
    result = figures(seen(copies=1))
    assert result.offload == pytest.approx(0.75)
    assert result.bound == 0.75
    assert (result.copies_mean, result.copies_max) == (1.0, 1.0)


def test_everybody_for_himself_offloads_nothing() -> None:
    assert figures(seen(copies=4)).offload == pytest.approx(0.0)


def test_only_segments_that_left_the_window_before_the_end_are_counted() -> None:
    # released at 1030, 1032, … 1074 = 1090 − 16
    assert figures(seen(copies=1)).segments == 23
    late = replace(seen(copies=1), requests=[fetched(k) for k in range(37)])
    assert figures(late).offload == pytest.approx(0.75), "those released later may still be on their way"


def test_a_viewer_that_never_played_was_delivered_nothing() -> None:
    silent = visit()
    silent = replace(silent, samples=tuple(replace(sample, start_ms=None) for sample in silent.samples))
    result = figures(seen(copies=1, visits=[visit(), visit(), silent]))
    assert result.offload == pytest.approx(0.5)
    assert result.started == 2
    nobody = figures(seen(copies=0, visits=[silent]))
    assert (nobody.offload, nobody.bound, nobody.started) == (None, 0.0, 0)


def test_who_leaves_and_who_comes_count_for_the_time_they_are_there() -> None:
    visits = [visit(), visit(), visit(left=1060.0), visit(joined=1060.0)]
    result = figures(seen(copies=1, visits=visits))
    # One leaves at 1060 with a buffer to 1059, the newcomer begins three segments back, at 1054.
    both = [1054.0, 1056.0, 1058.0]
    others = [1030.0 + 2 * k for k in range(23) if 1030.0 + 2 * k not in both]
    viewers = (4 * len(both) + 3 * len(others)) / 23
    assert result.bound == pytest.approx((viewers - 1) / viewers)
    assert result.offload == pytest.approx(1 - 1 / viewers)


def test_whoever_left_was_not_delivered_what_had_not_come_to_the_buffer() -> None:
    late = visit(left=1060.0)
    dry = replace(late, samples=(*late.samples[:-1], replace(late.samples[-1], ahead=0.0)))
    full, empty = (figures(seen(1, [visit(), visit(), each])) for each in (late, dry))
    assert full.offload is not None
    assert empty.offload is not None
    assert empty.offload < full.offload


def test_what_the_seed_sent_came_from_the_origin() -> None:
    bare = seen(copies=0)
    rate = SIZE / 2
    assert figures(replace(bare, seed_bytes=rate * (END - BEGIN))).offload == pytest.approx(0.75)


def test_latency_is_from_capture_to_screen_and_its_drift_from_first_to_last() -> None:
    steady = figures(seen(copies=1))
    assert steady.latency == pytest.approx(7.0, abs=0.05)
    assert steady.drift == pytest.approx(0.0, abs=0.05)
    slow = visit()
    samples = [replace(s, frame=int((s.at - 7 - (s.at - BEGIN) / 30 - EPOCH) * 25)) for s in slow.samples]
    drifting = figures(seen(copies=1, visits=[replace(slow, samples=tuple(samples))]))
    assert drifting.drift == pytest.approx(50 / 30, abs=0.1)
    blind = [replace(s, frame=None) for s in slow.samples]
    assert figures(seen(1, [replace(slow, samples=tuple(blind))])).latency is None


def test_frame_numbers_that_began_anew_are_understood() -> None:
    sample = replace(visit().samples[0], at=EPOCH + 700.0, frame=(693 * 25) % 2**14)
    assert latency_of(EPOCH, sample) == pytest.approx(7.0, abs=0.05)


def test_fairness_is_the_highest_upload_over_the_mean() -> None:
    rate = SIZE // 2
    visits = [visit(sent=3 * rate), *(visit(sent=rate) for _ in range(2))]
    result = figures(seen(copies=1, visits=visits))
    assert result.fairness == pytest.approx(9 / 5)
    assert result.upload_mbps == pytest.approx(5 / 3 * rate * 8 / 1e6)
    assert figures(seen(copies=4)).fairness is None, "nobody sent anything: nothing to be fair about"


def test_cpu_of_a_process_that_went_counts_until_then() -> None:
    ticks = [
        Tick(0.0, {1: 5.0, 2: 1.0}, frozenset({2}), 0),
        Tick(10.0, {1: 6.0, 2: 3.0}, frozenset({2}), 0),
        Tick(20.0, {1: 7.0, 3: 1.0}, frozenset({3}), 0),  # 2 left, 3 is new
    ]
    assert cpu_used(ticks) == pytest.approx((5 / 20, 3 / 20))
    assert cpu_used(ticks[:1]) == (0.0, 0.0)


def test_a_process_number_that_is_used_again_is_another_process() -> None:
    ticks = [Tick(0.0, {7: 50.0}, frozenset({7}), 0), Tick(10.0, {7: 1.0}, frozenset({7}), 0)]
    assert cpu_used(ticks) == pytest.approx((0.1, 0.1))


def test_over_time_bytes_stand_where_they_came() -> None:
    rate = SIZE // 2
    bins = over_time(seen(copies=1, visits=[visit(), visit(received=rate)]))
    assert bins[0].at == 0.0
    middle = bins[len(bins) // 2]
    assert (middle.origin, middle.peers) == pytest.approx((rate, rate))
    assert len(bins) == 40
