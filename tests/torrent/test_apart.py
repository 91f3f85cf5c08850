"""libtorrent's process is killed, stopped, hung and kept from starting; who has it seeds on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import libtorrent as lt
import pytest

from seeder.errors import MetainfoError
from seeder.machine import addresses
from seeder.model import Torrent
from seeder.torrent import life, wire
from seeder.torrent.apart import ApartSession
from seeder.torrent.metainfo import make_torrent, torrent_file
from seeder.torrent.seeds import SeedCounters
from seeder.torrent.settings import SeedSettings
from seeder.tracker import Tracker
from seeder.web import ServerConfig, serve
from tests.torrent.strangers import stranger
from tests.torrent.test_session import Leecher, leecher, segment, until

__all__ = ["leecher"]  # a fixture

CRASHES = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n"


def alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def pid_of(session: ApartSession) -> int:
    assert session.pid is not None
    return session.pid


@dataclass
class Scene:
    seed: ApartSession
    home: str
    """Where it announces."""
    public: str

    async def fetch(self, torrent: Torrent, folder: Path) -> bytes:
        """By a stock peer, through WebRTC alone."""
        folder.mkdir()
        (folder / "torrent").write_bytes(torrent_file(torrent, [self.public]))
        async with stranger() as peer:
            await peer.add(folder / "torrent", torrent.infohash, folder)
            await peer.completed(torrent.infohash)
        return (folder / torrent.name).read_bytes()


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """As the service does it."""
    tracker = Tracker(lambda infohash: True)
    config = ServerConfig(port=0, grace=0.5)
    async with (
        ApartSession(SeedSettings(at_home=True)) as seed,
        tracker,
        serve(tracker, config, closing=[tracker.close]) as public,
        serve(tracker.home, config, closing=[tracker.close]) as private,
    ):
        yield Scene(seed, f"ws://127.0.0.1:{private.port}/announce", f"ws://127.0.0.1:{public.port}/announce")


@pytest.mark.skipif(not addresses(), reason="no network interface but loopback: WebRTC cannot connect")
async def test_a_killed_libtorrent_comes_back_and_seeds_what_it_did(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torrent, path, data = segment(tmp_path)
    async with scene() as the:
        await the.seed.seed(torrent, path, [the.home])
        assert the.seed.seeding() == {torrent.infohash}
        assert await the.fetch(torrent, tmp_path / "before") == data
        await until(lambda: the.seed.counters().uploaded_bytes >= len(data))
        first = pid_of(the.seed)
        os.kill(first, signal.SIGKILL)
        await until(lambda: the.seed.trouble)
        assert the.seed.seeding() == frozenset()
        assert "SIGKILL" in the.seed.trouble
        await until(lambda: the.seed.seeding() == {torrent.infohash})
        assert pid_of(the.seed) != first
        assert (the.seed.trouble, the.seed.restarts) == ("", 1)
        assert await the.fetch(torrent, tmp_path / "after") == data
        await until(lambda: the.seed.counters().uploaded_bytes >= 2 * len(data))  # nothing counted is lost
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING and "SIGKILL" in r.message]) == 1


async def test_who_seeds_and_retires_while_there_is_none_is_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It crashes over and over, ever more seldom; what is wanted when it is back is seeded, the rest not."""
    (kept, path, _), gone, late = segment(tmp_path), make_torrent("b", b"b"), make_torrent("c", b"c")
    modules = tmp_path / "modules"
    modules.mkdir()
    monkeypatch.syspath_prepend(str(modules))
    async with ApartSession() as session:
        await session.seed(kept, path, [])
        await session.seed(gone, path, [])
        (modules / "libtorrent.py").write_text(CRASHES)
        began = time.monotonic()
        os.kill(pid_of(session), signal.SIGKILL)
        await until(lambda: session.restarts)
        await session.retire(gone.infohash)
        await session.seed(late, path, [])
        await until(lambda: session.restarts == 3)
        assert session.seeding() == frozenset()
        assert "SIGSEGV" in session.trouble
        assert time.monotonic() - began > 0.25 + 0.5  # each wait twice the last, by the lowest dice
        (modules / "libtorrent.py").unlink()
        await until(lambda: session.seeding() == {kept.infohash, late.infohash})
        assert session.trouble == ""
        session_pid = pid_of(session)
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 3
    assert not alive(session_pid)


async def test_one_that_hangs_is_ended_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torrent, path, _ = segment(tmp_path)
    async with ApartSession() as session:
        pid = pid_of(session)
        with monkeypatch.context() as patched:
            patched.setattr(life, "SILENT_SECONDS", 1.5)
            await session.seed(torrent, path, [])  # its answer is the last word
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: session.restarts)
        assert not alive(pid)
        await until(lambda: session.seeding() == {torrent.infohash})


async def test_it_stops_in_order_and_signals_to_stop_are_not_its_business(tmp_path: Path) -> None:
    torrent, path, _ = segment(tmp_path)
    one = await life.begin(SeedSettings())
    told = []
    async for said in one.heard():
        if said["say"] == "ready":
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(one.pid, number)
            order = wire.seed_order(torrent, path, ["ws://127.0.0.1:9/announce"])
            one.ask(order).add_done_callback(lambda answer: told.append(answer.result()) or one.stop())
    await one.gone()
    assert told == [None]
    assert one.why == "ended by itself (exit code 0)"
    await one.end()
    assert await one.ask(order) is None  # nobody waits for the dead


async def test_it_does_not_outlive_who_started_it() -> None:
    program = textwrap.dedent("""
        import asyncio
        from seeder.torrent.apart import ApartSession
        async def main():
            async with ApartSession() as session:
                print(session.pid, flush=True)
                await asyncio.sleep(3600)
        asyncio.run(main())
    """)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 90))
    assert alive(pid)
    assert os.getsid(pid) == pid  # Ctrl-C in the terminal does not reach it
    parent.kill()
    await parent.wait()
    await until(lambda: not alive(pid))


async def test_a_machine_without_libtorrent_says_so_and_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libtorrent.py").write_text("raise ImportError('no libtorrent here')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    session = ApartSession()
    with pytest.raises(RuntimeError, match=r"^no libtorrent here$"):
        await session.__aenter__()
    assert (session.restarts, session.pid) == (0, None)


async def test_its_words_are_in_our_log_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is printed there, it is none of its messages."""
    monkeypatch.setenv("LIVE_TORRENT_ADMIN_TOKEN", "lta_0123456789abcdef")
    (tmp_path / "libtorrent.py").write_text(
        "import os, sys\n"
        "print('to stdout', os.environ.get('LIVE_TORRENT_ADMIN_TOKEN'))\n"
        "print('http://me:secret@host/', file=sys.stderr)\n"
        "raise RuntimeError('enough')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match="enough"):
        await ApartSession().__aenter__()
    assert "to stdout None" in caplog.text
    assert "http://***@host/" in caplog.text
    assert "secret" not in caplog.text


async def test_what_is_wrong_with_a_torrent_comes_through(tmp_path: Path, leecher: Leecher) -> None:
    torrent, path, data = segment(tmp_path)
    broken: list[bytes] = []
    async with ApartSession() as session:
        session.on_broken = broken.append
        nonsense = Torrent(b"n" * 20, b"nonsense", "n", 1, 1)
        with pytest.raises(MetainfoError, match="refuses"):
            await session.seed(nonsense, path, [])
        await asyncio.gather(*(session.seed(torrent, path, []) for _ in range(3)))
        path.write_bytes(os.urandom(len(data)))
        handle = leecher.add(lt.load_torrent_buffer(torrent_file(torrent)), tmp_path / "got")
        handle.connect_peer(("127.0.0.1", session.port))
        await until(lambda: broken == [torrent.infohash])
        await asyncio.gather(session.retire(torrent.infohash), session.retire(torrent.infohash))
        assert session.seeding() == frozenset()
        await session.retire(torrent.infohash)
        await asyncio.gather(session.retire(torrent.infohash), session.seed(torrent, path, []))
        assert session.seeding() == {torrent.infohash}


def test_a_file_name_of_any_bytes_comes_through() -> None:
    torrent = make_torrent("säg\nment", b"x")
    path = Path(os.fsdecode(b"/spool/\xff\n\xc3\xa4"))
    line = wire.line(wire.seed_order(torrent, path, ["ws://a/"]))
    assert line.count(b"\n") == 1
    assert wire.seed_arguments(wire.message(line)) == (torrent, path, ["ws://a/"])


def test_the_counters_come_through_and_add_up() -> None:
    one = SeedCounters(1, 2, 3, 4, 5, 6, 7)
    said = wire.message(wire.line(wire.state(one, {("::1", 5)})))
    assert wire.counters(said) == one
    assert wire.listening(said) == {("::1", 5)}
    assert one.after(one) == SeedCounters(1, 2, 6, 8, 10, 12, 14)
