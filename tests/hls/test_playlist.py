from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import PlaylistError
from seeder.hls.attributes import parse_attributes, quoted
from seeder.hls.playlist import (
    ByteRange,
    MediaPlaylist,
    MultivariantPlaylist,
    Reference,
    Role,
    decode,
    parse,
    split_lines,
)
from seeder.model import Span

LIVE = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:04:05.000Z
#EXTINF:2.000,
a041.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init-2.mp4"
#EXT-X-KEY:METHOD=AES-128,URI="key,1"
#EXTINF:1.960,A title
a042.m4s
#EXT-X-KEY:METHOD=NONE
#EXT-X-GAP
#EXTINF:2,
a043.m4s
"""

MASTER = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="de",URI="audio/de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="muxed"
#EXT-X-STREAM-INF:BANDWIDTH=1000000,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="a"
v0/index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=80000,URI="v0/iframes.m3u8"
"""


def media(text: str) -> MediaPlaylist:
    playlist = parse(text)
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def test_segments_know_their_number_place_and_context() -> None:
    playlist = media(LIVE)
    first, second, third = playlist.segments
    assert [s.msn for s in playlist.segments] == [41, 42, 43]
    assert [s.discontinuity_sequence for s in playlist.segments] == [3, 4, 4]
    assert [split_lines(LIVE)[s.line][:8] for s in playlist.segments] == ["#EXTINF:"] * 3
    assert (first.map_uri, second.map_uri, third.map_uri) == ("init.mp4", "init-2.mp4", "init-2.mp4")
    assert (first.key_uri, second.key_uri, third.key_uri) == (None, "key,1", None)
    assert first.program_date_time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert second.duration == 1.96
    assert third.gap
    assert not playlist.ended


def test_every_reference_can_be_enumerated() -> None:
    assert media(LIVE).references() == (
        Reference("init.mp4", Role.INIT),
        Reference("a041.m4s", Role.SEGMENT),
        Reference("init-2.mp4", Role.INIT),
        Reference("key,1", Role.KEY),
        Reference("a042.m4s", Role.SEGMENT),
        Reference("a043.m4s", Role.SEGMENT),
    )
    master = parse(MASTER)
    assert isinstance(master, MultivariantPlaylist)
    assert [r.uri for r in master.references()] == ["audio/de.m3u8", "v0/index.m3u8", "v0/iframes.m3u8"]


def test_byte_ranges_are_read_with_and_without_offset() -> None:
    text = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@20\nall.ts\n"
        "#EXT-X-BYTERANGE:50\n#EXTINF:2,\nall.ts\n"
    )
    assert [s.byterange for s in media(text).segments] == [ByteRange(100, 20), ByteRange(50, None)]
    assert [s.span for s in media(text).segments] == [Span(20, 100), Span(120, 50)]


@pytest.mark.parametrize("second", ["other.ts", "all.ts"])
def test_a_range_that_follows_nothing_begins_nowhere(second: str) -> None:
    between = "#EXTINF:2,\nall.ts\n" if second == "all.ts" else ""
    text = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-BYTERANGE:100@20\n#EXTINF:2,\nall.ts\n"
        f"{between}#EXTINF:2,\n#EXT-X-BYTERANGE:50\n{second}\n"
    )
    assert media(text).segments[-1].byterange == ByteRange(50, None)
    assert media(text).segments[-1].span is None


def test_an_init_section_may_be_a_range_too() -> None:
    text = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI="a",BYTERANGE="{}"\n#EXTINF:2,\nb\n'
    found = {r: media(text.replace("{}", r)).segments[0].map_span for r in ("7@5", "7", "x", "")}
    assert found == {"7@5": Span(5, 7), "7": Span(0, 7), "x": None, "": None}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_ends_byte_order_mark_and_trailing_blanks_are_forgiven(newline: str) -> None:
    text = "\ufeff" + LIVE.replace("\n", " \n").replace("\n", newline)
    assert [s.uri for s in media(text).segments] == [s.uri for s in media(LIVE).segments]


def test_a_line_separator_inside_a_title_is_no_line_end() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,one\u2028#EXTINF:9,\x0ctwo\na.ts\n"
    (segment,) = media(text).segments
    assert segment.line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("hello\n", 1),
        ("<html>\n", 1),
        ("#EXTM3U\n", 0),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\na.ts\n", 3),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:two\n", 2),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:nan,\na.ts\n", 3),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:-1,\na.ts\n", 3),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:-1\n", 3),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999999\n", 3),
        ("#EXTM3U\n#EXTINF:2,\na.ts\n", 0),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXTINF:2,\nb.ts\n", 4),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-MEDIA-SEQUENCE:4\n", 5),
    ],
)
def test_what_is_not_a_playlist_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(PlaylistError) as caught:
        parse(text)
    assert caught.value.line == line


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(PlaylistError) as caught:
        decode(b"#EXTM3U\n\xff\n")
    assert caught.value.line == 2


def test_segments_of_a_playlist_longer_than_any_memory_are_all_read() -> None:
    body = "".join(f"#EXTINF:2,\nseg{n:05}.ts\n" for n in range(20_000))
    assert len(media("#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + body).segments) == 20_000


lines = st.text(
    st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)),
    max_size=40,
)


@given(st.lists(st.tuples(lines, st.sampled_from(["\n", "\r\n", "\r"]))), lines)
def test_splitting_loses_nothing(parts: list[tuple[str, str]], last: str) -> None:
    text = "".join(a + b for a, b in parts) + last
    assert "".join(split_lines(text)) == text


@given(st.text(max_size=300))
def test_any_text_is_a_playlist_or_a_playlist_error(text: str) -> None:
    for candidate in (text, "#EXTM3U\n" + text, "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + text):
        with contextlib.suppress(PlaylistError):
            parse(candidate).references()


uris = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20).filter(
    lambda u: not u.startswith("#")
)
segments = st.lists(
    st.tuples(uris, st.floats(0, 20).map(lambda d: round(d, 3)), st.booleans(), st.booleans()), max_size=20
)


@given(segments, st.integers(0, 2**40), st.integers(0, 1000), st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_what_is_read(
    entries: list[tuple[str, float, bool, bool]], msn: int, discontinuities: int, newline: str
) -> None:
    out = [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:20",
        f"#EXT-X-MEDIA-SEQUENCE:{msn}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}",
    ]
    for uri, duration, discontinuity, comment in entries:
        out += ["#EXT-X-DISCONTINUITY"] * discontinuity + ["# a comment", ""] * comment
        out += [f"#EXTINF:{duration},", uri]
    playlist = media(newline.join([*out, ""]))
    assert [(s.uri, s.duration, s.discontinuity) for s in playlist.segments] == [
        (u, d, b) for u, d, b, _ in entries
    ]
    assert [s.msn for s in playlist.segments] == list(range(msn, msn + len(entries)))
    count = discontinuities
    for segment, (_, _, discontinuity, _) in zip(playlist.segments, entries, strict=True):
        count += discontinuity
        assert segment.discontinuity_sequence == count


names = st.from_regex(r"[A-Z][A-Z0-9-]{0,10}", fullmatch=True)
values = st.one_of(
    st.text(st.characters(exclude_characters='"\r\n', exclude_categories=("Cs",)), max_size=20).map(quoted),
    st.from_regex(r"[0-9A-Za-z.x@-]{1,12}", fullmatch=True),
)


@given(st.dictionaries(names, values, max_size=6))
def test_attribute_lists_are_read_back(attributes: dict[str, str]) -> None:
    text = ",".join(f"{name}={value}" for name, value in attributes.items())
    assert parse_attributes(text) == {n: v[1:-1] if v.startswith('"') else v for n, v in attributes.items()}


@given(st.text(max_size=100))
def test_any_text_is_read_as_some_attribute_list(text: str) -> None:
    parse_attributes(text)


def test_a_quoted_string_cannot_hold_a_quote_or_a_line_end() -> None:
    for value in ('a"b', "a\nb", "a\rb"):
        with pytest.raises(ValueError, match="quoted-string"):
            quoted(value)
