"""libtorrent's own WebTorrent peers against our tracker: nothing here is imitated."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from seeder.model import Torrent
from seeder.torrent.metainfo import make_torrent, torrent_file
from tests.torrent.strangers import PATIENCE, Stranger, stranger
from tests.tracker.conftest import Running, Start


def torrent(folder: Path, name: str, size: int = 300_000) -> Torrent:
    data = os.urandom(size)
    (folder / name).write_bytes(data)
    return make_torrent(name, data)


async def add(peer: Stranger, what: Torrent, folder: Path, running: Running) -> None:
    file = folder / f"{what.name}.torrent"
    file.write_bytes(torrent_file(what))
    await peer.add(file, what.infohash, folder, [running.url])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


async def test_two_sessions_transfer_a_torrent_over_webrtc(start: Start, tmp_path: Path) -> None:
    seed_dir, leech_dir = tmp_path / "seed", tmp_path / "leech"
    seed_dir.mkdir()
    leech_dir.mkdir()
    segment = torrent(seed_dir, "segment.ts")
    infohash = segment.infohash
    running = await start(knows=lambda asked: asked == infohash)
    async with stranger() as seed, stranger() as leech:
        await add(seed, segment, seed_dir, running)
        await seed.completed(infohash)
        await until(lambda: running.tracker.viewers(infohash) == 1)
        await add(leech, segment, leech_dir, running)
        await leech.completed(infohash)
    assert (leech_dir / "segment.ts").read_bytes() == (seed_dir / "segment.ts").read_bytes()
    assert running.tracker.counters.answers >= 1
    assert running.tracker.counters.received["malformed"] == 0


async def test_one_connection_carries_many_torrents_and_outlives_their_retirement(
    start: Start, tmp_path: Path
) -> None:
    known: set[bytes] = set()
    running = await start(knows=known.__contains__)
    async with stranger() as peer:
        for number in range(6):
            segment = torrent(tmp_path, f"segment{number}.ts", 100_000)
            infohash = segment.infohash
            known.add(infohash)
            await add(peer, segment, tmp_path, running)
            await until(lambda infohash=infohash: running.tracker.viewers(infohash) == 1)
            if number % 2:
                await peer.remove(infohash)
                known.discard(infohash)
                running.tracker.retire(infohash)
                assert running.tracker.viewers(infohash) == 0
        assert running.tracker.counters.opened == 1
        assert running.tracker.counters.connections == 1
        assert running.tracker.counters.received["malformed"] == 0


async def test_a_refused_torrent_leaves_the_connection_to_the_others(start: Start, tmp_path: Path) -> None:
    refused, welcome = torrent(tmp_path, "refused.ts", 1000), torrent(tmp_path, "welcome.ts", 1000)
    running = await start(knows=lambda infohash: infohash == welcome.infohash)
    async with stranger() as peer:
        await add(peer, refused, tmp_path, running)
        await until(lambda: running.tracker.counters.failures == 1)
        await add(peer, welcome, tmp_path, running)
        await until(lambda: running.tracker.viewers(welcome.infohash) == 1)
        assert (running.tracker.counters.opened, running.tracker.counters.connections) == (1, 1)
