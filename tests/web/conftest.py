"""A small site: a real library with a live stream in memory and a recorded one on disk, really served."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seeder.feed.beneath import signature_of
from seeder.feed.library import Library
from seeder.model import Kind, PublishedPlaylist, Resource, StreamView, Torrent
from seeder.stats.counters import HttpCounters
from seeder.web import Bound, Certificate, Reach, ServerConfig, create_app, serve
from seeder.web.app import Origin
from seeder.web.bundle_files import Bundle, load_bundle

HEAD = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n"
MASTER = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS="avc1"\nv/index.m3u8\n'
LIVE = '#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2.0,\nseg7.m4s\n'
SEGMENT = bytes(range(256)) * 4096
"""1 MiB."""
RECORDED = os.urandom(700_000)


def torrent_of(name: str, data: bytes) -> Torrent:
    pieces = b"".join(hashlib.sha1(data[at : at + 65536]).digest() for at in range(0, len(data), 65536))
    info = b"d6:lengthi%de4:name%d:%s12:piece lengthi65536e6:pieces%d:%se" % (
        len(data),
        len(name),
        name.encode(),
        len(pieces),
        pieces,
    )
    return Torrent(hashlib.sha1(info).digest(), info, name, len(data), 65536)


def in_memory(
    path: str, kind: Kind, content_type: str, data: bytes, torrent: Torrent | None = None
) -> Resource:
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    return Resource(path, kind, content_type, len(data), etag, data, torrent=torrent)


def on_disk(path: str, file: Path) -> Resource:
    etag = signature_of(file.stat()).etag
    return Resource(path, Kind.SEGMENT, "video/mp2t", file.stat().st_size, etag, file=file)


def playlist(
    path: str, text: str, version: int = 1, torrents: dict[int, Torrent] | None = None
) -> PublishedPlaylist:
    return PublishedPlaylist(
        path, text, "STREAM-INF" in text, torrents or {}, "ENDLIST" not in text and "EXTINF" in text, version
    )


def live_stream(version: int = 1) -> StreamView:
    torrent = torrent_of("seg7.m4s", SEGMENT)
    playlists = [
        playlist("master.m3u8", MASTER),
        playlist("v/index.m3u8", HEAD + LIVE, version, {5: torrent}),
    ]
    resources = [
        in_memory("v/init.mp4", Kind.INIT, "video/mp4", b"init" * 100),
        in_memory("v/seg7.m4s", Kind.SEGMENT, "video/iso.segment", SEGMENT, torrent),
        in_memory("v/empty.vtt", Kind.OTHER, "text/vtt", b""),
    ]
    return StreamView(
        "demo", True, {p.path: p for p in playlists}, {r.path: r for r in resources}, 2.0, segments=1
    )


def film(folder: Path) -> StreamView:
    file = folder / "film" / "a b.ts"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(RECORDED)
    text = HEAD + "#EXTINF:2.0,\na%20b.ts\n#EXT-X-ENDLIST\n"
    resource = on_disk("a b.ts", file.resolve())
    return StreamView(
        "film", False, {"master.m3u8": playlist("master.m3u8", text)}, {resource.path: resource}, 2.0, 1
    )


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes


@dataclass
class Site:
    app: Origin
    library: Library
    bound: Bound
    counters: HttpCounters
    feed: Path

    async def fetch(self, path: str, method: str = "GET", **headers: str) -> Got:
        """One request of its own connection; ``accept_encoding="gzip"`` becomes Accept-Encoding."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.to_thread(self._fetch, path, method, named)

    def _fetch(self, path: str, method: str, headers: dict[str, str]) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", self.bound.port, timeout=60)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            return Got(response.status, {k.lower(): v for k, v in response.getheaders()}, body)
        finally:
            connection.close()


BUNDLE = {
    "sw.js": b"// worker",
    "embed.js": b"// embed",
    "client/player.js": b"// player " + b"x" * 1000,
    "client/shared-ABCD2345.js": b"// chunk",
    "client/large.js": b"// " + SEGMENT.hex().encode(),
    "pages/index.html": b"<!doctype html>index",
    "pages/watch.html": b"<!doctype html>watch",
    "pages/studio.html": b"<!doctype html>studio",
    "pages/admin.html": b"<!doctype html>admin",
    "pages/style.css": b"body {}",
    "pages/favicon.svg": b"<svg/>",
    ".stamp": b"secret",
}


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return load_bundle(write_bundle(tmp_path / "bundle"))


def write_bundle(folder: Path) -> Path:
    for name, data in BUNDLE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


Open = Callable[..., Awaitable[Site]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_site(tmp_path: Path, bundle: Bundle) -> AsyncIterator[Open]:
    """``site = await open_site(reach=…, certificate=…, **create_app's)``"""
    async with AsyncExitStack() as stack:

        async def start(
            reach: Reach | None = None, certificate: Certificate | None = None, **options: Any
        ) -> Site:
            feed = (tmp_path / "feed").resolve()
            library = Library(feed)
            library.publish(live_stream())
            library.publish(film(feed))
            counters = HttpCounters()
            options = {"bundle": lambda: bundle} | options
            app = create_app(library, reach=reach, counters=counters, **options)
            config = ServerConfig(port=0, certificate=certificate, grace=0.5)
            bound = await stack.enter_async_context(serve(app, config))
            return Site(app, library, bound, counters, feed)

        yield start


@pytest_asyncio.fixture(loop_scope="session")
async def site(open_site: Open) -> Site:
    return await open_site()
