from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.web.conditional import accepts_gzip, not_modified, range_holds

TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "held"),
    [
        (None, False),
        ("", False),
        ('"abc"', True),
        ('W/"abc"', True),
        ("*", True),
        ('"x", "abc"', True),
        ('"x","y" , W/"abc"', True),
        ('"x"', False),
        ("abc", False),
        ('"abc-gz"', False),
        ('"x" garbage "abc"', False),
    ],
)
def test_if_none_match(header: str | None, held: bool) -> None:
    assert not_modified(header, TAG) is held


@pytest.mark.parametrize(
    ("header", "holds"),
    [
        (None, True),
        ('"abc"', True),
        ('W/"abc"', False),
        ('"x"', False),
        ("Sat, 21 Nov 2026 03:16:39 GMT", False),
    ],
)
def test_if_range_needs_our_strong_tag(header: str | None, holds: bool) -> None:
    assert range_holds(header, TAG) is holds


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("*, gzip;q=0", False),
        ("identity", False),
        ("xgzip", False),
    ],
)
def test_gzip_where_it_is_named(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted


@given(st.text(max_size=60))
def test_noise_never_crashes(noise: str) -> None:
    not_modified(noise, TAG)
    range_holds(noise, TAG)
    accepts_gzip(noise)
