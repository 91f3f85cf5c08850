"""Playlists, segments and torrents over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest

from seeder.feed.library import Library
from seeder.hls.manifest import strip_tags
from seeder.model import Kind, Span
from seeder.stats.counters import HttpCounters
from seeder.web import Reach, fast, front
from seeder.web.bundle_files import Bundle
from seeder.web.hot import Hot
from seeder.web.media import Media
from seeder.web.pages import Pages
from seeder.web.render import Renderer
from tests.web.conftest import MASTER, RECORDED, SEGMENT, Open, Site, live_stream, on_disk, torrent_of

SEG, PLAYLIST = "/live/demo/v/seg7.m4s", "/live/demo/v/index.m3u8"


async def test_a_playlist_comes_with_magnets_for_whoever_asks(site: Site) -> None:
    got = await site.fetch(PLAYLIST)
    text = got.body.decode()
    assert got.status == 200
    assert got.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert strip_tags(text) == live_stream().playlists["v/index.m3u8"].text
    assert f"ws%3A%2F%2F127.0.0.1%3A{site.bound.port}%2Fannounce" in text
    assert f'TRACKER="ws://127.0.0.1:{site.bound.port}/announce"' in text
    other = await site.fetch(PLAYLIST, host="tv.example")
    assert 'TRACKER="ws://tv.example/announce"' in other.body.decode()


async def test_the_public_url_stands_in_manifests_whatever_the_host(open_site: Open) -> None:
    site = await open_site(Reach(public_url="https://tv.example/x"))
    text = (await site.fetch(PLAYLIST)).body.decode()
    assert 'TRACKER="wss://tv.example/x/announce"' in text
    assert "127.0.0.1" not in text


async def test_a_host_that_is_none_gets_400(site: Site) -> None:
    got = await site.fetch(PLAYLIST, host='evil" onload="x')
    assert (got.status, got.body) == (400, b"the Host header is not a host\n")


async def test_the_multivariant_playlist_keeps_every_line(site: Site) -> None:
    got = await site.fetch("/live/demo/master.m3u8")
    assert strip_tags(got.body.decode()) == MASTER


async def test_a_playlist_is_gzipped_and_asked_about_again_by_its_tag(site: Site) -> None:
    plain, packed = await site.fetch(PLAYLIST), await site.fetch(PLAYLIST, accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["etag"] != packed.headers["etag"]
    for got in (plain, packed):
        assert got.headers["vary"] == "Accept-Encoding"
        assert got.headers["cache-control"] == "no-cache"
    again = await site.fetch(PLAYLIST, accept_encoding="gzip", if_none_match=packed.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == packed.headers["etag"]
    site.library.publish(live_stream(version=2))
    assert (await site.fetch(PLAYLIST, if_none_match='"stale"')).status == 200


async def test_a_live_segment_is_whole_and_cached_for_ever(site: Site) -> None:
    got = await site.fetch(SEG)
    assert (got.status, got.body) == (200, SEGMENT)
    assert got.headers["content-type"] == "video/iso.segment"
    assert got.headers["cache-control"] == "public, max-age=600, immutable"
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["access-control-allow-origin"] == "*"
    assert "Content-Range" in got.headers["access-control-expose-headers"]
    assert got.headers["x-content-type-options"] == "nosniff"
    again = await site.fetch(SEG, if_none_match=got.headers["etag"])
    assert (again.status, again.body) == (304, b"")


async def test_a_recorded_segment_comes_from_its_file_and_is_cached_briefly(site: Site) -> None:
    got = await site.fetch("/live/film/a%20b.ts")
    assert (got.status, got.body) == (200, RECORDED)
    assert got.headers["cache-control"] == "public, max-age=60"


async def test_a_file_of_many_segments_is_served_while_it_grows(site: Site) -> None:
    torrent = torrent_of("a b.ts@100", RECORDED[100:5100])
    view = site.library.stream("film")
    assert view is not None
    resource = replace(view.resources["a b.ts"], parts={Span(100, 5000): torrent})
    site.library.publish(replace(view, resources={"a b.ts": resource}))
    with (site.feed / "film" / "a b.ts").open("ab") as handle:
        handle.write(b"more")
    assert torrent.infohash not in site.library.asked()
    got = await site.fetch("/live/film/a%20b.ts", range="bytes=100-5099")
    assert (got.status, got.body) == (206, RECORDED[100:5100])
    assert got.headers["cache-control"] == "no-cache", "there may be more by now"
    assert site.library.asked() == (torrent.infohash,), "the segment is asked for"
    assert b"url-list" not in (await site.fetch(f"/torrents/{torrent.infohash.hex()}.torrent")).body
    file = site.feed / "film" / "a b.ts"
    file.rename(file.with_name("old"))
    file.write_bytes(RECORDED)
    assert (await site.fetch("/live/film/a%20b.ts", range="bytes=100-5099")).status == 404, "another file"


async def test_init_sections_are_asked_about_again(site: Site) -> None:
    got = await site.fetch("/live/demo/v/init.mp4")
    assert (got.body, got.headers["cache-control"]) == (b"init" * 100, "no-cache")


@pytest.mark.parametrize("path", [SEG, "/live/film/a%20b.ts"])
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-299999", 10, 299999),
        ("bytes=-5", -5, -1),
        ("bytes=600000-", 600000, -1),
    ],
)
async def test_a_range_is_206_with_its_place(
    site: Site, path: str, asked: str, first: int, last: int
) -> None:
    whole = SEGMENT if path == SEG else RECORDED
    first, last = first % len(whole), last % len(whole)
    got = await site.fetch(path, range=asked)
    assert got.status == 206
    assert got.body == whole[first : last + 1]
    assert got.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert got.headers["content-length"] == str(last - first + 1)


async def test_a_range_beyond_the_end_is_416_with_the_size(site: Site) -> None:
    got = await site.fetch(SEG, range=f"bytes={len(SEGMENT)}-")
    assert got.status == 416
    assert got.headers["content-range"] == f"bytes */{len(SEGMENT)}"


async def test_several_ranges_are_answered_with_the_whole(site: Site) -> None:
    got = await site.fetch(SEG, range="bytes=0-1,5-6")
    assert (got.status, len(got.body)) == (200, len(SEGMENT))


async def test_a_range_of_other_bytes_is_answered_with_the_whole(site: Site) -> None:
    etag = (await site.fetch(SEG)).headers["etag"]
    assert (await site.fetch(SEG, range="bytes=0-1", if_range=etag)).status == 206
    assert (await site.fetch(SEG, range="bytes=0-1", if_range='"other"')).status == 200


@pytest.mark.parametrize("path", [PLAYLIST, SEG, "/live/film/a%20b.ts", "/live/demo/v/empty.vtt"])
async def test_head_is_get_without_the_body(site: Site, path: str) -> None:
    get, head = await site.fetch(path), await site.fetch(path, "HEAD", range="bytes=0-1")
    assert (head.status, head.body) == (200, b"")
    assert head.headers.pop("date")
    assert get.headers.pop("date")
    assert head.headers == get.headers


async def test_an_empty_resource_is_sent(site: Site) -> None:
    got = await site.fetch("/live/demo/v/empty.vtt")
    assert (got.status, got.body, got.headers["content-type"]) == (200, b"", "text/vtt")


async def test_a_preflight_is_granted(site: Site) -> None:
    got = await site.fetch(SEG, "OPTIONS", origin="https://a", access_control_request_headers="range")
    assert got.status == 204
    assert "Range" in got.headers["access-control-allow-headers"]
    assert got.headers["access-control-allow-origin"] == "*"


async def test_nothing_else_is_done_to_media(site: Site) -> None:
    got = await site.fetch(SEG, "DELETE")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path",
    [
        "/live/",
        "/live/demo",
        "/live/demo/",
        "/live/nobody/master.m3u8",
        "/live/demo/v/seg8.m4s",
        "/live/demo//v/seg7.m4s",
        "/live/demo/v/../v/seg7.m4s",
        "/live/film/../../../etc/passwd",
        "/live/film/..%2f..%2f..%2fetc%2fpasswd",
        "/live/film/%2e%2e/%2e%2e/etc/passwd",
        "/live/..%2ffilm/a%20b.ts",
        "/live/film/a%20b.ts%00.txt",
        "/live/%ff%fe/x",
        "/live/film//etc/passwd",
        "/live/film/..\\\\..\\\\x",
        "/torrents/",
        "/torrents/zz.torrent",
        "/torrents/" + "0" * 40 + ".torrent",
        "/torrents/..%2f" + "0" * 40 + ".torrent",
    ],
)
async def test_what_no_playlist_lists_does_not_exist(site: Site, path: str) -> None:
    got = await site.fetch(path)
    assert got.status == 404
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.headers["cache-control"] == "no-store"
    assert got.body.count(b"\n") == 1


async def test_a_torrent_file_names_tracker_and_web_seed(site: Site) -> None:
    torrent = torrent_of("seg7.m4s", SEGMENT)
    got = await site.fetch(f"/torrents/{torrent.infohash.hex()}.torrent")
    assert got.headers["content-type"] == "application/x-bittorrent"
    read = lt.bdecode(got.body)
    assert read[b"announce"] == f"ws://127.0.0.1:{site.bound.port}/announce".encode()
    assert read[b"url-list"] == f"{site.bound.url}{SEG}".encode()
    assert bytes(lt.torrent_info(read).info_hash().to_bytes()) == torrent.infohash


@pytest.mark.parametrize("damage", ["delete", "truncate", "rewrite", "symlink"])
async def test_a_file_that_changed_is_404_and_never_other_bytes(
    site: Site, damage: str, tmp_path: Path
) -> None:
    file = site.feed / "film" / "a b.ts"
    if damage == "truncate":
        os.truncate(file, 1000)
    else:
        file.unlink()
    if damage == "rewrite":
        file.write_bytes(os.urandom(len(RECORDED)))
    if damage == "symlink":
        (tmp_path / "outside").write_bytes(RECORDED)
        file.symlink_to(tmp_path / "outside")
    got = await site.fetch("/live/film/a%20b.ts", range="bytes=0-9")
    assert got.status == 404
    assert b"reload the playlist" in got.body
    assert "content-range" not in got.headers
    assert got.headers["access-control-allow-origin"] == "*"
    assert "immutable" not in got.headers["cache-control"]


async def test_a_file_cut_short_while_it_is_sent_breaks_the_connection(site: Site) -> None:
    """The client must see that it did not get everything."""
    big = site.feed / "film" / "big.ts"
    big.write_bytes(bytes(32 << 20))
    view = site.library.stream("film")
    assert view is not None
    resources = {**view.resources, "big.ts": on_disk("big.ts", big)}
    site.library.publish(replace(view, resources=resources))
    connection = http.client.HTTPConnection("127.0.0.1", site.bound.port, timeout=60)

    def head() -> http.client.HTTPResponse:
        connection.request("GET", "/live/film/big.ts")
        return connection.getresponse()

    response = await asyncio.to_thread(head)
    os.truncate(big, 1 << 20)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        await asyncio.to_thread(response.read)
    connection.close()
    assert (await site.fetch(PLAYLIST)).status == 200


async def test_bytes_are_counted_by_kind(site: Site) -> None:
    await site.fetch(SEG, range="bytes=0-99")
    await site.fetch("/live/demo/v/init.mp4")
    await site.fetch("/nothing")
    await site.fetch("/live/nothing")
    playlist = await site.fetch(PLAYLIST)
    assert site.counters.sent["segment"] == 100
    assert site.counters.sent["init"] == 400
    assert site.counters.sent["playlist"] == len(playlist.body)
    assert site.counters.responses["segment", 206] == 1
    assert site.counters.responses["error", 404] == 1
    assert site.counters.responses["page", 404] == 1


async def test_many_requests_share_a_connection(site: Site) -> None:
    def ask() -> list[int]:
        connection = http.client.HTTPConnection("127.0.0.1", site.bound.port, timeout=60)
        statuses = []
        for path in (PLAYLIST, SEG, "/live/film/a%20b.ts", "/live/x", PLAYLIST):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            statuses.append(response.status)
            assert not response.will_close
        connection.close()
        return statuses

    assert await asyncio.to_thread(ask) == [200, 200, 200, 404, 200]


async def test_a_client_that_leaves_in_the_middle_disturbs_nobody(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.bound.port)
        writer.write(f"GET {SEG} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await reader.readexactly(1000)
        writer.transport.abort()
    assert (await site.fetch(SEG)).body == SEGMENT
    assert not [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"]


async def test_who_takes_nothing_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast, "SEND_TIMEOUT", 0.3)
    big = site.feed / "film" / "big.ts"
    big.write_bytes(bytes(32 << 20))
    view = site.library.stream("film")
    assert view is not None
    resources = {**view.resources, "big.ts": on_disk("big.ts", big)}
    site.library.publish(replace(view, resources=resources))
    _, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, limit=1024)
    writer.write(b"GET /live/film/big.ts HTTP/1.1\r\nHost: a\r\n\r\n")
    async with asyncio.timeout(60):
        while not site.counters.responses["segment", 200]:
            await asyncio.sleep(0.05)
    assert site.counters.sent["segment"] < 32 << 20
    writer.transport.abort()


async def test_who_asks_for_playlists_and_reads_none_is_cut_off(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "SEND_TIMEOUT", 0.3)
    _, writer = await asyncio.open_connection("127.0.0.1", site.bound.port, limit=1024)

    async def ask() -> None:
        while True:  # until we are not listened to any more, and then until we are cut off
            writer.write(f"GET {PLAYLIST} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 1000)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(ask(), 60)
    writer.transport.abort()
    assert (await site.fetch(PLAYLIST)).status == 200


@pytest.mark.parametrize(("path", "size"), [(SEG, len(SEGMENT)), ("/client/large.js", 2 * len(SEGMENT) + 3)])
async def test_over_http_2_no_stream_holds_more_than_its_buffer(path: str, size: int, bundle: Bundle) -> None:
    library = Library(Path())
    library.publish(live_stream())
    hot = Hot(Media(library, Renderer(), Reach()), Pages(library, lambda: bundle), HttpCounters())
    app = fast.Fast(_nothing, library, hot, None)
    sizes: list[int] = []

    async def send(message: Any) -> None:
        sizes.append(len(message.get("body", b"")))

    scope = {"type": "http", "path": path, "method": "GET", "scheme": "https", "headers": []}
    await app(scope | {"http_version": "2"}, _nothing, send)
    assert sum(sizes) == size
    assert max(sizes) <= 32 * 1024


async def _nothing(*_: Any) -> Any:
    raise AssertionError("nobody is asked")


async def test_every_listed_kind_has_a_counter_name(site: Site) -> None:
    assert {kind.value for kind in Kind} == {"playlist", "segment", "init", "other"}
    assert re.fullmatch(r'"[^"]+"', (await site.fetch(SEG)).headers["etag"])
