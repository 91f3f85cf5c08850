from __future__ import annotations

import itertools
from pathlib import Path

from seeder.feed.assets import Asset, Want
from seeder.feed.beneath import Signature
from seeder.feed.streams import Contents, announced, build_view, refused, wants
from seeder.hls.playlist import MultivariantPlaylist, Playlist, parse
from seeder.model import Kind
from seeder.torrent.metainfo import make_torrent

MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXTINF:2,\nb%20c.ts\n"
SIGNATURE = Signature(100_000, 1, 1)


def asset(path: str, data: bytes | None = b"x") -> Asset:
    want = Want(path, "s/" + path, Kind.SEGMENT, data is not None, True)
    return Asset(want, Path("/feed/s") / path, SIGNATURE, data, make_torrent(path, path.encode()), True)


def contents(playlists: dict[str, str], *assets: Asset, lingering: tuple[str, ...] = ()) -> Contents:
    parsed: dict[str, Playlist] = {path: parse(text) for path, text in playlists.items()}
    return Contents("s", parsed, {a.want.path: a for a in assets}, lingering, frozenset(lingering[:1]), {})


def test_only_what_is_listed_is_wanted_and_live_wants_the_newest_first() -> None:
    playlist = parse(MEDIA)
    assert [w.path for w in wants("v/i.m3u8", playlist, "s/", {}, True)] == ["v/b c.ts", "v/a.ts"]
    assert [w.file for w in wants("v/i.m3u8", playlist, "s/", {}, False)] == ["s/v/a.ts", "s/v/b c.ts"]


def test_a_name_that_is_not_percent_encoded_is_found_as_it_stands() -> None:
    files = {"s/b%20c.ts": SIGNATURE}
    assert [w.file for w in wants("i.m3u8", parse(MEDIA), "s/", files, False)] == ["s/a.ts", "s/b%20c.ts"]


def test_a_playlist_that_did_not_change_keeps_its_version() -> None:
    version = itertools.count(1).__next__
    first = build_view(contents({"i.m3u8": MEDIA}, asset("a.ts")), None, version)
    again = build_view(contents({"i.m3u8": MEDIA}, asset("a.ts")), first, version)
    more = build_view(contents({"i.m3u8": MEDIA}, asset("a.ts"), asset("b c.ts")), again, version)
    assert again.playlists == first.playlists
    assert more.playlists["i.m3u8"].version > first.playlists["i.m3u8"].version
    assert list(more.playlists["i.m3u8"].torrents) == [2, 4]


def test_what_is_live_is_as_long_as_its_live_playlists_and_what_has_ended_as_all_of_them() -> None:
    version = itertools.count(1).__next__
    ended = MEDIA + "#EXTINF:2,\nd.ts\n#EXT-X-ENDLIST\n"
    view = build_view(contents({"v0/i.m3u8": MEDIA, "v1/i.m3u8": ended}), None, version)
    assert (view.live, view.seconds) == (True, 4)
    view = build_view(contents({"v1/i.m3u8": ended}), None, version)
    assert (view.live, view.seconds) == (False, 6)


def test_there_is_always_a_master_and_the_writers_own_is_left_alone() -> None:
    version = itertools.count(1).__next__
    made = build_view(contents({"v0/i.m3u8": MEDIA, "v1/i.m3u8": MEDIA}), None, version)
    master = parse(made.playlists["master.m3u8"].text)
    assert isinstance(master, MultivariantPlaylist)
    assert [v.uri for v in master.variants] == ["v0/i.m3u8", "v1/i.m3u8"]
    own = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=5\nv0/i.m3u8\n"
    for name in ("master.m3u8", "all.m3u8"):
        view = build_view(contents({"v0/i.m3u8": MEDIA, name: own}), None, version)
        assert view.playlists["master.m3u8"].text == own


def test_a_media_playlist_named_master_is_the_master() -> None:
    view = build_view(contents({"master.m3u8": MEDIA}, asset("a.ts")), None, itertools.count(1).__next__)
    assert view.playlists["master.m3u8"].text == MEDIA
    assert len(view.playlists["master.m3u8"].torrents) == 1


def test_a_lingering_segment_is_served_and_only_the_latest_are_known() -> None:
    found = contents({"i.m3u8": MEDIA}, asset("new.ts"), asset("old.ts"), lingering=("new.ts", "old.ts"))
    resources = build_view(found, None, itertools.count(1).__next__).resources
    assert resources["new.ts"].torrent is not None
    assert resources["old.ts"].torrent is None
    assert resources["old.ts"].data == b"x"


def test_bytes_come_from_memory_or_else_from_the_file() -> None:
    found = contents({"i.m3u8": MEDIA}, asset("a.ts"), asset("b c.ts", None))
    resources = build_view(found, None, itertools.count(1).__next__).resources
    assert (resources["a.ts"].data, resources["a.ts"].file) == (b"x", None)
    assert (resources["b c.ts"].data, resources["b c.ts"].file) == (None, Path("/feed/s/b c.ts"))
    assert resources["a.ts"].content_type == "video/mp2t"


def test_the_announced_bandwidth_is_measured_and_never_falls() -> None:
    first = contents({"i.m3u8": MEDIA}, asset("a.ts"))
    assert announced(first) == {"i.m3u8": 400_000}
    later = Contents("s", first.playlists, {}, (), frozenset(), {"i.m3u8": 900_000})
    assert announced(later) == {"i.m3u8": 900_000}


def test_uris_that_leave_the_stream_are_named() -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + "".join(
        f"#EXTINF:2,\n{u}\n" for u in ("a.ts", "../x.ts", "http://cdn.example/y.ts", "/etc/passwd")
    )
    assert refused("i.m3u8", parse(text)) == ["../x.ts", "/etc/passwd"]
