"""Delivery Directives and delta updates: what is asked of a playlist, and what is left out of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.hls.check import check
from seeder.hls.delivery import (
    Directives,
    directives,
    edge_of,
    has,
    too_far,
    went_back,
    with_position,
    without_directives,
)
from seeder.hls.delta import delta, shortened
from seeder.hls.manifest import annotate, strip_tags
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Addresses, Edge, PublishedPlaylist, rendezvous_hash
from seeder.torrent.metainfo import make_torrent

CONTROL = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5\n"
HEAD = f"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n{CONTROL}#EXT-X-PART-INF:PART-TARGET=0.5\n"


def media(text: str) -> MediaPlaylist:
    playlist = parse(text)
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def edge(text: str) -> Edge:
    found = edge_of(text, media(text))
    assert found is not None
    return found


def part(name: str) -> str:
    return f'#EXT-X-PART:DURATION=0.5,URI="{name}"\n'


def window(first: int, count: int, tail: str = "", head: str = HEAD) -> str:
    segments = "".join(f"#EXTINF:2,\ns{n}.mp4\n" for n in range(first, first + count))
    return f"{head}#EXT-X-MEDIA-SEQUENCE:{first}\n{segments}{tail}"


# --- directives ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", Directives()),
        ("token=x", Directives()),
        ("_HLS_msn=7", Directives(7)),
        ("k=1&_HLS_msn=7&_HLS_part=0&_HLS_skip=YES", Directives(7, 0, "YES")),
        ("_HLS_skip=v2", Directives(skip="v2")),
        ("_HLS_skip=v9&_HLS_new=1", Directives()),
        ("_HLS_msn=7&_HLS_msn=7", Directives(7)),
    ],
)
def test_a_query_says_what_to_wait_for_and_what_to_skip(query: str, asked: Directives) -> None:
    assert directives(query) == asked


@pytest.mark.parametrize(
    "query",
    ["_HLS_part=1", "_HLS_msn=-1", "_HLS_msn=", "_HLS_msn=x", "_HLS_msn=1.5", "_HLS_msn=%D9%A1",
     "_HLS_msn=99999999999999999999", "_HLS_msn=1&_HLS_msn=2", "_HLS_msn=1&_HLS_part=+1",
     "&".join(f"_HLS_msn={n}" for n in range(200))],
)  # fmt: skip
def test_nonsense_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"_HLS_|fields"):
        directives(query)


def test_directives_go_with_a_url_and_go_again() -> None:
    now = edge(window(5, 3, part("a")))
    url = with_position("https://a/x.m3u8?k=1", now)
    assert url == "https://a/x.m3u8?k=1&_HLS_msn=8&_HLS_part=1"
    assert without_directives(url) == "https://a/x.m3u8?k=1"


# --- where a playlist ends -------------------------------------------------------------------------


def test_a_playlist_has_what_it_lists_and_all_before() -> None:
    now = edge(window(5, 3, part("8.0") + part("8.1")))
    assert (now.msn, now.parts) == (8, 2)
    assert all(has(now, *asked) for asked in [(0, None), (7, None), (7, 3), (8, 0), (8, 1)])
    assert not any(has(now, *asked) for asked in [(8, None), (8, 2), (9, 0), (9, None)])


def test_a_part_beyond_a_segments_last_is_the_next_segments_first() -> None:
    text = window(5, 2) + part("7.0") + part("7.1") + "#EXTINF:1,\ns7.mp4\n"
    assert edge(text).parts_before == 2
    assert has(edge(text), 7, 1)
    assert not has(edge(text), 7, 2)
    assert has(edge(text + part("8.0")), 7, 2)
    assert has(edge(text + part("8.0")), 7, 9)


def test_too_far_ahead_is_two_segments_but_the_last_part_of_the_next_is_not() -> None:
    now = edge(window(5, 3))
    assert not too_far(now, 9, None)
    assert too_far(now, 10, None)
    assert not too_far(now, 8, 3), "hls.js without low latency asks for that"
    assert too_far(now, 8, 50)


def test_who_promises_nothing_or_has_ended_has_no_edge() -> None:
    plain = window(0, 3, head="#EXTM3U\n#EXT-X-TARGETDURATION:2\n")
    assert edge_of(plain, media(plain)) is None
    ended = window(0, 3, "#EXT-X-ENDLIST\n")
    assert edge_of(ended, media(ended)) is None
    hold = window(0, 3, head="#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:HOLD-BACK=6\n")
    assert edge_of(hold, media(hold)) is None


def test_a_skip_boundary_that_is_too_near_is_none() -> None:
    text = window(0, 3).replace("CAN-SKIP-UNTIL=12", "CAN-SKIP-UNTIL=11.9")
    assert edge(text).control.skip_until == 0


@given(st.integers(0, 50), st.integers(0, 3), st.integers(0, 50), st.integers(0, 3))
def test_whoever_waits_for_the_next_is_woken_by_it_and_not_by_a_restart(
    a: int, i: int, b: int, j: int
) -> None:
    before = edge(window(a, 3, "".join(part(f"{n}") for n in range(i))))
    after = edge(window(b, 3, "".join(part(f"{n}") for n in range(j))))
    assert has(after, before.msn, before.parts) == ((a, i) < (b, j))
    assert went_back(after, before) == ((b, j) < (a, i))


# --- delta updates ---------------------------------------------------------------------------------


def skipped(text: str, until: float = 12, removed: tuple[str, ...] | None = None) -> str:
    found = delta(text, media(text), until, removed)
    assert found is not None
    return found.text


def test_what_ends_before_the_boundary_is_skipped_and_all_else_stays() -> None:
    text = window(5, 10, part("p"))
    short = skipped(text)
    assert "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n" in short
    assert [s.uri for s in media(short).segments] == [f"s{n}.mp4" for n in range(8, 15)]
    assert media(short).media_sequence == 5
    assert short.endswith(part("p"))
    assert delta(window(5, 7), media(window(5, 7)), 12) is None, "they are all within it"


def test_tags_of_what_is_skipped_go_with_it_and_those_of_the_playlist_stay() -> None:
    text = window(0, 10).replace(
        "#EXTINF:2,\ns1.mp4\n",
        "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-CUE-OUT:30\n# aside\n"
        '#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z"\n#EXT-X-GAP\n#EXTINF:2,\ns1.mp4\n',
    )
    short = skipped(text)
    assert "#EXT-X-DATERANGE" in short
    for gone in ("DISCONTINUITY", "PROGRAM-DATE-TIME", "CUE-OUT", "aside", "GAP"):
        assert gone not in short


def test_keys_and_init_sections_that_hold_on_are_said_again_and_no_others() -> None:
    tags = [
        '#EXT-X-KEY:METHOD=AES-128,URI="k0"\n#EXT-X-MAP:URI="i0"\n',
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://1",KEYFORMAT="com.apple"\n#EXT-X-KEY:METHOD=AES-128,URI="k1"\n',
        '#EXT-X-MAP:URI="i1",BYTERANGE="5@0"\n#EXT-X-BITRATE:900\n',
    ]
    text = window(0, 10)
    for n, tag in enumerate(tags):
        text = text.replace(f"#EXTINF:2,\ns{n}.mp4", f"{tag}#EXTINF:2,\ns{n}.mp4")
    parts = skipped(text).partition("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n")
    assert parts[2].startswith(tags[1] + tags[2] + "#EXTINF:2,\ns3.mp4")
    assert "k0" not in parts[0] + parts[2]
    none = text.replace("#EXTINF:2,\ns2.mp4", "#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\ns2.mp4")
    assert "EXT-X-KEY" not in skipped(none)


def test_a_range_that_follows_one_that_is_skipped_says_where_it_begins() -> None:
    text = window(0, 10)
    for n in range(10):
        text = text.replace(f"#EXTINF:2,\ns{n}.mp4", "#EXTINF:2,\n#EXT-X-BYTERANGE:100\nall.mp4")
    text = text.replace("RANGE:100\n", "RANGE:100@50\n", 1)
    assert [s.span for s in media(skipped(text)).segments] == [s.span for s in media(text).segments[3:]]


def test_who_skips_date_ranges_is_told_of_those_that_went() -> None:
    short = skipped(window(0, 10), removed=("a", 'b"', "c"))
    assert '#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES="a\tc"\n' in short
    assert "#EXT-X-VERSION:10\n" in short


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_delta_update_breaks_no_rule_but_that_it_is_one(newline: str) -> None:
    text = window(0, 10).replace("#EXT-X-VERSION:9\n", "").replace("\n", newline)
    short = skipped(text)
    assert short.startswith(f"#EXTM3U{newline}#EXT-X-VERSION:9{newline}")
    assert {finding.rule for finding in check([short])} <= {"skip-unasked"} | {f.rule for f in check([text])}


@given(
    st.integers(1, 30),
    st.lists(st.sampled_from(["", "#EXT-X-GAP\n", "#x\n", "\n"]), min_size=30, max_size=30),
)
def test_each_segment_left_keeps_its_torrent(count: int, odd: list[str]) -> None:
    segments = "".join(f"{odd[n]}#EXTINF:2,\ns{n}.mp4\n" for n in range(count))
    text = f"{HEAD}{segments}"
    torrents = {s.line: make_torrent(s.uri, s.uri.encode()) for s in media(text).segments}
    whole = PublishedPlaylist("v0/index.m3u8", text, False, torrents, True, 1, edge(text))
    short = shortened(whole, "YES")
    for segment in media(short.text).segments:
        assert short.torrents[segment.line].name == segment.uri
    assert len(short.torrents) == min(count, 7)
    assert shortened(whole, "") is whole
    plain = replace(whole, edge=None)
    assert shortened(plain, "YES") is plain
    manifest = annotate(short, rendezvous_hash("a"), Addresses("http://a", "ws://a/announce"), "a")
    assert strip_tags(manifest) == short.text
    assert manifest.count("MAGNET=") == len(short.torrents)
