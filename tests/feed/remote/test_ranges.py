"""An attached feed whose segments are byte ranges of one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web

from seeder.feed.remote.home import home_of, place_of
from seeder.hls.check.magnets import magnets, torrents
from seeder.hls.manifest import annotate, strip_tags
from seeder.model import Addresses, Span
from seeder.torrent.metainfo import matches
from tests.feed.remote.upstream import HLS, Packager, attached

ADDRESSES = Addresses("http://here", "ws://here/announce")
FILE = bytes(range(256)) * 1000
HEAD = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n"
MAP = '#EXT-X-MAP:URI="all.mp4",BYTERANGE="800@0"\n'


def ranged(*ranges: str, head: str = MAP, end: str = "#EXT-X-ENDLIST\n") -> str:
    entries = "".join(f"#EXTINF:1,\n#EXT-X-BYTERANGE:{text}\nall.mp4\n" for text in ranges)
    return HEAD + head + entries + end


class Single:
    """A packager of one file, and what is asked of it."""

    def __init__(self, playlist: str, *, obeys: bool = True) -> None:
        self.playlist = playlist
        self.asked: list[str] = []
        self.packager = Packager()
        self.packager.failing = {
            "index.m3u8": self._playlist,
            "all.mp4": self._file if obeys else self._whole,
        }

    async def _playlist(self, request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=self.playlist.encode(), content_type=HLS)

    async def _file(self, request: web.Request, body: bytes) -> web.Response:
        self.asked.append(request.headers["Range"])
        part = request.http_range
        start, stop = part.start or 0, min(part.stop or len(FILE), len(FILE))
        headers = {
            "Content-Range": f"bytes {start}-{stop - 1}/{len(FILE)}",
            "Access-Control-Allow-Origin": "*",
        }
        return web.Response(status=206, body=FILE[start:stop], headers=headers)

    async def _whole(self, request: web.Request, body: bytes) -> web.Response:
        self.asked.append(request.headers["Range"])
        return web.Response(body=FILE)


def manifest(it: Any) -> str:
    return annotate(it.playlist(), it.view.rendezvous, ADDRESSES, "show")


async def test_each_range_is_fetched_by_itself_and_gets_the_torrent_of_just_its_bytes(tmp_path: Path) -> None:
    single = Single(ranged("70000@800", "30000", "500@200000"))
    async with attached(single.packager, tmp_path) as it:
        await it.until(it.tagged)
        text = manifest(it)
        found = list(torrents(text).values())
        assert [(t.name, t.length) for t in found] == [
            ("all.mp4@800", 70000),
            ("all.mp4@70800", 30000),
            ("all.mp4@200000", 500),
        ]
        for torrent, start in zip(found, (800, 70800, 200000), strict=True):
            assert matches(torrent, FILE[start : start + torrent.length])
            assert it.library.knows(torrent.infohash)
        assert sorted(single.asked) == ["bytes=200000-200499", "bytes=70800-100799", "bytes=800-70799"]
        assert "ws=" not in text, "a web seed would send the whole file"
        assert list(magnets(text)) == []
        assert strip_tags(text).replace(f"{it.base}/live/", "") == single.playlist


async def test_a_live_file_that_grows_is_fetched_range_by_range_once(tmp_path: Path) -> None:
    sizes = [20000 + n for n in range(6)]
    starts = [sum(sizes[:n]) for n in range(6)]
    listed = [f"{size}@{start}" for size, start in zip(sizes, starts, strict=True)]
    single = Single(ranged(*listed[:2], end=""))
    async with attached(single.packager, tmp_path) as it:
        await it.until(it.tagged)
        first = next(iter(it.playlist().torrents.values())).infohash
        for n in range(1, 5):
            window = ranged(*listed[n : n + 2], end="")
            single.playlist = window.replace("#EXT-X-MAP", f"#EXT-X-MEDIA-SEQUENCE:{n}\n#EXT-X-MAP")
            await it.until(lambda n=n: f"@{starts[n + 1]}" in it.playlist().text and it.tagged())  # type: ignore[misc]
        assert len(single.asked) == len(set(single.asked)) == 6
        assert not it.library.knows(first), "what left the window is forgotten"
        assert it.task.upstream().restarts == 0


async def test_a_server_that_knows_no_ranges_is_said_to_and_its_feed_plays_without_torrents(
    tmp_path: Path,
) -> None:
    single = Single(ranged("70000@800", "30000"), obeys=False)
    async with attached(single.packager, tmp_path) as it:
        await it.until(lambda: "in place of a range" in it.task.upstream().trouble)
        assert it.playlist().torrents == {}


async def test_the_frames_of_an_i_frame_playlist_are_in_the_segments_of_others(tmp_path: Path) -> None:
    single = Single(ranged("700@800", "300@5000", head="#EXT-X-I-FRAMES-ONLY\n"))
    async with attached(single.packager, tmp_path) as it:
        await it.until(lambda: "BYTERANGE" in it.playlist().text)
        assert it.playlist().torrents == {}
    assert single.asked == []


def test_a_home_names_url_and_range_and_no_url_looks_like_one() -> None:
    for url in ("http://a/b.ts?x=1", "file:///b%23.ts"):
        assert place_of(home_of(url, Span(5, 10))) == (url, Span(5, 10))
        assert place_of(home_of(url, None)) == (url, None)
    assert place_of(home_of("http://a/b.ts#bytes=0-5", None)) == ("http://a/b.ts", None)
