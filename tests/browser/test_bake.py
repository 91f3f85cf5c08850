"""Baked recordings on a web server that knows nothing of us, in real Chromium."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

from playwright.async_api import Page

from seeder.model import rendezvous_hash
from tests.browser.asking import when
from tests.browser.sites import site
from tests.conftest import NewPage, Start, page_log
from tests.static_host import StaticHost, static_host

SEEK = "video => { video.currentTime = 60; video.play() }"


def talks_to(page: Page) -> set[str]:
    """The hosts that a page asks for anything, from now on."""
    hosts: set[str] = set()
    page.context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: hosts.add(urlsplit(socket.url).netloc))
    return hosts


async def shares_far_into_the_film(pages: list[Page]) -> None:
    """Where nobody has been: what one viewer has there the other gets from it."""
    for page in pages:
        await when(page, "s.peers > 0 && played > 0.5", "playing, and they have met")
    first, second = pages
    await first.locator("video").evaluate(SEEK)
    # What was buffered before the seek, the longer the later they have met, is a range of its own.
    ahead = "v.buffered.length && v.buffered.end(v.buffered.length - 1) > 75"
    await when(first, f"v.currentTime > 60.5 && {ahead}", "far ahead there")
    before = await when(second, "true", "statistics")
    await second.locator("video").evaluate(SEEK)
    await when(
        second, f"v.currentTime > 60.5 && s.bytesFromPeers > {before['bytesFromPeers']}", "had it from a peer"
    )


async def test_a_baked_film_is_watched_and_shared_where_no_live_torrent_serves_it(
    three_variants: Path,
    tmp_path: Path,
    feed_dir: Path,
    live_torrent: Start,
    run_command: Callable[..., CompletedProcess[str]],
    new_page: NewPage,
) -> None:
    films = tmp_path / "films"
    shutil.copytree(three_variants, films / "test picture")
    async with static_host(films, cors=True) as host:
        swarm = rendezvous_hash(f"{host.url}/test picture/master.m3u8").hex()
        elsewhere = await live_torrent("serve", "--feed", str(feed_dir), "--swarm", swarm)
        tracker = f"ws://127.0.0.1:{elsewhere.port}/announce"
        done = await asyncio.to_thread(
            run_command, "bake", str(films), "--tracker", tracker, "--public-url", host.url
        )
        assert done.returncode == 0, done.stderr
        assert f"swarm {swarm}, page test picture/watch.html" in done.stdout

        pages = [await new_page(), await new_page()]
        hosts = [talks_to(page) for page in pages]
        for page in pages:
            await page.goto(f"{host.url}/test%20picture/watch.html")
        await shares_far_into_the_film(pages)
        for page, talked in zip(pages, hosts, strict=True):
            assert await page.title() == "test picture"
            assert await page.evaluate("window.liveTorrent.mode") == "loader"
            assert talked == {urlsplit(host.url).netloc, f"127.0.0.1:{elsewhere.port}"}
            assert not [line for line in page_log(page) if "Content Security Policy" in line], page_log(page)
            assert await page.evaluate("document.querySelector('.overlay').dataset.state") == "none"
        await is_embedded_elsewhere(host, await new_page())


async def is_embedded_elsewhere(host: StaticHost, page: Page) -> None:
    tag = (
        f'<script src="{host.url}/live-torrent/embed.js" '
        f'data-src="{host.url}/test%20picture/master.m3u8"></script>'
    )
    async with site(f"<!doctype html><title>News</title>{tag}") as url:
        await page.goto(url)
        told = await when(page, "played > 0.5 && s.peers === 2", "a page of another site takes part")
        assert told["mode"] == "loader"
