from __future__ import annotations

from seeder.ingest.playlist import Entry, MediaPlaylist, render
from seeder.ingest.variants import home, names_alone, view


def shared(*folders: tuple[str, ...]) -> MediaPlaylist:
    entries = tuple(
        Entry(f"{n}.m4s", 2.0, n * 2.0, f"init-{n}.mp4", n > 0, held) for n, held in enumerate(folders)
    )
    return MediaPlaylist(2, 7, 3, entries)


def test_a_variant_lists_its_own_and_where_it_has_none_the_next_lower_ones() -> None:
    playlist = view(shared(("v0", "v1", "v2"), ("v1", "v2")), "v0")
    assert playlist is not None
    assert [entry.uri for entry in playlist.entries] == ["0.m4s", "../v1/1.m4s"]
    assert '#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="../v1/init-1.mp4"' in render(playlist)
    assert (playlist.msn, playlist.next_msn) == (7, 9)


def test_the_lowest_one_falls_back_on_what_is_above_it() -> None:
    assert home("v2", ("v0", "v1", "a0")) == "v1"


def test_pictures_and_sound_do_not_stand_in_for_each_other() -> None:
    assert home("a0", ("v0", "v1")) is None
    assert home("v0", ("a0",)) is None


def test_who_plays_hevc_is_sent_to_h264_where_there_is_no_other_and_nobody_to_hevc() -> None:
    assert home("h0", ("v0", "h1", "a0")) == "h1"
    assert home("h1", ("v0", "v1", "a0")) == "v1"
    assert home("v0", ("h0", "v2")) == "v2"
    assert home("v0", ("h0", "a0")) is None


def test_sound_that_came_later_begins_later_with_the_same_numbers() -> None:
    playlist = view(shared(("v0",), ("v0",), ("v0", "a0")), "a0")
    assert playlist is not None
    assert (playlist.msn, playlist.discontinuity_sequence, len(playlist.entries)) == (9, 4, 1)


def test_sound_that_is_not_made_any_more_has_nothing_to_list() -> None:
    assert view(shared(("v0", "a0"), ("v0",)), "a0") is None


def test_the_names_are_read_back_without_folders() -> None:
    playlist = view(shared(("v1",), ("v1",)), "v0")
    assert playlist is not None
    assert [entry.uri for entry in names_alone(playlist).entries] == ["0.m4s", "1.m4s"]
