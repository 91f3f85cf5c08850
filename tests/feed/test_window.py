from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seeder.feed.window import Candidate, lingering, to_keep, to_seed

GB = 1 << 30


def live(name: str, age: int, size: int = 1) -> Candidate:
    return Candidate(name.encode(), size, True, age)


def recorded(name: str, age: int) -> Candidate:
    return Candidate(name.encode(), 0, False, age)


def test_everything_is_seeded_while_it_fits() -> None:
    chosen = to_seed([recorded("a", 0), live("b", 0), recorded("c", 1)], {}, 100, GB)
    assert set(chosen) == {b"a", b"b", b"c"}


def test_live_comes_first_newest_first_and_all_variants_abreast() -> None:
    candidates = [live("a0", 0), live("a1", 1), live("b0", 0), live("b1", 1), recorded("v", 0)]
    assert set(to_seed(candidates, {}, 2, GB)) == {b"a0", b"b0"}
    assert to_seed(candidates, {}, 5, GB)[-1] == b"v"


def test_of_recordings_the_most_recently_asked_for_are_seeded_then_their_beginnings() -> None:
    candidates = [recorded(f"{n:03}", n) for n in range(1000)]
    chosen = to_seed(candidates, {b"777": 0, b"500": 1}, 4, GB)
    assert chosen == [b"777", b"500", b"000", b"001"]


def test_live_segments_beyond_the_spool_are_not_seeded() -> None:
    assert to_seed([live("a", 0, 60), live("b", 1, 60), live("c", 2, 30)], {}, 10, 100) == [b"a", b"c"]


def test_a_segment_in_two_variants_counts_once() -> None:
    assert to_seed([live("a", 0), live("a", 3), live("b", 1)], {}, 2, GB) == [b"a", b"b"]


@given(
    st.lists(
        st.builds(
            Candidate,
            st.binary(min_size=1, max_size=2),
            st.integers(0, 50),
            st.booleans(),
            st.integers(0, 30),
        )
    ),
    st.integers(0, 20),
    st.integers(0, 200),
)
def test_no_bound_is_ever_exceeded(candidates: list[Candidate], limit: int, room: int) -> None:
    chosen = to_seed(candidates, {}, limit, room)
    assert len(chosen) == len(set(chosen)) <= limit
    sizes = {c.infohash: c.size for c in sorted(candidates, key=lambda c: c.age, reverse=True) if c.live}
    only_live = {c.infohash for c in candidates} - {c.infohash for c in candidates if not c.live}
    distinct = {h for h in only_live if len({c.size for c in candidates if c.infohash == h}) == 1}
    assert sum(sizes[h] for h in chosen if h in distinct) <= room


def test_the_newest_bytes_stay_in_memory() -> None:
    assert to_keep([("old", 50, 9), ("new", 50, 0), ("mid", 50, 4)], 100) == {"new", "mid"}


def test_what_left_the_window_lingers_the_most_recent_first() -> None:
    left = lingering(["1", "2", "3"], ["2", "3", "4"], [], 2)
    assert left == ["1"]
    left = lingering(["2", "3", "4"], ["4", "5", "6"], left, 2)
    assert left == ["3", "2"]
    assert lingering(["4", "5", "6"], ["4", "5", "6"], left, 2) == ["3", "2"]


def test_a_segment_listed_again_no_longer_lingers() -> None:
    assert lingering(["2"], ["1", "2"], ["1"], 5) == []
