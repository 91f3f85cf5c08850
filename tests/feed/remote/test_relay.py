"""What ``--relay`` serves: everything that a player needs, fetched from its home when one asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp import ClientSession, web

from seeder.errors import FetchError
from seeder.feed.remote import relay
from seeder.feed.remote.relay import Relay
from seeder.fetch.fetched import Fetched, Validators
from seeder.model import Span
from seeder.web import ServerConfig, create_app, serve
from tests.feed.remote.test_presentation import presenting
from tests.feed.remote.test_ranges import FILE, MAP, Single, ranged
from tests.feed.remote.test_signed import signing
from tests.feed.remote.upstream import Attached, LowLatency, Packager, attached


@dataclass
class Served:
    """An attached feed behind our web server, and a viewer of it."""

    it: Attached
    url: str
    viewer: ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        named = {name.title(): value for name, value in headers.items()}
        async with self.viewer.get(urljoin(self.url, path), headers=named) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return response.status, await response.read(), found

    async def text(self, path: str) -> str:
        return (await self.get(path))[1].decode()


@asynccontextmanager
async def served(
    packager: Packager, tmp_path: Path, path: str = "index.m3u8", **more: Any
) -> AsyncIterator[Served]:
    async with (
        attached(packager, tmp_path, path, relay=True, **more) as it,
        serve(create_app(it.library), ServerConfig(port=0, grace=0.5)) as bound,
        ClientSession() as viewer,
    ):
        async with asyncio.timeout(20):
            await it.task.ready.wait()
        yield Served(it, f"{bound.url}/live/show/", viewer)


def uris(text: str) -> list[str]:
    """Of a playlist, all that a player would fetch."""
    plain = [line for line in text.splitlines() if line and not line.startswith("#")]
    return plain + re.findall(r'[:,]URI="([^"]*)"', text)


async def test_keys_init_sections_and_session_data_come_from_here(tmp_path: Path) -> None:
    packager = Packager(
        head='#EXT-X-KEY:METHOD=AES-128,URI="k?x=1"\n#EXT-X-MAP:URI="init.mp4"\n'
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://1",KEYFORMAT="com.apple.streamingkeydelivery"\n',
        cors=False,
    )
    master = (
        '#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI="k?x=1"\n#EXT-X-SESSION-DATA:DATA-ID="a",URI="d.json"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n"
    )
    presenting(packager, [master])
    async with served(packager, tmp_path, "master.m3u8") as show:
        await show.it.until(lambda: show.it.tagged())
        for playlist in ("master.m3u8", "v0/index.m3u8"):
            text = await show.text(playlist)
            assert show.it.base not in text.replace("%3A", ":").partition("tr=")[0]
            for uri in uris(text):
                if not uri.startswith("skd:") and "m3u8" not in uri:
                    status, body, headers = await show.get(urljoin(playlist, uri))
                    name = uri.rpartition("/")[2]
                    assert (status, body) == (200, packager.segment(name))
                    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("frames", ["", "#EXT-X-I-FRAMES-ONLY\n"])
async def test_ranges_of_a_file_are_fetched_as_such_and_given_as_such(tmp_path: Path, frames: str) -> None:
    single = Single(ranged("70000@800", "30000", head=MAP + frames))
    async with served(single.packager, tmp_path) as show:
        if not frames:
            await show.it.until(show.it.tagged)
        text = await show.text("v0/index.m3u8")
        [uri] = set(uris(text))
        for start, stop in ((0, 800), (800, 70800), (70800, 100800)):
            for _ in range(3):
                status, body, headers = await show.get(urljoin("v0/", uri), range=f"bytes={start}-{stop - 1}")
                assert (status, body) == (206, FILE[start:stop])
                assert headers["content-range"] in (
                    f"bytes {start}-{stop - 1}/{len(FILE)}", f"bytes {start}-{stop - 1}/*"
                )  # fmt: skip
        assert sorted(single.asked) == ["bytes=0-799", "bytes=70800-100799", "bytes=800-70799"]  # type: ignore[type-var]
        if not frames:
            [resource] = show.it.view.resources.values()
            assert {span.length for span in resource.parts} == {70000, 30000}


async def test_a_recording_is_relayed_too_and_each_segment_fetched_once_for_all(tmp_path: Path) -> None:
    packager = Packager(ended=True, count=6, cors=False)
    async with served(packager, tmp_path, memory_bytes=10_000) as show:
        await show.it.until(show.it.tagged)
        packager.asked.clear()
        segments = uris(await show.text("v0/index.m3u8"))
        got = await asyncio.gather(*(show.get(urljoin("v0/", uri)) for uri in segments for _ in range(20)))
        for (status, body, _), n in zip(got, (n for n in range(6) for _ in range(20)), strict=True):
            assert (status, body) == (200, packager.segment(f"s{n}.ts"))
        assert sorted(packager.asked) == [f"/live/s{n}.ts" for n in range(6)]


async def test_a_segment_has_its_place_here_before_its_bytes_are(tmp_path: Path) -> None:
    packager = Packager(cors=False)
    gate = asyncio.Event()

    async def slow(request: web.Request, body: bytes) -> web.Response:
        await gate.wait()
        return web.Response(body=body, content_type="video/mp2t")

    packager.failing["s3.ts"] = slow
    async with served(packager, tmp_path) as show:
        await show.it.until(lambda: len(show.it.playlist().torrents) == 3)
        newest = uris(await show.text("v0/index.m3u8"))[-1]
        asking = [asyncio.create_task(show.get(urljoin("v0/", newest))) for _ in range(5)]
        await asyncio.sleep(0.1)
        gate.set()
        for task in asking:
            assert (await task)[:2] == (200, packager.segment("s3.ts"))
        await show.it.until(show.it.tagged)
        assert uris(await show.text("v0/index.m3u8"))[-1] == newest


async def test_parts_and_the_one_to_come_are_relayed(tmp_path: Path) -> None:
    packager = LowLatency(cors=False)
    gate = asyncio.Event()

    async def hinted(request: web.Request, body: bytes) -> web.Response:
        await gate.wait()
        return web.Response(body=body, content_type="video/mp2t")

    packager.failing["p4.1.ts"] = hinted
    async with served(packager, tmp_path) as show:
        packager.on_part()
        await show.it.until(lambda: "PRELOAD-HINT" in show.it.playlist().text)
        part, hint = uris(await show.text("v0/index.m3u8"))[-2:]
        assert (await show.get(urljoin("v0/", part)))[:2] == (200, packager.segment("p4.0.ts"))
        asking = asyncio.create_task(show.get(urljoin("v0/", hint)))
        await asyncio.sleep(0.1)
        assert not asking.done()
        gate.set()
        assert (await asking)[:2] == (200, packager.segment("p4.1.ts"))


async def test_who_has_an_older_playlist_still_gets_what_it_lists(tmp_path: Path) -> None:
    packager = Packager(cors=False)
    signing(packager)
    async with served(packager, tmp_path) as show:
        await show.it.until(show.it.tagged)
        older = uris(await show.text("v0/index.m3u8"))
        packager.on()
        await show.it.until(lambda: "s4.ts" in show.it.playlist().text)
        assert not set(older) & set(uris(await show.text("v0/index.m3u8"))), "all have other tokens"
        for n, uri in enumerate(older):
            assert (await show.get(urljoin("v0/", uri)))[:2] == (200, packager.segment(f"s{n}.ts"))


async def test_only_what_a_playlist_lists_is_fetched_and_what_fails_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "FAILED", 60.0)
    packager = Packager(head='#EXT-X-KEY:METHOD=AES-128,URI="gone.key"\n#EXT-X-MAP:URI="odd.mp4"\n')
    packager.failing = {"gone.key": 404, "odd.mp4": 500}
    async with served(packager, tmp_path) as show:
        listed = uris(await show.text("v0/index.m3u8"))
        asides = {uri.rpartition("/")[2]: urljoin("v0/", uri) for uri in listed}
        for _ in range(5):
            assert (await show.get(asides["gone.key"]))[0] == 404
            assert (await show.get(asides["odd.mp4"]))[0] == 502
        assert sum("gone.key" in asked for asked in packager.asked) == 1, "it is not asked again and again"
        for path in ("r/0000000000000000/other.ts", "r/../../../etc/passwd", asides["gone.key"] + "x"):
            assert (await show.get(path))[0] == 404
        assert not any(odd in asked for asked in packager.asked for odd in ("other", "passwd", "keyx"))


async def test_a_page_among_the_segments_is_not_called_one(tmp_path: Path) -> None:
    packager = Packager(head='#EXT-X-MAP:URI="init.mp4"\n')

    async def page(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=b"<script>alert(1)</script>", content_type="text/html")

    packager.failing = {"init.mp4": page}
    async with served(packager, tmp_path) as show:
        uri = uris(await show.text("v0/index.m3u8"))[-1]
        _, _, headers = await show.get(urljoin("v0/", uri))
        assert headers["content-type"] == "video/mp4"
        assert "sandbox" in headers["content-security-policy"]


# --- the relay alone -------------------------------------------------------------------------------


class Home:
    """A source with one body, and what it was asked."""

    def __init__(self) -> None:
        self.body = b"one"
        self.known: list[Validators | None] = []

    async def get(self, url: str, *, known: Validators | None = None, **options: object) -> Fetched:
        self.known.append(known)
        await asyncio.sleep(0)
        if self.body == b"":
            raise FetchError("gone", url, 404)
        etag = f'"{self.body.decode()}"'
        if known is not None and known.etag == etag:
            return Fetched(url, url, 304, {"etag": etag})
        return Fetched(url, url, 200, {"etag": etag}, self.body)


def relaying(home: Home) -> Relay:
    return Relay(home, lambda url, span: None)  # type: ignore[arg-type]


async def test_what_is_not_fresh_is_asked_about_and_may_be_another(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home()
    it = relaying(home)
    assert (await it.get("http://a/k", None)).data == b"one"
    assert it.at_once("http://a/k", None) is not None
    monkeypatch.setattr(relay, "FRESH", -1.0)
    assert it.at_once("http://a/k", None) is None
    assert (await it.get("http://a/k", None)).data == b"one"
    home.body = b"two"
    assert (await it.get("http://a/k", None)).data == b"two"
    assert [None if known is None else known.etag for known in home.known] == [None, '"one"', '"one"']


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "ROOM", 10)
    home = Home()
    it = relaying(home)
    for n in range(20):
        await it.get("http://a/k", Span(n, 3))
    assert it._bytes <= 10
    assert len(it._kept) == 3
    assert it._underway == {}
    home.body = b""
    monkeypatch.setattr(relay, "MOST", 5)
    for n in range(20):
        with pytest.raises(FetchError):
            await it.get(f"http://a/{n}", None)
    assert len(it._failed) <= 5


async def test_who_leaves_does_not_take_the_others_answer_along() -> None:
    it = relaying(Home())
    one, other = (asyncio.create_task(it.get("http://a/k", None)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    assert (await other).data == b"one"
