"""Which picture is the poster."""

from __future__ import annotations

from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import PublishedPlaylist, StreamView
from seeder.posters.choice import best, candidates, media_path


def stream(*variants: str) -> StreamView:
    """Each: attributes and a path."""
    lines = [
        f"#EXT-X-STREAM-INF:{attributes}\n{path}" for attributes, path in (v.split(" ") for v in variants)
    ]
    text = "\n".join(["#EXTM3U", *lines, ""])
    paths = [v.split(" ")[1] for v in variants]
    playlists = [PublishedPlaylist("master.m3u8", text, True, {}, False, 1)]
    playlists += [PublishedPlaylist(path, "", False, {}, True, 1) for path in paths]
    return StreamView("demo", True, {each.path: each for each in playlists}, {}, 2.0, 0)


def playlist(*segments: str) -> MediaPlaylist:
    """Of 2 s each; what stands before a space is a tag."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2"]
    for segment in segments:
        *tags, name = segment.split(" ")
        lines += [*tags, "#EXTINF:2.0,", name]
    found = parse("\n".join([*lines, ""]))
    assert isinstance(found, MediaPlaylist)
    return found


def names(found: MediaPlaylist, live: bool) -> list[str]:
    return [segment.uri for segment in candidates(found, live)]


def test_the_smallest_variant_that_is_large_enough_is_decoded() -> None:
    view = stream(
        "BANDWIDTH=5000000,RESOLUTION=1920x1080 a.m3u8",
        "BANDWIDTH=900000,RESOLUTION=640x360 b.m3u8",
        "BANDWIDTH=300000,RESOLUTION=320x180 c.m3u8",
    )
    assert media_path(view) == "b.m3u8"


def test_where_all_are_small_or_say_nothing_the_best_one_is() -> None:
    assert media_path(stream("BANDWIDTH=1,RESOLUTION=320x180 a.m3u8", "BANDWIDTH=2 b.m3u8")) == "b.m3u8"


def test_sound_alone_has_no_poster() -> None:
    view = stream(
        'BANDWIDTH=9,CODECS="mp4a.40.2" a.m3u8', 'BANDWIDTH=5,CODECS="avc1.4d401f,mp4a.40.2" v.m3u8'
    )
    assert media_path(view) == "v.m3u8"
    assert media_path(stream('BANDWIDTH=9,CODECS="mp4a.40.2" a.m3u8')) is None


def test_a_live_stream_shows_its_newest_segment() -> None:
    assert names(playlist("1.ts", "2.ts", "3.ts"), live=True) == ["3.ts", "2.ts"]


def test_what_has_ended_is_looked_at_in_three_places_beyond_its_titles() -> None:
    film = playlist(*(f"{n}.ts" for n in range(100)))
    assert names(film, live=False) == ["10.ts", "30.ts", "50.ts"]
    assert names(playlist("0.ts"), live=False) == ["0.ts"]
    assert names(playlist(), live=False) == []


def test_what_is_encrypted_or_missing_is_passed_over() -> None:
    key = '#EXT-X-KEY:METHOD=AES-128,URI="k"'
    assert names(playlist("1.ts", f"{key} 2.ts", "3.ts"), live=True) == ["1.ts"]
    assert names(playlist("1.ts", "#EXT-X-GAP 2.ts"), live=True) == ["1.ts"]


def test_the_first_place_wins_unless_it_is_plain() -> None:
    assert best([30_000, 50_000, 40_000]) == 0
    assert best([2_000, 30_000, 50_000]) == 1
