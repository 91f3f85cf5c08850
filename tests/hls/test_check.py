"""Known-bad playlists, one per rule at least, each flagged for what is bad and clean before it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.hls.check import RULES, Checker, Finding, Level, check, look
from seeder.hls.check.delivery import Response, served_playlist, served_segment
from seeder.hls.check.magnets import torrents
from seeder.hls.check.presentation import Member, presentation, segment_key
from seeder.hls.manifest import annotate
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Addresses, PublishedPlaylist, rendezvous_hash
from seeder.torrent.metainfo import make_torrent, mismatch

MEDIA = """#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=12
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-KEY:METHOD=AES-128,URI="key",IV=0x00000000000000000000000000000001
#EXT-X-MAP:URI="init.mp4"
#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",DURATION=3
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
#EXTINF:2.0,
s7.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02Z
#EXTINF:2.0,
s8.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04Z
#EXT-X-PART:DURATION=0.5,URI="s9.0.m4s",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.5,URI="s9.1.m4s"
#EXT-X-PART:DURATION=0.5,URI="s9.2.m4s"
#EXT-X-PART:DURATION=0.5,URI="s9.3.m4s"
#EXTINF:2.0,
s9.m4s
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="s10.0.m4s"
"""
"""A live playlist without a finding."""

MULTIVARIANT = """#EXTM3U
#EXT-X-VERSION:8
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-DEFINE:NAME="host",VALUE="h"
#EXT-X-SESSION-DATA:DATA-ID="title",VALUE="A film"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="English",DEFAULT=YES,AUTOSELECT=YES,URI="en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",AUTOSELECT=YES,URI="de.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",FORCED=NO,URI="subs.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="CC",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1500,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=640x360,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=4000,AVERAGE-BANDWIDTH=3000,CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=1280x720,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"
http://{$host}/high.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=400,URI="frames.m3u8"
"""


def rules(*texts: str) -> list[str]:
    return [finding.rule for finding in check(texts)]


def test_a_playlist_with_everything_in_it_is_clean() -> None:
    assert check([MEDIA]) == []
    assert look(MULTIVARIANT)[1] == []


def expect(found: Sequence[Finding], rule: str) -> None:
    assert rule in [finding.rule for finding in found], found
    for finding in found:
        assert finding.section
        assert finding.text


# One line of a clean playlist is replaced: rule, what, by what. A "+" before it: put in front of that.
BAD_MEDIA = [
    ("byte-order-mark", "#EXTM3U", "\ufeff#EXTM3U"),
    ("control-character", "s8.m4s", "s8\x01.m4s"),
    ("not-a-playlist", "#EXTM3U", "#EXTM3U8"),
    ("not-a-playlist", "#EXTINF:2.0,\ns8.m4s", "s8.m4s"),
    ("mixed-kinds", "#EXT-X-PART-INF", "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-PART-INF"),
    (
        "tag-in-wrong-playlist",
        "#EXT-X-PART-INF",
        '#EXT-X-SESSION-DATA:DATA-ID="a",VALUE="b"\n#EXT-X-PART-INF',
    ),
    ("tag-repeated", "#EXT-X-PART-INF", "#EXT-X-VERSION:9\n#EXT-X-PART-INF"),
    ("tag-value", "VERSION:9", "VERSION:nine"),
    ("tag-value", "#EXT-X-DISCONTINUITY\n", "#EXT-X-DISCONTINUITY:1\n"),
    ("tag-value", "#EXT-X-DISCONTINUITY\n", "#EXT-X-DISCONTINUITY\n#EXT-X-BITRATE:fast\n"),
    ("tag-value", "#EXTINF:2.0,\ns8", "#EXTINF:two,\ns8"),
    ("tag-value", "DATE-TIME:2026-01-01T00:00:02Z", "DATE-TIME:yesterday"),
    ("tag-dangling", "#EXT-X-PRELOAD-HINT", "#EXTINF:2,\n#EXT-X-PRELOAD-HINT"),
    ("attribute-list", 'METHOD=AES-128,URI="key"', 'METHOD=AES-128;URI="key"'),
    ("attribute-list", 'ID="ad",START', 'ID="ad", START'),
    ("attribute-repeated", 'URI="key"', 'URI="key",URI="lock"'),
    ("attribute-type", "CAN-BLOCK-RELOAD=YES", "CAN-BLOCK-RELOAD=yes"),
    ("attribute-type", "DURATION=3", "DURATION=long"),
    ("attribute-type", '"init.mp4"', "init.mp4"),
    ("attribute-missing", "PART-TARGET=0.5", "X-PART=0.5"),
    ("attribute-missing", ',START-DATE="2026-01-01T00:00:00Z"', ""),
    ("variable-undefined", "s8.m4s", "{$base}/s8.m4s"),
    ("variable-redefined", "#EXT-X-PART-INF", '#EXT-X-DEFINE:NAME="a",VALUE="b"\n' * 2 + "#EXT-X-PART-INF"),
    ("version-too-low", "VERSION:9", "VERSION:5"),
    ("version-too-low", "#EXT-X-VERSION:9\n", ""),
    ("target-duration-missing", "#EXT-X-TARGETDURATION:2\n", ""),
    ("target-duration-not-integer", "TARGETDURATION:2\n", "TARGETDURATION:2.5\n"),
    ("target-duration-long", "TARGETDURATION:2\n", "TARGETDURATION:10\n"),
    ("extinf-above-target", "#EXTINF:2.0,\ns8", "#EXTINF:2.5,\ns8"),
    ("sequence-late", "#EXT-X-PRELOAD-HINT", "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PRELOAD-HINT"),
    ("byterange-without-start", "#EXTINF:2.0,\ns8", "#EXT-X-BYTERANGE:10\n#EXTINF:2.0,\ns8"),
    ("key-incomplete", 'METHOD=AES-128,URI="key"', "METHOD=AES-128"),
    ("key-incomplete", "METHOD=AES-128", "METHOD=NONE"),
    ("key-iv", "IV=0x00000000000000000000000000000001", "IV=0x01"),
    ("date-without-zone", "00:00:02Z", "00:00:02"),
    ("date-not-rising", "DATE-TIME:2026-01-01T00:00:02Z", "DATE-TIME:2025-01-01T00:00:02Z"),
    ("date-off", "00:00:02Z", "00:00:03Z"),
    ("daterange-span", "DURATION=3", 'END-DATE="2025-01-01T00:00:00Z"'),
    ("daterange-span", "DURATION=3", "END-ON-NEXT=YES"),
    ("daterange-span", "DURATION=3", 'END-ON-NEXT=YES,CLASS="c",DURATION=3'),
    ("daterange-without-clock", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-SOME-OTHER-TIME"),
    ("daterange-changed", "#EXT-X-PROGRAM", '#EXT-X-DATERANGE:ID="ad",DURATION=4\n#EXT-X-PROGRAM'),
    ("start-outside", "#EXT-X-PART-INF", "#EXT-X-START:TIME-OFFSET=-60\n#EXT-X-PART-INF"),
    ("vod-without-end", "#EXT-X-PART-INF", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-PART-INF"),
    ("window-too-short", "#EXTINF:2.0,\ns8.m4s\n", ""),
    ("fmp4-without-map", '#EXT-X-MAP:URI="init.mp4"\n', ""),
    ("part-inf-missing", "#EXT-X-PART-INF:PART-TARGET=0.5\n", ""),
    ("part-above-target", "PART-TARGET=0.5", "PART-TARGET=0.4"),
    ("part-below-target", 'DURATION=0.5,URI="s9.1', 'DURATION=0.3,URI="s9.1'),
    ("part-sum-off", '#EXT-X-PART:DURATION=0.5,URI="s9.2.m4s"\n', ""),
    (
        "parts-too-old",
        "#EXT-X-PRELOAD",
        "".join(f"#EXTINF:2.0,\nt{n}.m4s\n" for n in range(4)) + "#EXT-X-PRELOAD",
    ),
    ("hold-back-short", "HOLD-BACK=6", "HOLD-BACK=5"),
    ("part-hold-back-missing", "PART-HOLD-BACK=1.5,", ""),
    ("part-hold-back-short", "PART-HOLD-BACK=1.5", "PART-HOLD-BACK=0.9"),
    ("part-hold-back-tight", "PART-HOLD-BACK=1.5", "PART-HOLD-BACK=1.2"),
    ("skip-until-short", "CAN-SKIP-UNTIL=12", "CAN-SKIP-UNTIL=8"),
    ("skip-dateranges-alone", "CAN-SKIP-UNTIL=12", "CAN-SKIP-DATERANGES=YES"),
    ("blocking-reload-missing", "CAN-BLOCK-RELOAD=YES,", ""),
    ("hint-listed", "s10.0.m4s", "s9.3.m4s"),
    ("hint-repeated", "#EXT-X-PRELOAD-HINT", '#EXT-X-PRELOAD-HINT:TYPE=PART,URI="x"\n#EXT-X-PRELOAD-HINT'),
    ("skip-unasked", "#EXT-X-PART-INF", "#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXT-X-PART-INF"),
]


@pytest.mark.parametrize(("rule", "old", "new"), BAD_MEDIA)
def test_each_rule_of_a_media_playlist_is_noticed(rule: str, old: str, new: str) -> None:
    assert old in MEDIA
    expect(check([MEDIA.replace(old, new)]), rule)


STREAM = 'CODECS="avc1.4d401f,mp4a.40.2",RESOLUTION=640x360,'
BAD_MULTIVARIANT = [
    ("tag-in-wrong-playlist", "#EXT-X-DEFINE", "#EXT-X-TARGETDURATION:2\n#EXT-X-DEFINE"),
    ("tag-dangling", "http://{$host}/high.m3u8\n", ""),
    ("variable-undefined", '#EXT-X-DEFINE:NAME="host",VALUE="h"\n', ""),
    ("version-too-low", "VERSION:8", "VERSION:7"),
    ("version-too-low", "BANDWIDTH=400,", 'BANDWIDTH=400,REQ-VIDEO-LAYOUT="CH-STEREO",'),
    ("attribute-missing", "BANDWIDTH=2000,AVERAGE-", "AVERAGE-"),
    ("attribute-missing", ',NAME="Deutsch"', ""),
    ("attribute-type", "RESOLUTION=640x360", "RESOLUTION=640"),
    ("attribute-type", "TYPE=SUBTITLES", "TYPE=SUBTITLE"),
    (
        "variant-repeated",
        MULTIVARIANT.split("\n")[10],
        "\n".join([*MULTIVARIANT.split("\n")[10:12]] * 2)[:-9],
    ),
    ("bandwidth-below-average", "BANDWIDTH=2000,AVERAGE", "BANDWIDTH=1000,AVERAGE"),
    ("codecs-missing", STREAM, "RESOLUTION=640x360,"),
    ("resolution-missing", STREAM, 'CODECS="avc1.4d401f,mp4a.40.2",'),
    ("group-unknown", 'GROUP-ID="s"', 'GROUP-ID="t"'),
    (
        "captions-none",
        'RESOLUTION=640x360,AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c"',
        "CLOSED-CAPTIONS=NONE",
    ),
    ("media-uri", 'FORCED=NO,URI="subs.m3u8"', "FORCED=NO"),
    ("media-uri", 'INSTREAM-ID="CC1"', 'INSTREAM-ID="CC1",URI="cc.m3u8"'),
    ("instream-id", ',INSTREAM-ID="CC1"', ""),
    ("media-default", "DEFAULT=YES,AUTOSELECT=YES", "DEFAULT=YES,AUTOSELECT=NO"),
    ("media-default", 'NAME="Deutsch",', 'NAME="Deutsch",FORCED=YES,'),
    ("media-name-repeated", "Deutsch", "English"),
    ("media-two-defaults", 'NAME="Deutsch",', 'NAME="Deutsch",DEFAULT=YES,'),
    ("session-data", 'VALUE="A film"', 'VALUE="A film",URI="title.json"'),
    ("session-data", 'DATA-ID="title",VALUE="A film"', 'DATA-ID="title"'),
    (
        "session-data",
        "#EXT-X-SESSION-KEY",
        '#EXT-X-SESSION-DATA:DATA-ID="title",VALUE="B"\n#EXT-X-SESSION-KEY',
    ),
    ("session-key", 'METHOD=AES-128,URI="key"', "METHOD=NONE"),
    ("session-key", 'METHOD=AES-128,URI="key"', "METHOD=AES-128"),
    ("average-missing", "AVERAGE-BANDWIDTH=1500,", ""),
    ("independent-missing", "#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
]


@pytest.mark.parametrize(("rule", "old", "new"), BAD_MULTIVARIANT)
def test_each_rule_of_a_multivariant_playlist_is_noticed(rule: str, old: str, new: str) -> None:
    assert old in MULTIVARIANT
    expect(look(MULTIVARIANT.replace(old, new))[1], rule)


@given(st.lists(st.sampled_from([*MEDIA.split("\n"), *MULTIVARIANT.split("\n")]) | st.text(), max_size=30))
def test_whatever_the_lines_are_something_is_said_and_nothing_breaks(lines: list[str]) -> None:
    playlist, found = look("\n".join(lines))
    assert playlist is not None or any(finding.level is Level.MUST for finding in found)


# Successive reloads


def playlist(first: int, *segments: str, target: int = 2, discontinuity: int = 0, end: str = "") -> str:
    head = (
        f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}\n"
    )
    return head + "".join(segments) + end


def seg(name: str, duration: float = 2.0, date: str = "", before: str = "") -> str:
    stamp = f"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:{date}Z\n" if date else ""
    return f"{before}{stamp}#EXTINF:{duration},\n{name}.ts\n"


CUT = "#EXT-X-DISCONTINUITY\n"
EVENT = "#EXT-X-PLAYLIST-TYPE:EVENT\n"


def test_a_sliding_window_breaks_no_rule() -> None:
    segments = [
        seg(name, date=f"{2 * n:02}", before=CUT if n == 1 else "") for n, name in enumerate("abcdef")
    ]
    assert (
        rules(
            playlist(0, *segments[0:4]),
            playlist(1, *segments[1:5]),
            playlist(2, *segments[2:6], discontinuity=1),
        )
        == []
    )


BAD_RELOADS = [
    ("not-a-media-playlist", [playlist(0, seg("a")), "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n"]),
    ("target-duration-changed", [playlist(0, seg("a")), playlist(0, seg("a"), target=3)]),
    ("type-changed", [playlist(0, EVENT, seg("a")), playlist(0, seg("a"), seg("b"))]),
    ("media-sequence-fell", [playlist(5, seg("a")), playlist(4, seg("z"), seg("a"))]),
    ("segment-changed", [playlist(0, seg("a")), playlist(0, seg("b"))]),
    ("segment-crypt-changed", [playlist(0, seg("a")), playlist(0, '#EXT-X-MAP:URI="i"\n', seg("a"))]),
    ("extinf-changed", [playlist(0, seg("a")), playlist(0, seg("a", 1.5))]),
    ("uri-reused", [playlist(0, seg("a"), seg("b")), playlist(2, seg("a"))]),
    (
        "discontinuity-sequence",
        [playlist(0, seg("a", before=CUT), seg("b")), playlist(1, seg("b"), discontinuity=0)],
    ),
    ("date-changed", [playlist(0, seg("a", date="04")), playlist(0, seg("a", date="05"))]),
    ("segments-taken-back", [playlist(0, seg("a"), seg("b")), playlist(0, seg("a"))]),
    ("event-dropped", [playlist(0, EVENT, seg("a"), seg("b")), playlist(1, EVENT, seg("b"))]),
    ("changed-after-endlist", [playlist(0, seg("a"), end="#EXT-X-ENDLIST\n"), playlist(0, seg("a"))]),
]


@pytest.mark.parametrize(("rule", "texts"), BAD_RELOADS)
def test_each_rule_of_reloads_is_noticed(rule: str, texts: list[str]) -> None:
    found = check(texts)
    expect(found, rule)
    assert [finding.reload for finding in found if finding.rule == rule] == [1]


def test_a_live_playlist_that_stands_still_is_noticed_once_in_a_while() -> None:
    text = playlist(0, seg("a"))
    checker = Checker(where="index.m3u8")
    found = [finding for at in range(8) for finding in checker.reload(text, at)]
    expect(found, "stale")
    assert [(finding.reload, finding.where) for finding in found] == [(4, "index.m3u8")]
    ended = playlist(0, seg("a"), end="#EXT-X-ENDLIST\n")
    checker = Checker()
    assert [finding for at in range(8) for finding in checker.reload(ended, at)] == []


def test_what_the_checker_remembers_is_bounded() -> None:
    checker = Checker(memory=10)
    for n in range(100):
        assert checker.reload(playlist(n, *(seg(f"s{n + i}") for i in range(3)))) == []
    assert len(checker._msn_of) <= 10


# Variants beside each other


def member(text: str, where: str = "other", **facts: int) -> Member:
    parsed = parse(text)
    assert isinstance(parsed, MediaPlaylist)
    return Member(where, parsed, **facts)  # type: ignore[arg-type]


A = [seg("a", date="00"), seg("b", date="02"), seg("c", date="04")]
END = "#EXT-X-ENDLIST\n"


BAD_BESIDE = [
    ("variants-target-duration", [playlist(0, *A), playlist(0, *A, target=3)]),
    ("variants-type", [playlist(0, *A), playlist(0, *A, end=END)]),
    ("variants-discontinuity", [playlist(0, *A), playlist(0, *A, discontinuity=1)]),
    ("variants-dates", [playlist(0, *A), playlist(0, seg("a"), seg("b"), seg("c"))]),
    ("variants-dates", [playlist(0, *A), playlist(0, seg("a", date="01"), seg("b", date="03"))]),
    ("variants-length", [playlist(0, *A, end=END), playlist(0, seg("a", date="00"), end=END)]),
]


@pytest.mark.parametrize(("rule", "texts"), BAD_BESIDE)
def test_variants_that_do_not_match_are_noticed(rule: str, texts: list[str]) -> None:
    assert list(presentation([member(texts[0]), member(texts[0])])) == []
    found = list(presentation([member(texts[0], "first"), member(texts[1])]))
    expect(found, rule)
    assert {finding.where for finding in found} == {"other"}


def test_variants_whose_windows_moved_on_between_two_requests_match() -> None:
    longer = [*A, seg("d", date="06")]
    assert list(presentation([member(playlist(0, *longer)), member(playlist(1, *longer[1:]))])) == []


def test_a_variant_that_needs_more_than_it_says_is_noticed() -> None:
    sizes = {segment_key("other", f"{name}.ts"): size for name, size in (("a", 250), ("b", 500), ("c", 250))}
    assert list(presentation([member(playlist(0, *A), bandwidth=2000, average=1400)], sizes)) == []
    expect(list(presentation([member(playlist(0, *A), bandwidth=1500)], sizes)), "bandwidth-exceeded")
    expect(list(presentation([member(playlist(0, *A), average=1000)], sizes)), "average-exceeded")


# How it is served


def response(text: str = "", data: bytes = b"", **headers: str) -> Response:
    usual = {"content-type": "application/vnd.apple.mpegurl", "access-control-allow-origin": "*"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    merged = {name: value for name, value in (usual | named).items() if value}
    return Response("http://h/i", 200, merged, data or text.encode())


BAD_SERVED = [
    ("playlist-type", {"content_type": "text/plain"}),
    ("cors-missing", {"access_control_allow_origin": ""}),
    ("live-cached", {"cache_control": "public, max-age=60"}),
    ("playlist-not-gzipped", {}),
]


@pytest.mark.parametrize(("rule", "headers"), BAD_SERVED)
def test_how_a_playlist_is_served_is_looked_at(rule: str, headers: dict[str, str]) -> None:
    text = playlist(0, *(seg(f"s{n}") for n in range(100 if rule == "playlist-not-gzipped" else 3)))
    parsed = parse(text)
    assert isinstance(parsed, MediaPlaylist)
    good = response(text, cache_control="max-age=1", content_encoding="gzip")
    assert list(served_playlist(good, parsed)) == []
    expect(list(served_playlist(response(text, **headers), parsed)), rule)


PAT = b"\x47\x40\0\x10" + bytes(184)
PES = b"\x47\x41\0\x10\0\0\1" + bytes(181)


BAD_SEGMENTS = [
    ("segment-format", b"<html>", {}),
    ("segment-type", PAT + PES, {"content_type": "text/plain"}),
    ("cors-missing", PAT + PES, {"access_control_allow_origin": ""}),
    ("segment-uncached", PAT + PES, {"cache_control": "no-store"}),
    ("ts-no-pat", PES + PAT, {}),
    ("vtt-timestamp-map", b"WEBVTT\n\n", {"content_type": "text/vtt"}),
    ("audio-timestamp", b"\xff\xf1" + bytes(100), {"content_type": "audio/aac"}),
]


@pytest.mark.parametrize(("rule", "data", "headers"), BAD_SEGMENTS)
def test_what_a_segment_is_made_of_is_looked_at(rule: str, data: bytes, headers: dict[str, str]) -> None:
    parsed = parse(playlist(0, seg("a")))
    assert isinstance(parsed, MediaPlaylist)
    segment = parsed.segments[0]
    good = response(data=PAT + PES, content_type="video/mp2t", cache_control="max-age=60")
    assert list(served_segment(good, segment, "i")) == []
    bad = response(data=data, **({"content_type": "video/mp2t"} | headers))
    expect(list(served_segment(bad, segment, "i")), rule)


# Our own tags


def manifest() -> str:
    text = playlist(0, seg("a"), seg("b"), seg("c"))
    published = PublishedPlaylist("i.m3u8", text, False, {5: make_torrent("a.ts", b"a")}, True, 1)
    return annotate(published, rendezvous_hash("s"), Addresses("http://h", "ws://h/announce"), "s")


def test_our_own_manifest_is_clean() -> None:
    assert check([manifest()]) == []


def test_a_magnet_without_a_web_seed_is_fine_for_who_bakes_knows_no_address() -> None:
    assert check([manifest().replace("&ws=", "&xx=")]) == []


BAD_TAGS = [
    ("btih:", "btih:00", "torrent-tag"),
    ('INFO="', 'INFO="AAAA', "torrent-tag"),
    ("&tr=", "&xx=", "torrent-tag"),
    ("\na.ts", "\n#EXT-X-BYTERANGE:1@0\na.ts", "torrent-tag"),
    ("#EXTINF", "# between\n#EXTINF", "tag-misplaced"),
    ('ID="', 'ID="0', "swarm-tag"),
    ('TRACKER="ws', 'TRACKER="http', "swarm-tag"),
]


@pytest.mark.parametrize(("old", "new", "rule"), BAD_TAGS)
def test_a_tag_that_lies_is_found(old: str, new: str, rule: str) -> None:
    broken = manifest().replace(old, new, 1)
    assert broken != manifest()
    expect(check([broken]), rule)


def test_a_segment_is_held_against_its_torrent() -> None:
    data = bytes(100_000)
    torrent = make_torrent("a.ts", data)
    assert mismatch(torrent, data) is None
    assert "99999 bytes" in (mismatch(torrent, data[1:]) or "")
    assert "piece 1" in (mismatch(torrent, data[:-1] + b"\1") or "")
    assert [t.name for t in torrents(manifest()).values()] == ["a.ts"]


# Of the rules themselves

BY_THE_COMMAND = {"not-utf8", "not-delivered", "private-address", "bytes-changed", "piece-mismatch"}
"""Found by who fetches, and tested there."""
ELSEWHERE = {"stale", "bandwidth-exceeded", "average-exceeded"}


def test_every_rule_says_something_and_some_of_them_bind() -> None:
    assert all(rule.says.endswith(".") and rule.section for rule in RULES.values())
    assert {rule.level for rule in RULES.values()} == set(Level)


def test_every_rule_has_a_playlist_here_that_breaks_it() -> None:
    tables = (BAD_MEDIA, BAD_MULTIVARIANT, BAD_RELOADS, BAD_BESIDE, BAD_SERVED, BAD_SEGMENTS)
    broken = {row[0] for table in tables for row in table} | {row[2] for row in BAD_TAGS}
    assert broken | ELSEWHERE == RULES.keys() - BY_THE_COMMAND
