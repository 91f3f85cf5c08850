from __future__ import annotations

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import MetainfoError
from seeder.torrent.bencode import Value, decode, encode

values = st.recursive(
    st.integers(-(2**62), 2**62) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_encoded_is_decoded(value: Value) -> None:
    assert decode(encode(value)) == value


@given(values)
def test_libtorrent_encodes_the_same_bytes(value: Value) -> None:
    assert lt.bencode(value) == encode(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_canonical_bencoding_or_a_metainfo_error(data: bytes) -> None:
    try:
        value = decode(data)
    except MetainfoError:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        *[b"", b"i", b"ie", b"i01e", b"i-0e", b"i1", b"5:abc", b"01:a", b"d1:bi1e1:ai1ee", b"d1:ai1e1:ai2ee"],
        *[b"l", b"d", b"di1ei2ee", b"i1ei2e", b"l" * 1000 + b"e" * 1000, b"i" + b"9" * 1000 + b"e"],
    ],
)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(MetainfoError):
        decode(data)
