from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import PlaylistError
from seeder.ingest.playlist import Entry, MediaPlaylist, date_time, parse, render

entries = st.builds(
    Entry,
    uri=st.integers(0, 10**9).map(lambda n: f"{n:08x}-{n:08d}.m4s"),
    duration=st.integers(1, 60_000_000).map(lambda n: n / 1_000_000),
    start=st.integers(0, 4_000_000_000_000).map(lambda n: n / 1000),
    init=st.integers(0, 99).map(lambda n: f"00000000-init-{n}.mp4"),
    discontinuity=st.booleans(),
)
playlists = st.builds(
    MediaPlaylist,
    target_duration=st.integers(1, 60),
    msn=st.integers(0, 2**40),
    discontinuity_sequence=st.integers(0, 2**20),
    entries=st.lists(entries, max_size=12).map(tuple),
    ended=st.booleans(),
)


def entry(number: int, duration: float = 2.0, discontinuity: bool = False) -> Entry:
    return Entry(f"{number}.m4s", duration, number * 2.0, "init.mp4", discontinuity)


def grown(count: int, window: int, duration: float = 2.0) -> MediaPlaylist:
    playlist = MediaPlaylist(2)
    for number in range(count):
        playlist, _ = playlist.append(entry(number, duration), window)
    return playlist


@given(playlists)
def test_what_is_rendered_can_be_read_back(playlist: MediaPlaylist) -> None:
    assert parse(render(playlist)) == playlist


def test_a_playlist_looks_like_this() -> None:
    playlist = MediaPlaylist(2, 7, 3, (entry(7), Entry("8.m4s", 1.96, 16.0, "other.mp4", True)))
    assert render(playlist) == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init.mp4"\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:14.000Z\n#EXTINF:2.000000,\n7.m4s\n'
        '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="other.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:16.000Z\n#EXTINF:1.960000,\n8.m4s\n"
    )


def test_the_window_moves_and_the_msn_with_it() -> None:
    playlist = grown(10, 8)
    assert (playlist.msn, playlist.next_msn, len(playlist.entries)) == (2, 10, 8)
    playlist, removed = playlist.append(entry(10), 8)
    assert [gone.uri for gone in removed] == ["2.m4s"]


def test_three_target_durations_stay_listed_however_short_the_segments() -> None:
    playlist = grown(20, 8, duration=0.5)
    assert playlist.duration == 6.0


def test_removed_discontinuities_are_counted() -> None:
    playlist = MediaPlaylist(2)
    for number in range(9):
        playlist, _ = playlist.append(entry(number, discontinuity=number in (1, 4)), 4)
    assert (playlist.msn, playlist.discontinuity_sequence) == (5, 2)


def test_an_appended_segment_reopens_an_ended_playlist() -> None:
    playlist, _ = MediaPlaylist(2, entries=(entry(0),), ended=True).append(entry(1), 8)
    assert not playlist.ended


def test_times_are_rounded_to_the_millisecond() -> None:
    assert date_time(1.9996) == "1970-01-01T00:00:02.000Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "#EXTM3U\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:two\n",
        render(grown(3, 8)).replace("#EXTINF:2.000000,\n", ""),
        render(grown(3, 8)).replace("1970-", "x970-"),
        render(grown(3, 8)).replace('URI="', "URI=init"),
        render(grown(3, 8)).replace("#EXT-X-MEDIA-SEQUENCE:0\n", ""),
    ],
)
def test_a_damaged_playlist_is_a_playlist_error(text: str) -> None:
    with pytest.raises(PlaylistError):
        parse(text)


@given(st.integers(0, 600), st.text(max_size=6))
def test_damage_raises_nothing_but_playlist_errors(at: int, damage: str) -> None:
    text = render(grown(3, 8))
    for damaged in (text[:at] + damage + text[at:], text[:at]):
        with contextlib.suppress(PlaylistError):
            parse(damaged)
