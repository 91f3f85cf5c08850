from __future__ import annotations

import hashlib
import os

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import MetainfoError
from seeder.torrent import bencode
from seeder.torrent.metainfo import (
    MAX_LENGTH,
    begins,
    make_torrent,
    matches,
    parse_info,
    piece_length,
    torrent_file,
)

KIB, MIB = 1 << 10, 1 << 20


@pytest.mark.parametrize(
    ("length", "pieces_of"),
    [(1, 64 * KIB), (64 * KIB, 64 * KIB), (16 * MIB, 64 * KIB), (16 * MIB + 1, 128 * KIB), (MAX_LENGTH, MIB)],
)
def test_pieces_are_64_kib_until_256_of_them_do_not_suffice(length: int, pieces_of: int) -> None:
    assert piece_length(length) == pieces_of


def test_a_mib_costs_no_more_than_386_bytes_of_info() -> None:
    assert len(make_torrent("segment0001.m4s", os.urandom(MIB)).info) <= 400


names = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=20
)


@given(names.filter(lambda n: n not in (".", "..")), st.binary(min_size=1, max_size=200_000))
def test_info_is_read_back_and_libtorrent_agrees_on_the_infohash(name: str, data: bytes) -> None:
    torrent = make_torrent(name, data)
    assert parse_info(torrent.info) == torrent
    assert matches(torrent, data)
    theirs = lt.load_torrent_buffer(torrent_file(torrent))
    assert theirs.info_hashes.v1.to_bytes() == torrent.infohash


def test_the_torrent_file_holds_the_info_dictionary_as_hashed() -> None:
    torrent = make_torrent("säg.ts", b"x" * 100_000)
    whole = torrent_file(torrent, ["ws://a/announce", "ws://b/announce"], ["http://a/live/s/s%C3%A4g.ts"])
    fields = bencode.decode(whole)
    assert isinstance(fields, dict)
    assert hashlib.sha1(bencode.encode(fields[b"info"])).digest() == torrent.infohash
    assert fields[b"announce"] == b"ws://a/announce"
    assert fields[b"announce-list"] == [[b"ws://a/announce"], [b"ws://b/announce"]]
    assert fields[b"url-list"] == [b"http://a/live/s/s%C3%A4g.ts"]


def test_other_bytes_do_not_match() -> None:
    torrent = make_torrent("a", b"a" * 100_000)
    assert not matches(torrent, b"a" * 99_999 + b"b")
    assert not matches(torrent, b"a" * 99_999)


def test_a_cut_off_segment_is_told_from_a_rewritten_one() -> None:
    data = os.urandom(200_000)
    torrent = make_torrent("a", data)
    assert begins(torrent, data[:130_000])
    assert not begins(torrent, os.urandom(130_000))
    assert not begins(torrent, data)
    assert not begins(torrent, data + b"more")


@pytest.mark.parametrize("length", [0, MAX_LENGTH + 1])
def test_an_empty_or_huge_file_is_no_segment(length: int) -> None:
    with pytest.raises(MetainfoError):
        make_torrent("a", bytes(length))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {b"length": 0},
        {b"length": -5},
        {b"piece length": 65537},
        {b"piece length": 0},
        {b"pieces": b"x" * 19},
        {b"pieces": b"x" * 40},
        {b"name": b"a/b"},
        {b"name": b".."},
        {b"name": b"\xff"},
        {b"length": None, b"files": [{b"length": 1, b"path": [b"a"]}]},
    ],
)
def test_info_of_another_shape_is_refused(fields: dict[bytes, bencode.Value | None]) -> None:
    good: dict[bytes, bencode.Value | None] = {
        b"length": 5,
        b"name": b"a",
        b"piece length": 65536,
        b"pieces": b"x" * 20,
    }
    merged = {k: v for k, v in {**good, **fields}.items() if v is not None} if fields else {}
    with pytest.raises(MetainfoError):
        parse_info(bencode.encode(merged))
    parse_info(bencode.encode({k: v for k, v in good.items() if v is not None}))
