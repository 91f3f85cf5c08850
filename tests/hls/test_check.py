from __future__ import annotations

import pytest

from seeder.hls.check import Checker, check
from seeder.hls.manifest import annotate
from seeder.model import Addresses, PublishedPlaylist, rendezvous_hash
from seeder.torrent.metainfo import make_torrent


def playlist(first: int, *segments: str, target: int = 2, discontinuity: int = 0, end: str = "") -> str:
    head = (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuity}\n"
    )
    return head + "".join(segments) + end


def seg(name: str, duration: float = 2.0, date: str = "", before: str = "") -> str:
    stamp = f"#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:{date}Z\n" if date else ""
    return f"{before}{stamp}#EXTINF:{duration},\n{name}.ts\n"


CUT = "#EXT-X-DISCONTINUITY\n"


def rules(*texts: str) -> list[str]:
    return [finding.rule for finding in check(texts)]


def test_a_sliding_window_breaks_no_rule() -> None:
    assert (
        rules(
            playlist(0, seg("a", date="00"), seg("b", date="02", before=CUT)),
            playlist(1, seg("b", date="02", before=CUT), seg("c", date="04")),
            playlist(2, seg("c", date="04"), seg("d", date="06"), discontinuity=1),
        )
        == []
    )


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("not-a-playlist", ["hello"]),
        ("target-duration-changed", [playlist(0, seg("a")), playlist(0, seg("a"), target=3)]),
        ("extinf-above-target", [playlist(0, seg("a", 2.5))]),
        ("media-sequence-fell", [playlist(5, seg("a")), playlist(4, seg("z"), seg("a"))]),
        ("segment-changed", [playlist(0, seg("a")), playlist(0, seg("b"))]),
        ("extinf-changed", [playlist(0, seg("a")), playlist(0, seg("a", 1.5))]),
        ("uri-reused", [playlist(0, seg("a"), seg("b")), playlist(2, seg("a"))]),
        (
            "discontinuity-sequence",
            [playlist(0, seg("a", before=CUT), seg("b")), playlist(1, seg("b"), discontinuity=0)],
        ),
        ("date-not-rising", [playlist(0, seg("a", date="04"), seg("b", date="02"))]),
        ("date-off", [playlist(0, seg("a", date="00"), seg("b", date="05"))]),
        ("segments-taken-back", [playlist(0, seg("a"), seg("b")), playlist(0, seg("a"))]),
        ("changed-after-endlist", [playlist(0, seg("a"), end="#EXT-X-ENDLIST\n"), playlist(0, seg("a"))]),
    ],
)
def test_each_rule_is_noticed(rule: str, texts: list[str]) -> None:
    assert rule in rules(*texts)


def manifest() -> str:
    text = playlist(0, seg("a"))
    published = PublishedPlaylist("i.m3u8", text, False, {4: make_torrent("a.ts", b"a")}, True, 1)
    return annotate(published, rendezvous_hash("s"), Addresses("http://h", "ws://h/announce"), "s")


def test_our_own_manifest_is_clean() -> None:
    assert check([manifest()]) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("btih:", "btih:00", "torrent-tag"),
        ('INFO="', 'INFO="AAAA', "torrent-tag"),
        ("&tr=", "&xx=", "torrent-tag"),
        ("#EXTINF", "# between\n#EXTINF", "tag-misplaced"),
        ('ID="', 'ID="0', "swarm-tag"),
    ],
)
def test_a_tag_that_lies_is_found(old: str, new: str, rule: str) -> None:
    broken = manifest().replace(old, new, 1)
    assert broken != manifest()
    assert rule in rules(broken)


def test_what_the_checker_remembers_is_bounded() -> None:
    checker = Checker(memory=10)
    for n in range(100):
        assert checker.reload(playlist(n, seg(f"s{n}"))) == []
    assert len(checker._msn_of) <= 10
