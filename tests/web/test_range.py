from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.web.range import Slice, Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("", None),
        ("bytes=0-9", Slice(0, 10)),
        ("Bytes=0-9", Slice(0, 10)),
        ("bytes= 0-9 ", Slice(0, 10)),
        ("bytes=90-", Slice(90, 100)),
        ("bytes=90-1000", Slice(90, 100)),
        ("bytes=-10", Slice(90, 100)),
        ("bytes=-1000", Slice(0, 100)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=100-200", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=9-0", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("bytes=٣-٤", None),
        ("items=0-9", None),
        ("bytes=0-" + "9" * 5000, None),
    ],
)
def test_a_hundred_bytes(header: str | None, found: object) -> None:
    assert parse_range(header, 100) == found


def test_no_range_of_nothing_is_satisfiable() -> None:
    assert parse_range("bytes=0-", 0) == parse_range("bytes=-5", 0) == Unsatisfiable()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_range_is_the_slice_it_says(first: int, last: int, size: int) -> None:
    data = bytes(range(size))
    found = parse_range(f"bytes={first}-{last}", size)
    if first > last:
        assert found is None
    elif first >= size:
        assert found == Unsatisfiable()
    else:
        assert isinstance(found, Slice)
        assert data[found.start : found.stop] == data[first : last + 1]


@given(st.text(max_size=30), st.integers(0, 100))
def test_noise_is_ignored_or_within_bounds(noise: str, size: int) -> None:
    for header in (noise, f"bytes={noise}"):
        found = parse_range(header, size)
        if isinstance(found, Slice):
            assert 0 <= found.start < found.stop <= size
