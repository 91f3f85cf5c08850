from __future__ import annotations

import re
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.hls.attributes import parse_attributes
from seeder.hls.check import check
from seeder.hls.manifest import (
    SEGMENT_TAG,
    SWARM_TAG,
    annotate,
    join_tags,
    split_tags,
    strip_tags,
    swarm_tag,
)
from seeder.hls.playlist import MediaPlaylist, parse, split_lines
from seeder.model import Addresses, PublishedPlaylist, Terms, rendezvous_hash
from seeder.torrent.magnet import parse as parse_magnet
from seeder.torrent.metainfo import make_torrent, parse_info

ADDRESSES = Addresses("https://example.org/tv", "wss://example.org/announce", ("stun:stun.example.org",))


def published(text: str, path: str = "v0/index.m3u8") -> PublishedPlaylist:
    playlist = parse(text)
    assert isinstance(playlist, MediaPlaylist)
    torrents = {s.line: make_torrent(s.uri, s.uri.encode() * 99) for s in playlist.segments}
    return PublishedPlaylist(path, text, False, torrents, True, 1)


def manifest(playlist: PublishedPlaylist, stream: str = "my stream") -> str:
    return annotate(playlist, rendezvous_hash(stream), ADDRESSES, stream)


TEXT = (
    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n"
    "#EXT-X-DISCONTINUITY\n#EXTINF:2.0,\nseg 1.ts\n# odd comment  \n\n#EXTINF:2.0,\nseg%232.ts\n"
)


def test_each_segment_has_its_tag_on_the_line_before_its_extinf() -> None:
    lines = manifest(published(TEXT)).split("\n")
    tags = [i for i, line in enumerate(lines) if line.startswith(SEGMENT_TAG + ":")]
    assert len(tags) == 2
    assert all(lines[i + 1].startswith("#EXTINF:") for i in tags)


def test_the_tag_carries_a_complete_magnet_and_the_info_it_names() -> None:
    lines = manifest(published(TEXT)).split("\n")
    tag = next(line for line in lines if line.startswith(SEGMENT_TAG + ":"))
    attributes = parse_attributes(tag.partition(":")[2])
    torrent = parse_info(b64decode(attributes["INFO"]))
    magnet = parse_magnet(attributes["MAGNET"])
    assert magnet.infohash == torrent.infohash
    assert (magnet.name, magnet.length) == ("seg 1.ts", torrent.length)
    assert magnet.trackers == ("wss://example.org/announce",)
    assert magnet.web_seeds == ("https://example.org/tv/live/my%20stream/v0/seg%201.ts",)


def test_a_reserved_character_in_a_name_stays_encoded_in_the_web_seed() -> None:
    assert check([manifest(published(TEXT))]) == []
    tag = [t for t in manifest(published(TEXT)).split("\n") if t.startswith(SEGMENT_TAG + ":")][1]
    magnet = parse_magnet(parse_attributes(tag.partition(":")[2])["MAGNET"])
    assert magnet.web_seeds[0].endswith("/v0/seg%232.ts")


def test_a_byte_range_has_no_web_seed_and_what_is_no_range_has_one() -> None:
    text = TEXT.replace("#EXTINF:2.0,\nseg 1.ts", "#EXTINF:2.0,\n#EXT-X-BYTERANGE:9@5\nseg 1.ts")
    tags = [t for t in manifest(published(text)).split("\n") if t.startswith(SEGMENT_TAG + ":")]
    seeds = [parse_magnet(parse_attributes(t.partition(":")[2])["MAGNET"]).web_seeds for t in tags]
    assert seeds == [(), ("https://example.org/tv/live/my%20stream/v0/seg%232.ts",)]
    assert check([manifest(published(text))]) == []


def test_the_swarm_tag_follows_the_first_line() -> None:
    second = manifest(published(TEXT)).split("\n")[1]
    assert second.startswith(SWARM_TAG + ":")
    assert parse_attributes(second.partition(":")[2]) == {
        "ID": rendezvous_hash("my stream").hex(),
        "TRACKER": "wss://example.org/announce",
        "ICE": "stun:stun.example.org",
    }


def test_the_swarm_tag_says_what_the_operator_restricts_and_no_more() -> None:
    terms = Terms("ask", 250_000, 1.5, 3, True, True, True)
    tag = swarm_tag(b"r" * 20, Addresses("https://a", "wss://a/announce", terms=terms))
    assert tag.endswith(
        ',TRACKER="wss://a/announce",SHARING=ask,MAX-UPLOAD=250000,MAX-RATIO=1.5,MIN-VIEWERS=3,'
        "UPLOAD-ON-CELLULAR=YES,UPLOAD-WHEN-HIDDEN=YES,ICE-TRANSPORT-POLICY=relay"
    )
    for ratio, text in ((2.0, "2"), (0.0, "0"), (0.1234, "0.123"), (1000.0, "1000")):
        tag = swarm_tag(b"r" * 20, Addresses("https://a", "wss://a/announce", terms=Terms(max_ratio=ratio)))
        assert tag.endswith(f"MAX-RATIO={text}")


@pytest.mark.parametrize(
    "wrong",
    ["SHARING=group", "MAX-UPLOAD=-1", "MAX-RATIO=2000", "MIN-VIEWERS=many", "ICE-TRANSPORT-POLICY=none"],
)
def test_a_term_that_no_client_understands_is_found(wrong: str) -> None:
    playlist = published(TEXT)
    terms = Terms("ask", 250_000, 1.5, 3, True, True, True)
    good = annotate(playlist, b"r" * 20, Addresses("https://a", "wss://a/announce", terms=terms), "s")
    assert check([good]) == []
    name = wrong.partition("=")[0]
    bad = re.sub(rf"{name}=[^,\n]*", wrong, good)
    assert [(found.rule, name in found.text) for found in check([bad])] == [("swarm-tag", True)]


def test_a_segment_without_torrent_is_listed_without_tag() -> None:
    whole = published(TEXT)
    first = min(whole.torrents)
    partial = PublishedPlaylist(whole.path, TEXT, False, {first: whole.torrents[first]}, True, 2)
    assert manifest(partial).count(SEGMENT_TAG + ":") == 1
    assert manifest(partial).count("#EXTINF") == 2


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_without_our_tags_the_text_is_the_writers_byte_for_byte(newline: str, end: str) -> None:
    text = ("\ufeff" + TEXT.rstrip("\n") + end).replace("\n", newline)
    assert strip_tags(manifest(published(text))) == text


def test_a_multivariant_playlist_gets_the_swarm_tag_alone() -> None:
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0/index.m3u8\n"
    out = manifest(PublishedPlaylist("master.m3u8", text, True, {}, False, 1))
    assert strip_tags(out) == text
    assert out.count("#EXT-X-COM-LIVETORRENT") == 1


lines = st.one_of(
    st.sampled_from(["#EXT-X-DISCONTINUITY", "# comment", "", "  ", "#EXT-X-UNKNOWN:a=\u2028b"]),
    st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=15).map(
        lambda t: "#EXTINF:2," + t + "\nseg.ts"
    ),
)


@given(st.lists(lines, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_annotating_never_changes_a_line(parts: list[str], newline: str, ended: bool) -> None:
    text = "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:2", *parts]) + "\n" * ended
    text = text.replace("\n", newline)
    playlist = published(text)
    out = manifest(playlist)
    assert strip_tags(out) == text
    assert len(split_lines(out)) == len(split_lines(text)) + len(playlist.torrents) + 1


def test_tags_of_another_server_give_way() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb.ts\n"
    torrents = {2: make_torrent("a.ts", b"a"), 4: make_torrent("b.ts", b"b")}
    theirs = annotate(PublishedPlaylist("i.m3u8", text, False, torrents, True, 1), b"t" * 20, ADDRESSES, "s")
    lines = theirs.split("\n")
    again = {n: make_torrent("a.ts", b"a") for n, line in enumerate(lines) if line == "#EXTINF:2," and n < 5}
    ours = annotate(PublishedPlaylist("i.m3u8", theirs, False, again, True, 1), b"o" * 20, ADDRESSES, "s")
    assert ours.count(SWARM_TAG + ":") == 1
    assert (b"o" * 20).hex() in ours
    assert ours.count(SEGMENT_TAG + ":") == len(again) == 1
    assert strip_tags(ours) == text


@given(st.lists(st.sampled_from(["#EXTM3U", f"{SEGMENT_TAG}:x", f"{SWARM_TAG}:y", "a.ts", ""]), max_size=12))
def test_what_is_taken_out_goes_back_to_its_place(lines: list[str]) -> None:
    text = "\n".join(lines)
    kept, tags = split_tags(text)
    assert not any(line.startswith(SEGMENT_TAG) for line in kept.splitlines())
    assert join_tags(kept, tags) == text
