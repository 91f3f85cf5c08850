"""AMF as it is written by encoders, and by nobody."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeder.publish import amf
from seeder.publish.amf import AmfError

values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(st.lists(values, max_size=5))
def test_what_is_written_is_read(said: list[object]) -> None:
    with suppress(AmfError):  # deeper than anybody needs
        assert amf.decode(amf.encode(*said)) == said


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda data: b"\x11" + data))
def test_garbage_is_an_amf_error_or_values(data: bytes) -> None:
    with suppress(AmfError):
        amf.decode(data)


def test_depth_and_number_are_bounded() -> None:
    with pytest.raises(AmfError, match="too much"):
        amf.decode(b"\x0a\x00\x00\x00\x01" * 50 + b"\x05")
    with pytest.raises(AmfError, match="too much"):
        amf.decode(b"\x05" * 5000)
    with pytest.raises(AmfError, match="too much"):
        amf.decode(b"\x0a\xff\xff\xff\xff")


def test_metadata_as_ffmpeg_writes_it() -> None:
    data = amf.encode("@setDataFrame", "onMetaData") + amf.ecma_array({"framerate": 25.0, "key": "k"})
    assert amf.decode(data) == ["@setDataFrame", "onMetaData", {"framerate": 25.0, "key": "k"}]


def test_amf3_within_amf0() -> None:
    """An object with one sealed and one dynamic member, and a string said twice."""
    data = b"\x11\x0a\x1b\x01\x07app\x06\x09live\x07key\x06\x02\x01"
    assert amf.decode(data) == [{"app": "live", "key": "live"}]
    assert amf.decode(b"\x11\x04\x81\x00\x11\x03") == [128.0, True]
