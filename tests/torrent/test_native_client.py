"""A native BitTorrent client that knows nothing of WebRTC, against the real command."""

from __future__ import annotations

import asyncio
import re
import shutil
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urljoin

import libtorrent as lt

from tests.conftest import Running, unused_port

Start = Callable[..., Awaitable[Running]]


async def get(url: str) -> bytes:
    def read() -> bytes:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bytes(answer.read())

    return await asyncio.to_thread(read)


async def newest(playlist: str) -> tuple[str, bytes]:
    """The magnet of the last segment that a media playlist lists, and the bytes the origin serves for it."""
    lines = (await get(playlist)).decode().splitlines()
    at = max(n for n, line in enumerate(lines) if line.startswith("#EXT-X-COM-LIVETORRENT:"))
    magnet = re.search(r'MAGNET="([^"]+)"', lines[at])
    assert magnet
    uri = next(line for line in lines[at:] if line and not line.startswith("#"))
    return magnet[1], await get(urljoin(playlist, uri))


async def test_it_completes_a_segment_from_the_manifests_magnet_over_tcp(
    live_torrent: Start, feed_dir: Path, fmp4_vod: Path, tmp_path: Path
) -> None:
    shutil.copytree(fmp4_vod, feed_dir / "show")
    port = unused_port()
    server = await live_torrent("serve", "--feed", str(feed_dir), "--loop", "--bt-port", str(port))
    master = f"{server.url}/live/show/master.m3u8"
    variants = [line for line in (await get(master)).decode().splitlines() if line and line[0] != "#"]
    magnet, expected = await newest(urljoin(master, variants[0]))

    parameters = lt.parse_magnet_uri(magnet)
    parameters.trackers = []  # the way in for WebRTC
    parameters.url_seeds = []  # HTTP would do it without a peer
    parameters.save_path = str(tmp_path / "got")
    parameters.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    session = [
        lt.session(
            {
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "enable_outgoing_utp": False,
                "enable_incoming_utp": False,
                "listen_interfaces": "127.0.0.1:0",
            }
        )
    ]
    handle = session[0].add_torrent(parameters)
    handle.connect_peer(("127.0.0.1", port))
    async with asyncio.timeout(60):
        while not handle.status().is_seeding:
            await asyncio.sleep(0.05)
    assert [path.read_bytes() for path in (tmp_path / "got").rglob("*") if path.is_file()] == [expected]
    # Its destructor holds Python's lock while it waits.
    await asyncio.to_thread(session.clear)
