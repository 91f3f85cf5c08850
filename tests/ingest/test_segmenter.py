from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.ingest.cmaf import Fragment, Span
from seeder.ingest.segmenter import ROUNDING, Cut, Segmenter


def fragment(start: float, end: float, sync: bool = True) -> Fragment:
    return Fragment(f"[{start:g}-{end:g}{'*' if sync else ''}]".encode(), Span(start, end, 25), sync)


def cuts_of(segmenter: Segmenter, fragments: list[Fragment]) -> list[Cut]:
    return [cut for item in fragments for cut in segmenter.add(item)] + segmenter.flush()


def gops(*lengths: float, at: float = 0.0) -> list[Fragment]:
    ends = list(itertools.accumulate(lengths, initial=at))
    return [fragment(start, end) for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize(
    ("lengths", "durations"),
    [
        ([2, 2, 2], [2, 2, 2]),
        ([1, 1, 1, 1, 1], [2, 2, 1]),
        ([0.5] * 9, [2, 2, 0.5]),
        ([0.8] * 6, [2.4, 2.4]),
        ([1.3, 1.3, 1.3], [1.3, 1.3, 1.3]),  # 2.6 s would round to 3
        ([1.96] * 3, [1.96] * 3),
        ([2, 1, 2, 2], [2, 1, 2, 2]),  # the seam of a looped file
    ],
)
def test_segments_are_as_long_as_wished_where_idrs_allow(
    lengths: list[float], durations: list[float]
) -> None:
    cuts = cuts_of(Segmenter(2, 2), gops(*lengths))
    assert [cut.duration for cut in cuts] == pytest.approx(durations)


def test_a_segment_comes_out_as_soon_as_the_next_idr_is_there() -> None:
    segmenter = Segmenter(2, 2)
    assert segmenter.add(fragment(0, 2)) == []
    assert segmenter.add(fragment(2, 4)) == [Cut(b"[0-2*]", 0, 2, 25)]


def test_fragments_inside_a_gop_belong_to_its_segment() -> None:
    parts = [fragment(0, 0.5), fragment(0.5, 1, False), fragment(1, 1.5), fragment(1.5, 2, False)]
    tail = Fragment(b"[sound]", None, False)
    cuts = cuts_of(Segmenter(2, 2), [*parts, fragment(2, 2.5), tail])
    assert [cut.data for cut in cuts] == [b"[0-0.5*][0.5-1][1-1.5*][1.5-2]", b"[2-2.5*][sound]"]


def test_nothing_before_the_first_idr_is_used() -> None:
    cuts = cuts_of(Segmenter(2, 2), [Fragment(b"?", None, False), fragment(0, 1, False), *gops(2, 2, at=1)])
    assert [cut.start for cut in cuts] == [1, 3]


def test_the_next_start_corrects_an_estimated_end() -> None:
    cuts = cuts_of(Segmenter(2, 2), [fragment(0, 1.96), fragment(2, 4)])
    assert [cut.duration for cut in cuts] == [2, 2]


def test_a_jump_of_media_time_is_said() -> None:
    cuts = cuts_of(Segmenter(2, 2), [*gops(2, 1), *gops(2, 2, at=30)])
    assert [(cut.start, cut.duration, cut.jumped) for cut in cuts] == [
        (0, 2, False), (2, 1, False), (30, 2, True), (32, 2, False),
    ]  # fmt: skip


def test_of_a_gop_too_long_what_fits_is_the_last_segment() -> None:
    segmenter = Segmenter(2, 2)
    inside = [fragment(3 + n / 2, 3.5 + n / 2, sync=n == 0) for n in range(20)]
    cuts = cuts_of(segmenter, [*gops(2, 1), *inside])
    assert segmenter.overflowed
    assert [(cut.start, cut.duration) for cut in cuts] == [(0, 2), (2, 1), (3, 2)]


def test_a_gop_too_long_in_one_fragment_is_dropped_whole() -> None:
    segmenter = Segmenter(2, 2)
    cuts = cuts_of(segmenter, [*gops(2, 1, 7, 2)])
    assert segmenter.overflowed
    assert [(cut.start, cut.duration) for cut in cuts] == [(0, 2), (2, 1)]


def test_a_frame_or_two_at_the_end_are_no_segment() -> None:
    cuts = cuts_of(Segmenter(2, 2), gops(2, 2, 0.04))
    assert [cut.duration for cut in cuts] == [2, 2]


@given(
    wish=st.floats(0.5, 10),
    shape=st.lists(st.tuples(st.floats(0.04, 4), st.integers(1, 4)), max_size=40),
)
def test_every_cut_starts_with_an_idr_and_rounds_within_the_target_duration(
    wish: float, shape: list[tuple[float, int]]
) -> None:
    target_duration = int(-(-wish // 1))
    at, fragments = 0.0, []
    for length, parts in shape:
        for part in range(parts):
            fragments.append(
                fragment(at + length * part / parts, at + length * (part + 1) / parts, part == 0)
            )
        at += length
    cuts = cuts_of(Segmenter(wish, target_duration), fragments)
    everything = b"".join(item.data for item in fragments)
    assert everything.startswith(b"".join(cut.data for cut in cuts)) or not cuts
    for cut in cuts:
        assert cut.data.split(b"]")[0].endswith(b"*")
        assert 0 < cut.duration <= target_duration + ROUNDING
    for before, after in itertools.pairwise(cuts):
        assert before.start + before.duration == pytest.approx(after.start)
