from __future__ import annotations

import pytest

from seeder.hls.playlist import MediaPlaylist, parse
from seeder.onward.choice import UnfitError
from seeder.onward.follow import Follow, Step


def playlist(first: int, *entries: str) -> MediaPlaylist:
    """Each entry: a URI, with tags before it."""
    body = ""
    for entry in entries:
        *tags, uri = entry.split()
        body += "".join(f"#EXT-X-{tag}\n" for tag in tags) + f"#EXTINF:2,\n{uri}\n"
    head = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    found = parse(head + body)
    assert isinstance(found, MediaPlaylist)
    return found


def told(steps: list[Step]) -> list[str]:
    """A fresh one with an exclamation mark."""
    return [("!" if step.fresh else "") + step.segment.uri for step in steps]


def test_it_begins_at_the_newest_and_goes_on_with_what_is_new() -> None:
    follow = Follow()
    assert told(follow.advance(playlist(5, "a", "b", "c"))) == ["!c"]
    assert told(follow.advance(playlist(5, "a", "b", "c"))) == []
    assert told(follow.advance(playlist(6, "b", "c", "d", "e"))) == ["d", "e"]
    assert told(follow.advance(playlist(10, "f", "g"))) == ["f", "g"], "the last one has just left the window"


def test_a_recording_is_read_from_its_beginning() -> None:
    assert told(Follow(whole=True).advance(playlist(0, "a", "b"))) == ["!a", "b"]


@pytest.mark.parametrize(
    ("then", "steps"),
    [
        (playlist(5, "a", "b", "DISCONTINUITY c"), ["!c"]),
        (playlist(5, "a", "b", 'MAP:URI="i2" c'), ["!c"]),
        (playlist(5, "a", "b", "GAP c", "d"), ["!d"]),
        (playlist(9, "e", "f"), ["!e", "f"]),
        (playlist(0, "a"), ["!a"]),
        (playlist(0, *"klmnopqrs"), ["!s"]),
    ],
    ids=["discontinuity", "another init", "a gap", "too slow", "counted anew", "counted anew, past us"],
)
def test_what_does_not_continue_is_fresh(then: MediaPlaylist, steps: list[str]) -> None:
    follow = Follow()
    follow.advance(playlist(5, "a", "b"))
    assert told(follow.advance(then)) == steps


def test_what_could_not_be_had_is_followed_by_a_fresh_one() -> None:
    follow = Follow()
    follow.advance(playlist(5, "a"))
    follow.lost()
    assert told(follow.advance(playlist(5, "a", "b", "c"))) == ["!b", "c"]


def test_a_hole_in_the_timeline_is_told_and_bounded() -> None:
    def at(time: str, uri: str) -> str:
        return f"DISCONTINUITY PROGRAM-DATE-TIME:2026-01-01T{time}Z {uri}"

    follow = Follow(whole=True)
    entries = [at("10:00:00", "a"), at("10:00:05", "b"), "c", at("10:00:09", "d"), at("12:00:00", "e")]
    steps = follow.advance(playlist(0, *entries, at("09:00:00", "f")))
    assert [step.hole for step in steps] == [0, 3, 0, 0, 60, 0]


def test_what_is_encrypted_is_refused() -> None:
    with pytest.raises(UnfitError, match="encrypted") as refused:
        Follow().advance(playlist(0, 'KEY:METHOD=AES-128,URI="k" a'))
    assert refused.value.status == 406
