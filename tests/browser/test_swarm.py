"""The main job in real Chromium: viewers of one live stream, the real server, real WebRTC between them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser.asking import PATIENCE, sources, stats, watch, when
from tests.conftest import ROOT, NewPage, Running
from tests.strain import steadily

TRANSPORT_UDP = "stun:127.0.0.1:3478?transport=udp"


async def test_a_lone_viewer_plays_by_http(live: Running, new_page: NewPage) -> None:
    page = await watch(await new_page(), live)
    snapshot = await when(page, "s.bytesFromOrigin > 0 && played > 4", "playing on")
    assert snapshot["mode"] == "loader"
    assert snapshot["bytesFromPeers"] == 0
    assert snapshot["peers"] == 0
    assert snapshot["connectionsMade"] == 0
    assert snapshot["trouble"] == ""


@pytest.mark.parametrize("mode", ["loader", "service-worker"])
async def test_the_second_viewer_gets_most_of_its_bytes_from_the_first(
    live: Running, new_page: NewPage, mode: str
) -> None:
    first = await watch(await new_page(), live, mode)
    await when(first, "played > 3", "being clearly older")
    second = await watch(await new_page(), live, mode)
    await when(second, "s.peers === 1", "meeting the first")

    async def share() -> dict[str, dict[str, Any]]:
        # Those asked for before they met come from wherever they were asked for.
        snapshots = [await stats(page) for page in (first, second)]
        listed = max(segment["msn"] for snapshot in snapshots for segment in snapshot["segments"]) + 1
        # A newcomer pulls nothing while an older viewer is there: from here on the first one supplies it.
        later = f"s.segments.filter(segment => segment.msn > {listed})"
        snapshot = await when(second, f"{later}.length >= 3", "three more segments")
        peers = {"first": await stats(first), "second": snapshot}
        since = [segment for segment in snapshot["segments"] if segment["msn"] > listed]
        shared = sum(segment["fromPeers"] for segment in since)
        assert shared > sum(segment["bytes"] for segment in since) / 2, sources(peers)
        return peers

    peers = await steadily(share, PATIENCE)
    snapshot = peers["second"]
    assert snapshot["mode"] == mode
    exchanged = peers["first"]["bytesFromPeers"] + snapshot["bytesFromPeers"]
    sent = peers["first"]["bytesToPeers"] + snapshot["bytesToPeers"]
    assert sent >= exchanged
    # Everything was fetched from the origin about once: no segment came twice to the same viewer.
    for name, told in peers.items():
        whole = sum(segment["bytes"] for segment in told["segments"])
        assert told["bytesFromPeers"] + told["bytesFromOrigin"] <= 1.3 * whole, (name, told)
    assert snapshot["connectionsMade"] < 10


async def test_a_viewer_that_cannot_reach_the_origin_for_segments_is_fed_by_the_others(
    live: Running, new_page: NewPage
) -> None:
    # The older one pulls.
    first = await watch(await new_page(), live)
    second = await watch(await new_page(), live)
    await when(second, "s.peers === 1", "meeting the first")
    await second.route("**/*.m4s*", lambda route: route.abort())
    listed = max(segment["msn"] for segment in (await stats(second))["segments"]) + 1
    later = f"s.segments.filter(segment => segment.msn > {listed})"
    enough = f"{later}.filter(segment => segment.source === 'peers').length >= 3"
    snapshot = await when(second, enough, "three segments from peers alone")
    fed = [segment for segment in snapshot["segments"] if segment["msn"] > listed]
    assert "origin" not in [segment["source"] for segment in fed], sources({"second": snapshot})
    assert (await stats(first))["bytesToPeers"] > 0


@pytest.mark.parametrize("status", [0, 404])
async def test_when_http_fails_a_lone_viewer_is_fed_by_the_servers_seed(
    live: Running, new_page: NewPage, status: int
) -> None:
    page = await watch(await new_page(), live)
    await page.route("**/*.m4s*", lambda route: route.fulfill(status=status) if status else route.abort())
    snapshot = await when(page, "s.bytesFromSeed > 0", "bytes from libtorrent")
    assert any(segment["source"] in ("seed", "mixed") for segment in snapshot["segments"])


async def test_an_ice_address_that_makes_chromium_throw_is_said_and_left_out(
    live: Running, new_page: NewPage
) -> None:
    async def spoil(route: Route) -> None:
        answer = await route.fetch()
        text = await answer.text()
        await route.fulfill(
            response=answer,
            body=text.replace('/announce"', f'/announce",ICE="{TRANSPORT_UDP}"', 1)
            if "LIVETORRENT-SWARM" in text
            else text,
        )

    pages = [await new_page(), await new_page()]
    for page in pages:
        await page.route("**/*.m3u8*", spoil)
    await asyncio.gather(*(watch(page, live) for page in pages))
    snapshot = await when(pages[1], "s.peers === 1", "meeting all the same")
    assert TRANSPORT_UDP in snapshot["trouble"]


async def test_the_libtorrent_seed_alone_feeds_a_stock_webtorrent_page(
    live: Running, new_page: NewPage
) -> None:
    """A page with nothing of ours: webtorrent's own distribution and a magnet out of the manifest."""
    page = await new_page()
    await page.goto(f"{live.url}/healthz")
    found = await page.evaluate(
        """async () => {
          const text = async url => { const r = await fetch(url); return [await r.text(), r.url] }
          const [master, base] = await text('/live/show/master.m3u8')
          const variant = master.split('\\n').find(line => line && !line.startsWith('#'))
          const [media, url] = await text(new URL(variant, base).href)
          const lines = media.split('\\n').map(line => line.trim())
          const at = lines.findLastIndex(line => line.startsWith('#EXT-X-COM-LIVETORRENT:'))
          const uri = lines.slice(at).find(line => line && !line.startsWith('#'))
          const bytes = await (await fetch(new URL(uri, url))).arrayBuffer()
          const hash = await crypto.subtle.digest('SHA-256', bytes)
          return { magnet: /MAGNET="([^"]+)"/.exec(lines[at])[1], hash: Array.from(new Uint8Array(hash)) }
        }"""
    )
    # Without the web seed: the bytes must come through WebRTC.
    magnet = "&".join(part for part in found["magnet"].split("&") if not part.startswith("ws="))
    script = (ROOT / "node_modules/webtorrent/dist/webtorrent.min.js").read_text()
    await page.route(
        "**/webtorrent.min.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    got = await page.evaluate(
        """async magnet => {
          const { default: WebTorrent } = await import('/webtorrent.min.js')
          const client = new WebTorrent({ dht: false, tracker: { rtcConfig: {} } })
          const torrent = client.add(magnet, { store: undefined })
          await new Promise((resolve, reject) => { torrent.on('done', resolve); torrent.on('error', reject) })
          const bytes = await (await torrent.files[0].blob()).arrayBuffer()
          const hash = await crypto.subtle.digest('SHA-256', bytes)
          const { received, length } = torrent
          return { hash: Array.from(new Uint8Array(hash)), received, length }
        }""",
        magnet,
    )
    assert got["hash"] == found["hash"]
    assert got["received"] >= got["length"]
