"""libtorrent's own WebTorrent peers against our tracker: nothing here is imitated."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import libtorrent as lt
import pytest_asyncio

from seeder.tracker import Tracker
from tests.torrent.strangers import WEBRTC_ONLY
from tests.tracker.conftest import Running, Start

PATIENCE = 90.0
PIECE = 64 * 1024
SETTINGS = WEBRTC_ONLY | {
    "alert_mask": lt.alert.category_t.tracker_notification | lt.alert.category_t.error_notification,
}


@pytest_asyncio.fixture(loop_scope="session")
async def sessions(start: Start, trackers: list[Tracker]) -> AsyncIterator[list[lt.session]]:
    """Two sessions. Their tracker closes first: a session's destructor holds Python's lock while it waits for
    its WebSocket, and would wait for ever for a tracker in the same process."""
    made = [lt.session(SETTINGS) for _ in range(2)]
    yield made
    for tracker in trackers:
        await tracker.close()
    await asyncio.to_thread(made.clear)


def torrent(folder: Path, name: str, size: int = 300_000) -> lt.torrent_info:
    data = os.urandom(size)
    (folder / name).write_bytes(data)
    pieces = b"".join(hashlib.sha1(data[at : at + PIECE]).digest() for at in range(0, size, PIECE))
    info = {b"name": name.encode(), b"length": size, b"piece length": PIECE, b"pieces": pieces}
    return lt.torrent_info(lt.bencode({b"info": info}))


def add(session: lt.session, info: lt.torrent_info, folder: Path, running: Running) -> lt.torrent_handle:
    params = lt.add_torrent_params()
    params.ti = info
    params.save_path = str(folder)
    params.trackers = [running.url]
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    return session.add_torrent(params)


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.1)


def hash_of(info: lt.torrent_info) -> bytes:
    return bytes(info.info_hash().to_bytes())


async def test_two_sessions_transfer_a_torrent_over_webrtc(
    start: Start, sessions: list[lt.session], tmp_path: Path
) -> None:
    seed_dir, leech_dir = tmp_path / "seed", tmp_path / "leech"
    seed_dir.mkdir()
    leech_dir.mkdir()
    info = torrent(seed_dir, "segment.ts")
    running = await start(knows=lambda infohash: infohash == hash_of(info))
    seed = add(sessions[0], info, seed_dir, running)
    await until(lambda: seed.status().is_seeding)
    await until(lambda: running.tracker.viewers(hash_of(info)) == 1)
    leech = add(sessions[1], info, leech_dir, running)
    await until(lambda: leech.status().is_seeding)
    assert (leech_dir / "segment.ts").read_bytes() == (seed_dir / "segment.ts").read_bytes()
    assert running.tracker.counters.answers >= 1
    assert running.tracker.counters.received["malformed"] == 0


async def test_one_connection_carries_many_torrents_and_outlives_their_retirement(
    start: Start, sessions: list[lt.session], tmp_path: Path
) -> None:
    known: set[bytes] = set()
    running = await start(knows=known.__contains__)
    session = sessions[0]
    for number in range(6):
        info = torrent(tmp_path, f"segment{number}.ts", 100_000)
        infohash = hash_of(info)
        known.add(infohash)
        handle = add(session, info, tmp_path, running)
        await until(lambda infohash=infohash: running.tracker.viewers(infohash) == 1)
        if number % 2:
            session.remove_torrent(handle)
            known.discard(infohash)
            running.tracker.retire(infohash)
            assert running.tracker.viewers(infohash) == 0
    assert running.tracker.counters.opened == 1
    assert running.tracker.counters.connections == 1
    assert running.tracker.counters.received["malformed"] == 0


async def test_a_refused_torrent_leaves_the_connection_to_the_others(
    start: Start, sessions: list[lt.session], tmp_path: Path
) -> None:
    refused, welcome = torrent(tmp_path, "refused.ts", 1000), torrent(tmp_path, "welcome.ts", 1000)
    running = await start(knows=lambda infohash: infohash == hash_of(welcome))
    session = sessions[0]
    add(session, refused, tmp_path, running)
    await until(lambda: running.tracker.counters.failures == 1)
    add(session, welcome, tmp_path, running)
    await until(lambda: running.tracker.viewers(hash_of(welcome)) == 1)
    assert (running.tracker.counters.opened, running.tracker.counters.connections) == (1, 1)
