"""Upstreams that are odd, wrong or worse: what was published stays, nothing ends, nothing leaks."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import encode_basic_auth, web

from seeder.feed.library import Library
from seeder.feed.remote import follow, task
from seeder.feed.remote.task import Attach, AttachTask
from seeder.hls.manifest import annotate
from seeder.hls.playlist import parse
from seeder.model import Addresses
from seeder.torrent.metainfo import matches
from tests.feed.remote.test_presentation import presenting
from tests.feed.remote.upstream import HLS, Packager, attached
from tests.fetch.hosting import host

ADDRESSES = Addresses("http://here", "ws://here/announce")
BOMB = gzip.compress(bytes(64 << 20), 1)
Failing = Callable[[web.Request, bytes], Awaitable[web.StreamResponse]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST", 0.05)


async def endless(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(100_000):
        await response.write(b"#EXTINF:1,\nx.ts\n" * 4096)
    return response


async def bomb(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(body=BOMB, headers={"Content-Encoding": "gzip"})


async def loop(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "index.m3u8"})


async def elsewhere(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "file:///etc/passwd"})


async def master(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(body=b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", content_type=HLS)


async def binary(request: web.Request, body: bytes) -> web.StreamResponse:
    return web.Response(body=b"#EXTM3U\n\xff\xfe", content_type=HLS)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (endless, "more than"),
        (bomb, "more than"),
        (loop, "redirects"),
        (elsewhere, "file:"),
        (master, "multivariant"),
        (binary, "UTF-8"),
    ],
)
async def test_a_playlist_that_is_none_is_said_and_survived(
    tmp_path: Path, wrong: Failing, said: str
) -> None:
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        packager.failing["index.m3u8"] = wrong
        await it.until(lambda: said in it.task.upstream().trouble)
        assert it.tagged(), "what was published stays"
        packager.failing.clear()
        packager.on()
        await it.until(lambda: "s4.ts" in it.playlist().text and it.task.upstream().trouble == "")


async def test_odd_names_are_what_players_make_of_them(tmp_path: Path) -> None:
    packager = Packager(name="ü b'<c>%41|\\")
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        segments = parse(it.playlist().text).segments  # type: ignore[union-attr]
        assert segments[0].uri == f"{it.base}/live/%C3%BC%20b'%3Cc%3E%41%7C%5C0.ts"
        torrents = it.playlist().torrents
        assert all(matches(torrents[s.line], packager.segment(f"ü b'<c>A|\\{s.msn}.ts")) for s in segments)


async def test_a_login_goes_home_and_nowhere_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    packager = Packager()
    seen: list[str | None] = []

    async def private(request: web.Request) -> web.StreamResponse:
        given = request.headers.get("Authorization")
        seen.append(given)
        if given != encode_basic_auth("me", "hunter2"):
            return web.Response(status=401)
        return await packager.serve(request)

    async with host({"{path:.*}": private}) as base:
        url = base.replace("//", "//me:hunter2@") + "/live/index.m3u8"
        library = Library(tmp_path)
        running = AttachTask(Attach(url, "show"), library, None)
        job = asyncio.create_task(running.run())
        try:
            async with asyncio.timeout(20):
                while (view := library.stream("show")) is None or len(view.elsewhere) < 4:
                    await asyncio.sleep(0.02)
            packager.failing["index.m3u8"] = 500
            async with asyncio.timeout(20):
                while not running.upstream().trouble:
                    await asyncio.sleep(0.02)
            manifest = annotate(view.playlists["v0/index.m3u8"], view.rendezvous, ADDRESSES, "show")
            assert f"{base}/live/s0.ts" in manifest
            for said in (manifest, repr(view), repr(running.upstream()), caplog.text):
                assert "hunter2" not in said
        finally:
            job.cancel()
            await asyncio.wait([job])


async def test_fifty_variants_are_fifty_playlists(tmp_path: Path) -> None:
    packager = Packager(count=2)
    lines = [f"#EXT-X-STREAM-INF:BANDWIDTH={n}\nv{n}.m3u8\n" for n in range(1, 51)]
    presenting(packager, ["#EXTM3U\n" + "".join(lines)])
    async with attached(packager, tmp_path, "master.m3u8") as it:
        await it.until(lambda: len(it.view.playlists) == 51)
        await it.until(lambda: all(len(it.playlist(f"v{n}/index.m3u8").torrents) == 2 for n in range(50)))
        assert len(it.task._hold.held) == 2, "they list the same segments"


async def test_a_master_that_becomes_a_media_playlist_is_one_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "ROOT_SECONDS", 0.2)
    monkeypatch.setattr(task, "LOOK", 0.1)
    packager = Packager()
    presenting(packager, ["#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n"])
    async with attached(packager, tmp_path, "master.m3u8") as it:
        await it.until(lambda: "low" in it.playlist("master.m3u8").text or it.tagged())
        packager.failing.clear()
        await it.until(lambda: it.view.playlists.keys() == {"master.m3u8", "v1/index.m3u8"})
        assert "v1/index.m3u8" in it.playlist("master.m3u8").text


async def test_a_live_feed_that_ended_may_begin_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "AFTER_END", 0.1)
    packager = Packager(first=50)
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        packager.ended = True
        await it.until(lambda: not it.view.live)
        reloads = it.task.upstream().reloads
        await it.until(lambda: it.task.upstream().reloads > reloads + 3)
        assert it.task.upstream().trouble == ""
        packager.ended, packager.first, packager.salt = False, 0, "the next show"
        await it.until(lambda: it.view.live and "s0.ts" in it.playlist().text and it.tagged())
