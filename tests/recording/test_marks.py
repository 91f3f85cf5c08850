"""What is new in a listing: pure."""

from __future__ import annotations

import pytest

from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Kind, Resource, StreamView
from seeder.recording.marks import Listed, dates, listing, unseen


def listed(first: int, *files: str, salt: str = "") -> list[Listed]:
    """A live playlist of ``files`` from MSN ``first`` on; ``salt``: of their contents."""
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    playlist = parse(text + "".join(f"#EXTINF:2,\n{name}\n" for name in files))
    assert isinstance(playlist, MediaPlaylist)
    resources = {n: Resource(n, Kind.SEGMENT, "video/mp2t", 1, f'"1-1-{n}{salt}"') for n in files}
    return listing(
        StreamView("garden", True, {}, resources, 2.0, len(files)), "index.m3u8", playlist.segments
    )


@pytest.mark.parametrize(
    ("now", "found", "hole"),
    [
        (listed(1, "b", "c", "d"), 2, False),
        (listed(0, "a", "b", "c"), 3, False),
        (listed(2, "c"), 1, False),
        (listed(3, "d", "e"), 0, False),
        (listed(5, "f", "g"), 0, True),  # the window went past us
        (listed(0, "a", "b", salt="new"), 0, True),  # another run with the names of the last
        (listed(2, "c", "d", salt="new"), 0, True),  # … that goes on with its numbers
        (listed(0, "b", "c", "d"), 2, True),  # numbered anew
        (listed(90, "b", "c", "d"), 2, True),
        (listed(90, "d", "a", "b"), 0, True),  # a film that is played in a loop
        (listed(0), 0, False),
    ],
)
def test_only_what_was_not_looked_at_is_new(now: list[Listed], found: int, hole: bool) -> None:
    marks = [each.mark for each in listed(0, "a", "b", "c")]
    assert unseen(marks, now) == (found, hole)


def test_dates_follow_from_the_one_that_is_said() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"
    for number in range(4):
        date = "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:40Z\n" if number == 2 else ""
        text += f"{date}#EXTINF:2,\n{number}.ts\n"
    playlist = parse(text)
    assert isinstance(playlist, MediaPlaylist)
    assert dates(playlist.segments) == [96.0, 98.0, 100.0, 102.0]
    assert dates(playlist.segments[:2]) == [None, None]
