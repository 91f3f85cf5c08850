"""The tracker over real WebSockets."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from seeder.tracker import Limits, Tracker
from seeder.tracker import socket as carrier
from seeder.web import ServerConfig, serve
from tests.tracker.conftest import Start

PATIENCE = 60.0


def announce(infohash: bytes, name: str, offers: int | list[Any] = 0, **members: Any) -> str:
    made = offers
    if isinstance(offers, int):
        made = [
            {"offer_id": f"{name}{n}".ljust(20, "#"), "offer": {"type": "offer", "sdp": f"v=0 {name}"}}
            for n in range(offers)
        ]
    body = {"action": "announce", "info_hash": infohash.decode("latin-1"), "peer_id": name.ljust(20, "-")}
    return json.dumps(body | {"numwant": 5, "offers": made, "left": None} | members)


async def hear(peer: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        found: dict[str, Any] = json.loads(await peer.recv())
    return found


async def hear_all(peer: ClientConnection) -> None:
    """Until the connection closes."""
    while True:
        await hear(peer)


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


async def test_two_peers_exchange_offer_and_answer(start: Start, infohash: bytes) -> None:
    running = await start()
    async with connect(running.url) as alice, connect(running.url) as bob:
        await bob.send(announce(infohash, "bob"))
        assert (await hear(bob))["incomplete"] == 1
        await alice.send(announce(infohash, "alice", 2, event="started"))
        reply = await hear(alice)
        assert (reply["incomplete"], reply["info_hash"].encode("latin-1")) == (2, infohash)
        offer = await hear(bob)
        assert offer["offer"] == {"type": "offer", "sdp": "v=0 alice"}
        answer = {"type": "answer", "sdp": "v=0 bob"}
        await bob.send(
            announce(infohash, "bob", to_peer_id=offer["peer_id"], offer_id=offer["offer_id"], answer=answer)
        )
        heard = await hear(alice)
        assert (heard["answer"], heard["peer_id"]) == (answer, "bob".ljust(20, "-"))
        assert heard["offer_id"] == offer["offer_id"]
        assert running.tracker.viewers(infohash) == 2
        counters = running.tracker.counters
        assert (counters.offers, counters.answers, counters.connections) == (1, 1, 2)
        assert dict(counters.received) == {"announce": 2, "answer": 1}
    await until(lambda: running.tracker.viewers(infohash) == 0)


async def test_malformed_messages_are_answered_and_too_many_end_the_connection(
    start: Start, infohash: bytes
) -> None:
    running = await start(Limits(max_malformed=3))
    async with connect(running.url) as peer:
        await peer.send("nonsense")
        failure = await hear(peer)
        assert failure["failure reason"] == "message is not JSON"
        assert len(failure["info_hash"]) == 20
        assert isinstance(failure["interval"], int)
        await peer.send(announce(infohash, "too short to be a peer id".ljust(40)))
        failure = await hear(peer)
        assert failure["info_hash"].encode("latin-1") == infohash
        await peer.send(announce(infohash, "fine"))
        assert "failure reason" not in await hear(peer)
        for _ in range(2):
            await peer.send(b"\xff\xfe")
        with pytest.raises(ConnectionClosed) as closed:
            await hear_all(peer)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
    await until(lambda: not running.tracker.counters.connections)


async def test_a_message_above_64_kib_ends_the_connection(start: Start) -> None:
    running = await start()
    async with connect(running.url) as peer:
        await peer.send("x" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed):
            await hear_all(peer)
    await until(lambda: not running.tracker.counters.connections)


async def test_the_hundredth_connection_of_one_address_is_refused(start: Start) -> None:
    running = await start(Limits(max_connections_per_ip=2))
    async with connect(running.url), connect(running.url):
        with pytest.raises(InvalidStatus) as refused:
            await connect(running.url)
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"]
        assert running.tracker.counters.refused["per-ip"] == 1
    await until(lambda: not running.tracker.counters.connections)
    async with connect(running.url):
        pass


async def test_who_retires_hears_it(start: Start, infohash: bytes) -> None:
    running = await start()
    async with connect(running.url) as peer:
        await peer.send(announce(infohash, "peer"))
        await hear(peer)
        running.tracker.retire(infohash)
        last = await hear(peer)
        assert (last["info_hash"].encode("latin-1"), last["incomplete"]) == (infohash, 0)
        assert isinstance(last["interval"], int)
        await peer.send(announce(infohash, "peer"))
        assert (await hear(peer))["incomplete"] == 1, "the connection lives on"


async def test_a_peer_that_answers_no_ping_is_dropped(
    start: Start, infohash: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "TICK", 0.05)
    running = await start(Limits(idle_timeout=0.4))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.split(":")[2].split("/")[0]))
    writer.write(
        b"GET /announce HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        await reader.read()  # pings, then the end
    writer.close()
    await until(lambda: running.tracker.counters.refused["idle"] == 1)


async def test_a_peer_that_answers_pings_stays(
    start: Start, infohash: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier, "TICK", 0.05)
    running = await start(Limits(idle_timeout=3.0))
    async with connect(running.url) as peer:
        pinged = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < pinged + 4.0:
            await asyncio.sleep(0.2)
            await peer.ping()  # any byte counts; the server's own pings come every 25 s
        await peer.send(announce(infohash, "peer"))
        assert "failure reason" not in await hear(peer)


async def test_a_slow_reader_is_cut_off_and_holds_up_nobody(start: Start, infohash: bytes) -> None:
    running = await start(Limits(max_queue_bytes=64 * 1024, message_burst=10**6, offer_timeout=0.0))
    port = int(running.url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(
        b"GET /announce HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    text = announce(infohash, "slow").encode()
    writer.write(b"\x81" + struct.pack("!BH", 0x80 | 126, len(text)) + bytes(4) + text)  # masked with zeros
    await until(lambda: running.tracker.viewers(infohash) == 1)
    big = "v" * 15_000
    async with connect(running.url, max_queue=None) as fast:
        turn = 0
        async with asyncio.timeout(PATIENCE * 2):
            while running.tracker.counters.refused["slow"] == 0:
                offers = [{"offer_id": f"{turn:020}", "offer": {"type": "offer", "sdp": big}}]
                await fast.send(announce(infohash, "fast", offers=offers))
                assert "failure reason" not in await hear(fast)
                turn += 1
        await until(lambda: running.tracker.viewers(infohash) == 1)
        await fast.send(announce(infohash, "fast"))
        assert (await hear(fast))["incomplete"] == 1
    writer.close()


async def test_closing_says_1001_to_everyone(start: Start, infohash: bytes) -> None:
    running = await start()
    peers = [await connect(running.url) for _ in range(3)]
    await peers[0].send(announce(infohash, "peer"))
    await hear(peers[0])
    await asyncio.gather(running.tracker.close(), *(peer.wait_closed() for peer in peers))
    assert [peer.close_code for peer in peers] == [1001] * 3
    assert running.tracker.counters.connections == 0
    with pytest.raises(InvalidStatus):
        await connect(running.url)


async def test_compression_is_not_agreed_to(start: Start) -> None:
    running = await start()
    async with connect(running.url, compression="deflate") as peer:
        assert peer.protocol.extensions == []


async def test_a_tracker_opened_in_a_browser_says_what_it_is() -> None:
    async with Tracker(lambda infohash: True) as tracker, serve(tracker, ServerConfig(port=0)) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"GET /announce HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.read()).startswith(b"HTTP/1.1 426")
        writer.close()


async def test_a_proxys_word_on_the_address_counts_only_when_trusted() -> None:
    scope = {"client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.1")]}
    assert Tracker(lambda infohash: True)._address(scope) == "10.0.0.1"
    assert Tracker(lambda infohash: True, trust_proxy=True)._address(scope) == "192.0.2.1"
