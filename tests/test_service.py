"""The whole program: the real command with real ffmpeg, libtorrent and sockets, seen from outside."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from websockets.asyncio.client import connect

from seeder import keeping, machine, service
from seeder.config import Config, Plan
from seeder.errors import FeedError
from seeder.model import rendezvous_hash
from seeder.torrent import bencode
from seeder.torrent.farewell import ports_of
from seeder.torrent.metainfo import matches, parse_info

Start = Callable[..., Awaitable[Any]]
TRUST_ALL = ssl.create_default_context()
TRUST_ALL.check_hostname = False
TRUST_ALL.verify_mode = ssl.CERT_NONE
PATIENCE = 90.0

TAG = re.compile(r'#EXT-X-COM-LIVETORRENT:MAGNET="([^"]+)",INFO="([^"]+)"')


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30, context=TRUST_ALL) as answer:
        return bytes(answer.read())


async def get(url: str) -> bytes:
    return await asyncio.to_thread(fetch, url)


async def tagged(url: str, least: int = 1) -> list[tuple[str, str, str]]:
    """(magnet, INFO, address) of each tagged segment, once there are ``least``."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                lines = (await get(url)).decode().splitlines()
            except urllib.error.HTTPError:
                lines = []
            found = []
            for at, line in enumerate(lines):
                if match := TAG.fullmatch(line):
                    name = next(after for after in lines[at + 1 :] if not after.startswith("#"))
                    found.append((match[1], match[2], urljoin(url, name)))
            if len(found) >= least:
                return found
            await asyncio.sleep(0.1)


async def metric(base: str, name: str) -> float:
    text = (await get(f"{base}/metrics")).decode()
    match = re.search(rf"^live_torrent_{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert match, f"{name} is not in\n{text}"
    return float(match[1])


async def ask(url: str, message: dict[str, Any]) -> dict[str, Any]:
    """One message to the tracker and its reply."""
    trust = TRUST_ALL if url.startswith("wss") else None
    async with connect(url, ssl=trust) as tracker:
        await tracker.send(json.dumps(message))
        return dict(json.loads(await asyncio.wait_for(tracker.recv(), 30)))


def announce(infohash: bytes) -> dict[str, Any]:
    return {
        "action": "announce",
        "info_hash": infohash.decode("latin-1"),
        "peer_id": "-XX0000-012345678901",
        "numwant": 0,
        "uploaded": 0,
        "downloaded": 0,
        "left": 1,
        "event": "started",
    }


async def seeded(url: str, infohash: bytes) -> None:
    """Wait until the tracker counts a seed: libtorrent has announced itself."""
    scrape = {"action": "scrape", "info_hash": infohash.decode("latin-1")}
    async with asyncio.timeout(PATIENCE):
        while True:
            files = (await ask(url, scrape)).get("files", {})
            if any(counts.get("complete", 0) >= 1 for counts in files.values()):
                return
            await asyncio.sleep(0.2)


async def test_one_command_turns_a_live_input_into_a_swarm(live_torrent: Start) -> None:
    demo = await live_torrent("demo", "--no-open", "--segment-seconds", "1")
    live = f"{demo.url}/live/demo"
    segments = await tagged(f"{live}/v0/index.m3u8", 3)
    master = (await get(f"{live}/master.m3u8")).decode()
    ident, tracker = re.search(r'LIVETORRENT-SWARM:ID="([0-9a-f]{40})",TRACKER="([^"]+)"', master).groups()  # type: ignore[union-attr]
    assert bytes.fromhex(ident) == rendezvous_hash("demo")
    assert tracker == f"ws://127.0.0.1:{demo.port}/announce"

    magnet, info, address = segments[-1]
    torrent = parse_info(base64.b64decode(info))
    fields = parse_qs(urlsplit(magnet).query)
    assert fields["xt"] == [f"urn:btih:{torrent.infohash.hex()}"]
    assert fields["tr"] == [tracker]
    assert matches(torrent, await get(address))
    file = bencode.decode(await get(f"{demo.url}/torrents/{torrent.infohash.hex()}.torrent"))
    assert isinstance(file, dict)
    assert hashlib.sha1(bencode.encode(file[b"info"])).digest() == torrent.infohash

    reply = await ask(tracker, announce(rendezvous_hash("demo")))
    assert isinstance(reply["interval"], int)
    assert "failure reason" not in reply
    assert "failure reason" in await ask(tracker, announce(b"\x00" * 20))

    newest = (await tagged(f"{live}/v0/index.m3u8"))[-1]
    await seeded(tracker, parse_info(base64.b64decode(newest[1])).infohash)
    assert await metric(demo.url, "torrents") >= 3
    assert await metric(demo.url, 'ingest_state{state="live",stream="demo"}') == 1
    health = json.loads(await get(f"{demo.url}/healthz"))
    assert health["ok"] is True
    assert set(health["rooms"]) == {"feed", "ingest", "publish", "torrent"}
    assert f"http://127.0.0.1:{demo.port}  — open a second window" in demo.log()
    assert "demo: first segment ready" in demo.log()


async def test_a_file_becomes_a_named_stream(live_torrent: Start, ts_vod: Path, tmp_path: Path) -> None:
    feed = tmp_path / "streams"
    server = await live_torrent("stream", str(ts_vod / "seg0.ts"), "--name", "film", "--feed", str(feed))
    ((_, info, address), *_) = await tagged(f"{server.url}/live/film/v0/index.m3u8")
    assert matches(parse_info(base64.b64decode(info)), await get(address))
    await server.stop()
    assert (feed / "film" / "v0" / "index.m3u8").is_file(), "the feed is the user's: it stays"


async def test_what_other_programs_wrote_is_served_from_the_first_answer_on(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--feed", str(feed_dir))
    playlist = (await get(f"{server.url}/live/film/index.m3u8")).decode()
    assert "seg5.ts" in playlist
    assert f"http://127.0.0.1:{server.port}\n" in server.log()


async def test_a_feed_folder_that_vanishes_is_waited_for(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--feed", str(feed_dir))
    shutil.rmtree(feed_dir)
    async with asyncio.timeout(PATIENCE):
        while "is gone: waiting" not in server.log():
            await asyncio.sleep(0.1)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        await get(f"{server.url}/healthz")
    shutil.copytree(ts_vod, feed_dir / "film")
    await tagged(f"{server.url}/live/film/index.m3u8", 6)
    assert json.loads(await get(f"{server.url}/healthz"))["ok"] is True


async def test_a_finished_folder_is_played_as_a_live_stream(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--loop", "--feed", str(feed_dir))
    await tagged(f"{server.url}/live/film/index.m3u8")
    assert "#EXT-X-ENDLIST" not in (await get(f"{server.url}/live/film/index.m3u8")).decode()


async def test_over_https_libtorrent_still_announces(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--tls-self-signed", "--feed", str(feed_dir), scheme="https")
    ((magnet, info, _), *_) = await tagged(f"{server.url}/live/film/index.m3u8")
    tracker = parse_qs(urlsplit(magnet).query)["tr"][0]
    assert tracker == f"wss://127.0.0.1:{server.port}/announce"
    await seeded(tracker, parse_info(base64.b64decode(info)).infohash)
    assert "certificate" in server.log()


async def test_the_public_address_stands_in_the_manifests(
    live_torrent: Start, feed_dir: Path, ts_vod: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent(
        "serve", "--feed", str(feed_dir), "--public-url", "https://tv.example.org/live-torrent/"
    )
    ((magnet, _, _), *_) = await tagged(f"{server.url}/live/film/index.m3u8")
    assert parse_qs(urlsplit(magnet).query)["tr"] == ["wss://tv.example.org/live-torrent/announce"]
    assert "https://tv.example.org/live-torrent\n" in server.log()


async def test_an_external_tracker_replaces_ours(live_torrent: Start, feed_dir: Path, ts_vod: Path) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    ours = await live_torrent("serve", "--feed", str(feed_dir))
    theirs = f"ws://127.0.0.1:{ours.port}/announce"
    server = await live_torrent("serve", "--feed", str(feed_dir), "--tracker", theirs)
    ((magnet, _, _), *_) = await tagged(f"{server.url}/live/film/index.m3u8")
    assert parse_qs(urlsplit(magnet).query)["tr"] == [theirs]
    before = await metric(ours.url, "tracker_connections")
    async with asyncio.timeout(PATIENCE):  # its libtorrent announces there, beside the tracker's own
        while await metric(ours.url, "tracker_connections") < max(before, 2):
            await asyncio.sleep(0.2)
    with pytest.raises(Exception, match="HTTP"):
        await ask(f"ws://127.0.0.1:{server.port}/announce", announce(rendezvous_hash("film")))


async def test_what_viewers_may_exchange_stands_in_manifests_and_turn_credentials_are_told_who_asks_alone(
    live_torrent: Start, feed_dir: Path, ts_vod: Path, tmp_path: Path
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    (tmp_path / "turn.secret").write_text("north-wind\n")
    (tmp_path / "lt.toml").write_text('turn_secret_file = "turn.secret"\nmax_upload = "500k"\n')
    server = await live_torrent(
        *("serve", "--feed", str(feed_dir), "--config", str(tmp_path / "lt.toml"), "--sharing", "ask"),
        *("--turn", "turn:turn.example.org", "--log-level", "debug"),
        env={"LIVE_TORRENT_MIN_VIEWERS": "3"},
    )
    playlists = [(await get(f"{server.url}/live/film/{name}.m3u8")).decode() for name in ("master", "index")]
    for text in playlists:
        assert '/announce",SHARING=ask,MAX-UPLOAD=512000,MIN-VIEWERS=3\n' in text
    asking = announce(rendezvous_hash("film")) | {"ice": True}
    told = await ask(f"ws://127.0.0.1:{server.port}/announce", asking)
    (lent,) = told["ice"]
    digest = hmac.digest(b"north-wind", lent["username"].encode(), "sha1")
    assert lent["urls"] == ["turn:turn.example.org"]
    assert base64.b64decode(lent["credential"]) == digest
    plain = await ask(f"ws://127.0.0.1:{server.port}/announce", announce(rendezvous_hash("film")))
    assert "ice" not in plain
    public = [*playlists, (await get(f"{server.url}/metrics")).decode(), server.log()]
    for secret in ("north-wind", lent["credential"], lent["username"]):
        assert not any(secret in text for text in public)


async def test_viewers_are_counted_as_they_come(live_torrent: Start, feed_dir: Path, ts_vod: Path) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    server = await live_torrent("serve", "--feed", str(feed_dir))
    async with connect(f"ws://127.0.0.1:{server.port}/announce") as viewer:
        await viewer.send(json.dumps(announce(rendezvous_hash("film"))))
        async with asyncio.timeout(PATIENCE):
            while "film: 1 viewer\n" not in server.log():
                await asyncio.sleep(0.1)
        assert await metric(server.url, 'stream_viewers{stream="film"}') == 1


async def test_a_libtorrent_port_in_use_costs_only_that_port(live_torrent: Start, feed_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        server = await live_torrent("serve", "--feed", str(feed_dir), "--bt-port", str(port))
        assert f"--bt-port {port}" in server.log()


async def test_json_logs_are_json_to_the_last_line(live_torrent: Start, feed_dir: Path) -> None:
    server = await live_torrent("serve", "--feed", str(feed_dir), "--log-format", "json")
    await server.stop()
    lines = [line for line in server.log().splitlines() if line.startswith("{")]
    assert [json.loads(line)["message"] for line in lines][-1] == "stopped"
    rest = [line for line in server.log().splitlines() if line and not line.startswith("{")]
    assert rest == [f"    http://127.0.0.1:{server.port}"]


INSIDE = """
import fcntl, json, os, re, signal, socket, struct, subprocess, sys, time, urllib.request
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
command = [sys.executable, "-m", "seeder", "serve", "--feed", sys.argv[1], "--port", "0"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=open(sys.argv[2], "wb"), text=True)
for line in server.stdout:
    if match := re.search(r"http://\\S+", line):
        break
print(urllib.request.urlopen(match[0] + "/healthz", timeout=30).read().decode())
server.send_signal(signal.SIGINT)
print(server.wait(30))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare makes the network with only loopback")
async def test_with_only_loopback_it_says_so_and_serves_http(feed_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    root = Path(service.__file__).parents[1]
    done = await asyncio.to_thread(
        subprocess.run,
        ["unshare", "-n", sys.executable, "-c", INSIDE, str(feed_dir), str(log)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(root), "PYTHONUNBUFFERED": "1"},
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("only root may make a network namespace here")
    assert done.returncode == 0, done.stderr + log.read_text()
    health, code = done.stdout.splitlines()
    assert json.loads(health)["ok"] is True
    assert "WebRTC cannot connect" in json.loads(health)["rooms"]["torrent"]["detail"]
    assert "WebRTC cannot connect" in log.read_text()
    assert code == "0"


# --- inside one process: what happens when a room fails ------------------------------------------------


def plan(feed: Path, **settings: Any) -> Plan:
    return Plan(Config(port=0, **settings), feed)


async def test_without_libtorrent_http_goes_on(
    feed_dir: Path, ts_vod: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")

    (tmp_path / "libtorrent.py").write_text("raise ImportError('no session today')\n")
    monkeypatch.syspath_prepend(str(tmp_path))  # where libtorrent's process looks, too
    async with service.running(plan(feed_dir)) as running:
        segments = await tagged(f"{running.bound.url}/live/film/index.m3u8", 6)
        assert matches(parse_info(base64.b64decode(segments[0][1])), await get(segments[0][2]))
        health = json.loads(await get(f"{running.bound.url}/healthz"))
        assert health["ok"] is True
        assert "no session today" in health["rooms"]["torrent"]["detail"]


async def test_when_libtorrent_crashes_the_stream_goes_on_and_is_seeded_again(
    feed_dir: Path, ts_vod: Path, live_torrent: Start
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    serving = await live_torrent("serve", "--feed", str(feed_dir))
    segments = await tagged(f"{serving.url}/live/film/index.m3u8", 6)
    first = parse_info(base64.b64decode(segments[0][1]))
    url = f"ws://127.0.0.1:{serving.port}/announce"
    await seeded(url, first.infohash)
    assert await metric(serving.url, "seed_restarts_total") == 0
    (child,) = machine.children(serving.process.pid)
    os.kill(child, signal.SIGKILL)
    assert matches(first, await get(segments[0][2]))
    async with asyncio.timeout(PATIENCE):
        while (await metric(serving.url, "seed_restarts_total"), await metric(serving.url, "torrents")) != (
            1,
            6,
        ):
            await asyncio.sleep(0.05)
    health = json.loads(await get(f"{serving.url}/healthz"))
    assert health["ok"] is True
    assert "SIGKILL" not in health["rooms"]["torrent"]["detail"]  # that is over
    await seeded(url, first.infohash)
    (again,) = machine.children(serving.process.pid)
    assert again != child
    assert "libtorrent was ended by SIGKILL: starting it again" in serving.log()


async def test_libtorrent_ends_when_nobody_here_listens_to_it_any_more(
    feed_dir: Path, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its destructor waits for its tracker: for one of ours there is no need."""
    shutil.copytree(ts_vod, feed_dir / "film")
    ports: set[int] = set()
    refused: list[int] = []

    class Watched(service.ApartSession):
        async def seed(self, torrent: Any, path: Path, trackers: Any) -> None:
            ports.update(ports_of(trackers))
            await super().seed(torrent, path, trackers)

        async def __aexit__(self, *error: Any) -> None:
            for port in ports:
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port), timeout=30)
                refused.append(port)
            await super().__aexit__(*error)

    monkeypatch.setattr(service, "ApartSession", Watched)
    async with service.running(plan(feed_dir)) as running:
        segments = await tagged(f"{running.bound.url}/live/film/index.m3u8", 6)
        infohash = parse_info(base64.b64decode(segments[0][1])).infohash
        await seeded(f"ws://127.0.0.1:{running.bound.port}/announce", infohash)
    assert len(refused) == 1


async def test_a_room_that_crashes_is_begun_again(
    feed_dir: Path, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ts_vod, feed_dir / "film")
    crashes = 2

    class Shaky(service.FeedTask):
        async def run(self) -> None:
            nonlocal crashes
            if crashes:
                crashes -= 1
                raise ZeroDivisionError("a bug")
            await super().run()

    monkeypatch.setattr(service, "FeedTask", Shaky)
    monkeypatch.setattr(keeping, "AGAIN", (0.0,))
    async with service.running(plan(feed_dir)) as running:
        await tagged(f"{running.bound.url}/live/film/index.m3u8")
        assert "a bug" in json.loads(await get(f"{running.bound.url}/healthz"))["rooms"]["feed"]["detail"]


async def test_a_room_that_crashes_while_it_is_stopped_is_not_begun_again(
    feed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clumsy(service.FeedTask):
        async def run(self) -> None:
            try:
                await super().run()
            finally:
                raise ZeroDivisionError("a bug in the tidying up")

    monkeypatch.setattr(service, "FeedTask", Clumsy)
    monkeypatch.setattr(keeping, "AGAIN", (0.0,))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(PATIENCE), service.running(plan(feed_dir)):
            pass
    assert caught.group_contains(ZeroDivisionError)


async def test_a_room_that_cannot_go_on_ends_the_program(
    feed_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(service.FeedTask):
        async def run(self) -> None:
            raise FeedError("the feed is gone")

    monkeypatch.setattr(service, "FeedTask", Gone)
    with pytest.raises(ExceptionGroup) as caught:
        async with service.running(plan(feed_dir)):
            await asyncio.sleep(PATIENCE)
    assert caught.group_contains(FeedError, match="the feed is gone")


async def test_stopping_leaves_no_task_behind(feed_dir: Path) -> None:
    before = asyncio.all_tasks()
    async with service.running(plan(feed_dir)):
        pass
    assert asyncio.all_tasks() - before == set()
