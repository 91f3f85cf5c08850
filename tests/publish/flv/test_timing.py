"""Whatever an encoder's clock does, ours goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seeder.publish.flv.timing import BACK, FAR, Timeline

A, V = 8, 9
HOUR = 3_600_000
WRAP = 1 << 32


def placed(*stamps: tuple[int, int]) -> list[tuple[int, bool]]:
    line = Timeline()
    return [line.place(track, stamp % WRAP) for track, stamp in stamps]


def test_times_count_from_the_first_and_keep_their_distance() -> None:
    assert placed((V, 5000), (A, 5010), (V, 5040), (A, 5031), (V, 5080)) == [
        (0, False), (10, False), (40, False), (31, False), (80, False),
    ]  # fmt: skip


def test_a_clock_that_wraps_has_not_jumped() -> None:
    assert placed((V, WRAP - 20), (A, WRAP - 10), (V, 20), (A, 30)) == [
        (0, False), (10, False), (40, False), (50, False),
    ]  # fmt: skip


def test_an_hour_forward_and_back_goes_on_where_the_last_frame_ended() -> None:
    for jump in (HOUR, -HOUR):
        stamps = [(V, HOUR), (V, HOUR + 40), (V, HOUR + jump + 80), (V, HOUR + jump + 120)]
        assert placed(*stamps) == [(0, False), (40, False), (80, True), (120, False)]


def test_two_tracks_jump_once_and_stay_together() -> None:
    """Sound that was sent later than the picture's jump still has the old times."""
    stamps = [
        (V, 0),
        (A, 0),
        (V, 40),
        (V, HOUR + 80),
        (A, 20),
        (A, HOUR + 60),
        (V, HOUR + 120),
        (A, HOUR + 120),
    ]
    times = placed(*stamps)
    assert [jumped for _, jumped in times] == [False, False, False, True, False, False, False, False]
    assert [time for time, _ in times] == [0, 0, 40, 80, 20, 60, 120, 120]


def test_a_picture_every_few_seconds_beside_sound_is_no_jump() -> None:
    stamps = [(V, 0)] + [(A, at) for at in range(0, 9000, 20)] + [(V, 9000)]
    assert not any(jumped for _, jumped in placed(*stamps))


def test_a_little_disorder_is_put_in_order() -> None:
    assert placed((V, 0), (V, 80), (V, 40), (V, 120)) == [(0, False), (80, False), (80, False), (120, False)]


@given(st.lists(st.tuples(st.sampled_from((A, V)), st.integers(0, WRAP - 1)), max_size=40))
def test_no_track_ever_goes_back_or_leaves_a_hole(stamps: list[tuple[int, int]]) -> None:
    last: dict[int, int] = {}
    now = 0
    for at, ((track, _), (time, _)) in enumerate(zip(stamps, placed(*stamps), strict=True)):
        assert time >= last.get(track, 0)
        if track in last or at == 0:
            assert time <= now + FAR
        last[track] = time
        now = max(now, time)


@given(st.integers(0, WRAP - 1), st.integers(FAR + 1, WRAP - BACK - 1))
def test_every_jump_is_seen(first: int, by: int) -> None:
    assert [jumped for _, jumped in placed((V, first), (V, first + by))] == [False, True]
