from __future__ import annotations

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import MetainfoError
from seeder.torrent.magnet import Magnet, build, parse

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
magnets = st.builds(
    Magnet,
    infohash=st.binary(min_size=20, max_size=20),
    name=texts,
    length=st.none() | st.integers(0, 2**40),
    trackers=st.lists(texts, max_size=3).map(tuple),
    web_seeds=st.lists(texts, max_size=3).map(tuple),
)


@given(magnets)
def test_what_is_built_is_parsed(magnet: Magnet) -> None:
    assert parse(build(magnet)) == magnet


@given(magnets)
def test_a_magnet_fits_into_a_quoted_string(magnet: Magnet) -> None:
    assert not set(build(magnet)) & set('"\r\n ')


@given(st.text(max_size=80))
def test_any_text_is_a_magnet_or_a_metainfo_error(text: str) -> None:
    for candidate in (text, "magnet:?" + text):
        try:
            parse(candidate)
        except MetainfoError:
            continue


def test_libtorrent_reads_our_magnets() -> None:
    magnet = Magnet(bytes(range(20)), "säg 1.ts", 5, ("ws://h:1/announce",), ("http://h/live/s/a%20b.ts",))
    theirs = lt.parse_magnet_uri(build(magnet))
    assert theirs.info_hashes.v1.to_bytes() == magnet.infohash
    assert theirs.name == magnet.name
    assert theirs.trackers == list(magnet.trackers)
    assert theirs.url_seeds == list(magnet.web_seeds)


@pytest.mark.parametrize(
    "text", ["", "magnet:", "magnet:?dn=x", "magnet:?xt=urn:btih:abc", "http://h/?xt=urn"]
)
def test_a_link_without_infohash_is_refused(text: str) -> None:
    with pytest.raises(MetainfoError):
        parse(text)
