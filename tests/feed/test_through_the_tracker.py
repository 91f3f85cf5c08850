"""Feed, libtorrent and our tracker together: a stock peer gets a segment by its magnet, over WebRTC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seeder.hls.attributes import parse_attributes
from seeder.hls.manifest import SEGMENT_TAG, annotate
from seeder.machine import addresses
from seeder.model import Addresses
from seeder.tracker import Tracker
from seeder.web import ServerConfig, serve
from tests.torrent.strangers import stranger


class Origin:
    """A tracker on a real port, which knows everything until ``library`` is set, then what that knows."""

    def __init__(self) -> None:
        self.library: Any = None
        self.tracker = Tracker(lambda infohash: self.library is None or self.library.knows(infohash))
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.tracker(scope, receive, send)


@pytest_asyncio.fixture(loop_scope="session")
async def origin() -> AsyncIterator[Origin]:
    found = Origin()
    async with (
        found.tracker,
        serve(found, ServerConfig(port=0, grace=0.5), closing=[found.tracker.close]) as bound,
    ):
        found.url = f"ws://127.0.0.1:{bound.port}/announce"
        yield found


def window(folder: Path, first: int) -> None:
    """A live playlist of two segments, renamed into place as writers do."""
    names = [f"{first + n:04}.ts" for n in range(2)]
    for name in names:
        if not (folder / name).exists():
            (folder / name).write_bytes(name.encode() * 40_000)
    body = "".join(f"#EXTINF:2,\n{name}\n" for name in names)
    head = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    (folder / "index.m3u8.tmp").write_text(head + body)
    (folder / "index.m3u8.tmp").rename(folder / "index.m3u8")


@pytest.mark.skipif(not addresses(), reason="no network interface but loopback: WebRTC cannot connect")
async def test_a_stock_peer_fetches_a_live_segment_by_the_manifests_magnet(
    origin: Origin, feed_dir: Path, tmp_path: Path, publishing: Any, wait_until: Any
) -> None:
    folder = feed_dir / "tv"
    folder.mkdir()
    window(folder, 0)
    async with stranger() as peer, publishing(feed_dir, seed=True, trackers=(origin.url,)) as feed:
        assert not feed.session.webrtc_reason
        origin.library = feed.library
        await wait_until(lambda: feed.tagged("tv"))
        (folder / "0000.ts").write_bytes(b"")  # its writer may do what it likes
        where = Addresses("http://127.0.0.1:1", origin.url)
        text = annotate(feed.playlist("tv"), feed.view("tv").rendezvous, where, "tv")
        tag = next(line for line in text.splitlines() if line.startswith(SEGMENT_TAG + ":"))
        magnet = parse_attributes(tag.partition(":")[2])["MAGNET"]
        infohash = feed.torrent("tv", "0000.ts").infohash
        await peer.add(magnet, infohash, tmp_path)
        await peer.completed(infohash)
        assert (tmp_path / "0000.ts").read_bytes() == b"0000.ts" * 40_000
        await wait_until(lambda: feed.session.counters().uploaded_bytes >= 280_000)
        assert feed.session.counters().webrtc_connections >= 1


async def test_retired_torrents_leave_libtorrent_first_and_its_connection_stays(
    origin: Origin, feed_dir: Path, publishing: Any, wait_until: Any
) -> None:
    folder = feed_dir / "tv"
    folder.mkdir()
    window(folder, 0)
    async with publishing(feed_dir, seed=True, trackers=(origin.url,)) as feed:
        origin.library = feed.library
        still_seeded: list[bytes] = []

        def retire(infohash: bytes) -> None:
            if infohash in feed.session.seeding():
                still_seeded.append(infohash)
            origin.tracker.retire(infohash)
            feed.retired.append(infohash)

        feed.task._seeding._on_retire = retire
        await wait_until(lambda: feed.tagged("tv"))
        first = feed.torrent("tv", "0000.ts").infohash
        await wait_until(lambda: origin.tracker.viewers(first) == 1)
        connections = replace(origin.tracker.counters)
        for number in range(1, 8):
            window(folder, number)
            await wait_until(lambda n=number: feed.tagged("tv") and f"{n + 1:04}.ts" in feed.listed("tv"))
        await wait_until(lambda: first in feed.retired)
        assert still_seeded == []
        assert origin.tracker.viewers(first) == 0
        newest = feed.torrent("tv", "0008.ts").infohash
        await wait_until(lambda: origin.tracker.viewers(newest) == 1)
        after = replace(origin.tracker.counters)
        assert (after.connections, after.opened) == (connections.connections, connections.opened)
        assert feed.session.counters().tracker_errors == 0  # being retired is no failure
        assert len(list(feed.task._seeding._spool.folder.iterdir())) <= 2 + 3 + 1  # window, grace, lock
