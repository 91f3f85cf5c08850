"""A real second libtorrent session fetches what ours seeds."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import libtorrent as lt
import pytest

from seeder.machine import addresses
from seeder.model import Torrent
from seeder.torrent.farewell import connected_to
from seeder.torrent.magnet import build, magnet_of
from seeder.torrent.metainfo import make_torrent, torrent_file
from seeder.torrent.session import SeedSession
from seeder.torrent.settings import SeedSettings
from tests.conftest import unused_port

NAME = "säg ment #1 100%?.ts"


@asynccontextmanager
async def seeding_session(**settings: int) -> AsyncIterator[SeedSession]:
    async with SeedSession(SeedSettings(**settings)) as session:
        yield session


async def until(condition: Callable[[], object], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


class Leecher:
    """A plain libtorrent session that knows one peer: ours."""

    def __init__(self) -> None:
        self.session = lt.session(
            {
                "listen_interfaces": "127.0.0.1:0",
                "enable_dht": False,
                "enable_lsd": False,
                "enable_upnp": False,
                "enable_natpmp": False,
                "allow_multiple_connections_per_ip": True,
            }
        )

    def add(self, parameters: lt.add_torrent_params, folder: Path) -> lt.torrent_handle:
        folder.mkdir(exist_ok=True)
        parameters.save_path = str(folder)
        parameters.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
        return self.session.add_torrent(parameters)

    async def fetch(self, handle: lt.torrent_handle, port: int, folder: Path) -> bytes:
        handle.connect_peer(("127.0.0.1", port))
        await until(lambda: handle.status().is_seeding)
        return next(p for p in folder.rglob("*") if p.is_file()).read_bytes()


@pytest.fixture
async def leecher() -> AsyncIterator[Leecher]:
    found = Leecher()
    yield found
    await asyncio.to_thread(found.__dict__.clear)


def segment(folder: Path, size: int = 300_000) -> tuple[Torrent, Path, bytes]:
    data = os.urandom(size)
    path = folder / "named by us ü.bin"
    path.write_bytes(data)
    return make_torrent(NAME, data), path, data


def open_files() -> list[str]:
    return [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if _is_link(n)]


def _is_link(number: str) -> bool:
    try:
        os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return False
    return True


async def test_a_peer_fetches_a_segment_through_its_torrent_file(tmp_path: Path, leecher: Leecher) -> None:
    torrent, path, data = segment(tmp_path)
    async with seeding_session() as session:
        await session.seed(torrent, path, [])
        handle = leecher.add(lt.load_torrent_buffer(torrent_file(torrent)), tmp_path / "got")
        assert await leecher.fetch(handle, session.port, tmp_path / "got") == data
        await until(lambda: session.counters().uploaded_bytes >= len(data))
        assert session.counters().torrents == 1
        assert session.counters().other_connections >= 1


async def test_a_peer_fetches_a_segment_through_its_magnet(tmp_path: Path, leecher: Leecher) -> None:
    torrent, path, data = segment(tmp_path)
    async with seeding_session() as session:
        await session.seed(torrent, path, [])
        magnet = build(magnet_of(torrent, [], []))
        handle = leecher.add(lt.parse_magnet_uri(magnet), tmp_path / "got")
        assert await leecher.fetch(handle, session.port, tmp_path / "got") == data


async def test_after_retire_libtorrent_has_let_go_of_the_file(tmp_path: Path, leecher: Leecher) -> None:
    torrent, path, _ = segment(tmp_path)
    async with seeding_session() as session:
        await session.seed(torrent, path, [])
        handle = leecher.add(lt.load_torrent_buffer(torrent_file(torrent)), tmp_path / "got")
        await leecher.fetch(handle, session.port, tmp_path / "got")
        assert str(path) in open_files()
        await session.retire(torrent.infohash)
        assert str(path) not in open_files()
        assert session.seeding() == frozenset()
        await session.retire(torrent.infohash)
        await session.seed(torrent, path, [])
        assert session.seeding() == {torrent.infohash}


async def test_seeding_retiring_and_seeding_again_at_once_ends_in_the_last(tmp_path: Path) -> None:
    torrent, path, _ = segment(tmp_path)
    async with seeding_session() as session:
        await asyncio.gather(*(session.seed(torrent, path, []) for _ in range(5)))
        await asyncio.gather(
            session.retire(torrent.infohash),
            session.retire(torrent.infohash),
            session.seed(torrent, path, []),
        )
        assert session.seeding() == {torrent.infohash}


async def test_a_file_that_changed_is_reported_and_never_written_to(tmp_path: Path, leecher: Leecher) -> None:
    torrent, path, data = segment(tmp_path)
    changed = os.urandom(len(data))
    path.write_bytes(changed)
    broken: list[bytes] = []
    async with seeding_session() as session:
        session.on_broken = broken.append
        await session.seed(torrent, path, [])
        # This peer has the right bytes: libtorrent must not repair the user's file from it.
        good = tmp_path / "good"
        good.mkdir()
        (good / NAME).write_bytes(data)
        whole = lt.load_torrent_buffer(torrent_file(torrent))
        whole.flags |= lt.torrent_flags.seed_mode
        seed = leecher.add(whole, good)
        seed.connect_peer(("127.0.0.1", session.port))
        other = Leecher()
        handle = other.add(lt.load_torrent_buffer(torrent_file(torrent)), tmp_path / "got")
        handle.connect_peer(("127.0.0.1", session.port))
        await until(lambda: broken)
        assert broken == [torrent.infohash]
        assert session.counters().errors == 1
        await session.retire(torrent.infohash)
        await asyncio.to_thread(other.__dict__.clear)
    assert path.read_bytes() == changed


@pytest.mark.parametrize("kept", [0, 100_000])
async def test_a_truncated_file_is_reported_and_stays_as_it_is(
    tmp_path: Path, leecher: Leecher, kept: int
) -> None:
    torrent, path, data = segment(tmp_path)
    broken: list[bytes] = []
    async with seeding_session() as session:
        session.on_broken = broken.append
        await session.seed(torrent, path, [])
        path.write_bytes(data[:kept])
        handle = leecher.add(lt.load_torrent_buffer(torrent_file(torrent)), tmp_path / "got")
        handle.connect_peer(("127.0.0.1", session.port))
        await until(lambda: broken)
        await session.retire(torrent.infohash)
    assert path.read_bytes() == data[:kept]


async def test_a_hundred_torrents_come_and_go_without_leaving_descriptors(tmp_path: Path) -> None:
    segments = []
    for number in range(100):
        data = os.urandom(1000)
        path = tmp_path / f"{number}"
        path.write_bytes(data)
        segments.append((make_torrent("segment.ts", data), path))
    async with seeding_session() as session:
        before = len(os.listdir("/proc/self/fd"))
        await asyncio.gather(*(session.seed(t, p, []) for t, p in segments))
        assert len(session.seeding()) == 100
        await asyncio.gather(*(session.retire(t.infohash) for t, _ in segments))
        assert session.seeding() == frozenset()
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


async def test_leaving_the_session_lets_go_of_everything(tmp_path: Path) -> None:
    torrent, path, _ = segment(tmp_path)
    before = set(open_files())
    async with seeding_session() as session:
        await session.seed(torrent, path, ["ws://127.0.0.1:9/announce"])
    await until(lambda: not [f for f in set(open_files()) - before if f.startswith(str(tmp_path))])


async def test_nobody_else_reaches_the_bittorrent_port_unless_it_was_asked_for() -> None:
    async with seeding_session() as session:
        assert session.port > 0
        assert {host for host, _ in session.listening} == {"127.0.0.1"}
    async with seeding_session(port=unused_port()) as session:
        assert {host for host, _ in session.listening} >= {*addresses()}


async def test_a_tracker_that_never_closes_cannot_freeze_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It accepts, and says nothing any more: the destructor would wait for it with Python's lock held."""
    monkeypatch.setattr("seeder.torrent.session.FAREWELL_SECONDS", 0.5)
    accepted: list[asyncio.StreamWriter] = []

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        digest = hashlib.sha1(
            key.partition(b":")[2].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        ).digest()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
        )
        accepted.append(writer)

    server = await asyncio.start_server(shake_hands, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    torrent, path, _ = segment(tmp_path)
    async with seeding_session() as session:
        await session.seed(torrent, path, [f"ws://127.0.0.1:{port}/announce"])
        await until(lambda: accepted)
    for writer in accepted:
        writer.close()
    server.close()


async def test_a_tracker_that_cannot_be_reached_cannot_freeze_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing answers the first packet: the destructor would wait until TCP gives up, minutes later."""
    monkeypatch.setattr("seeder.torrent.session.FAREWELL_SECONDS", 0.5)
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        first.close()  # what nobody accepts stays in the queue, and the next ones are not answered
        port = full.getsockname()[1]
        torrent, path, _ = segment(tmp_path)
        async with seeding_session() as session:
            await session.seed(torrent, path, [f"ws://127.0.0.1:{port}/announce"])
            await until(lambda: connected_to(frozenset({port})))
