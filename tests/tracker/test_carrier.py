"""Rude clients at a connection that the tracker carries by itself: RFC 6455 to the letter, and past it."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from seeder.tracker import Limits, Tracker, carrier, socket
from seeder.web import self_signed
from seeder.web.tls import tls_context

PATIENCE = 60.0
MOVIE = "movie".ljust(20, ".")
ANNOUNCE = {"action": "announce", "info_hash": MOVIE, "peer_id": "rude".ljust(20, "-"), "numwant": 0}
HEAD = (
    b"GET /announce HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ACCEPTED = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""RFC 6455 §1.3's own example."""


class Door(asyncio.Protocol):
    """A server's part of the hand-over at its least: whatever comes first goes to the tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._tracker.adopt(self._transport, data)


@asynccontextmanager
async def door(tracker: Tracker, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port of 127.0.0.1 whose connections the tracker adopts."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Door(tracker), "127.0.0.1", 0, ssl=context
    )
    async with tracker:
        yield server.sockets[0].getsockname()[1]
        server.close()


class Rude:
    """A client that sends what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next one; it is whole and unmasked."""
        async with asyncio.timeout(PATIENCE):
            first, length = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80
            assert length < 127
            if length == 126:
                length = int.from_bytes(await self.reader.readexactly(2))
            return first & 0x0F, await self.reader.readexactly(length)

    async def reply(self) -> dict[str, object]:
        opcode, payload = await self.frame()
        assert opcode == 1
        found: dict[str, object] = json.loads(payload)
        return found

    async def code(self) -> int:
        """Of the close frame, which is all that comes; then TCP ends."""
        opcode, payload = await self.frame()
        assert opcode == 8
        await self.over()
        return int.from_bytes(payload[:2])

    async def over(self) -> None:
        async with asyncio.timeout(PATIENCE):
            assert await self.reader.read() == b""

    def say(self, payload: bytes = b"", first: int = 0x81, *, mask: bytes = b"abcd") -> None:
        self.writer.write(frame(payload, first, mask))

    def announce(self) -> None:
        self.say(json.dumps(ANNOUNCE).encode())


def frame(payload: bytes, first: int = 0x81, mask: bytes = b"abcd") -> bytes:
    length = len(payload)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


@asynccontextmanager
async def rude(port: int, head: bytes = HEAD) -> AsyncIterator[Rude]:
    """With its handshake done, unless ``head`` is another's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    client = Rude(reader, writer)
    try:
        if head:
            writer.write(head)
        if head is HEAD:
            assert b" 101 " in await client.head()
        yield client
    finally:
        writer.transport.abort()


def anything(infohash: bytes) -> bool:
    return True


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.02)


# the handshake


async def test_a_handshake_in_single_bytes_with_an_announce_behind_it_is_served() -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port, b"") as client:
        for byte in HEAD:
            client.writer.write(bytes((byte,)))
            await client.writer.drain()
            await asyncio.sleep(0)
        head = await client.head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert ACCEPTED in head
        assert b"xtensions" not in head
        client.announce()
        assert (await client.reply())["incomplete"] == 1
    async with door(tracker := Tracker(anything)) as port, rude(port, b"") as client:
        client.writer.write(HEAD + frame(json.dumps(ANNOUNCE).encode()))
        assert b" 101 " in await client.head()
        assert (await client.reply())["incomplete"] == 1
        assert tracker.counters.connections == 1


@pytest.mark.parametrize(
    ("old", "new", "status", "named"),
    [
        (b"Version: 13", b"Version: 8", 426, b"Sec-WebSocket-Version: 13\r\n"),
        (b"Sec-WebSocket-Version: 13\r\n", b"", 426, b"Sec-WebSocket-Version: 13\r\n"),
        (b"Host: a\r\n", b"", 400, b"Host"),
        (b"Host: a\r\n", b"Host: a\r\nHost: b\r\n", 400, b"Host"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"c2hvcnQ=", 400, b"Sec-WebSocket-Key"),
        (b"GET ", b"POST ", 405, b"Allow: GET"),
        (b"Upgrade: websocket", b"Upgrade: h2c", 426, b"Upgrade: websocket"),
        (b"GET /announce HTTP/1.1", b"nonsense", 400, b""),
        (b"Host: a\r\n", b"Host: a\r\nContent-Length: 5\r\n", 400, b""),
    ],
)
async def test_what_is_no_handshake_is_refused_and_closed(
    old: bytes, new: bytes, status: int, named: bytes
) -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port, HEAD.replace(old, new)) as client:
        async with asyncio.timeout(PATIENCE):
            answer = await client.reader.read()
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert named in answer
        assert tracker.counters.opened == 0


async def test_half_a_handshake_is_given_up_and_an_endless_one_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port, HEAD[:-2] + b"X: " + b"x" * carrier.MAX_HEAD) as client:
        assert b" 431 " in await client.head()
    monkeypatch.setattr(carrier, "HANDSHAKE", 0.1)
    async with door(Tracker(anything)) as port, rude(port, HEAD[:-2]) as client:
        await client.over()


async def test_closing_ends_half_a_handshake_too() -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port, HEAD[:-2]) as client:
        await until(lambda: tracker._greeting)
        await tracker.close()
        await client.over()


async def test_a_proxys_word_on_the_address_counts_only_when_trusted() -> None:
    async def third(trust: bool) -> str:
        """What the third viewer behind a proxy finds, when one address may have two connections."""
        tracker = Tracker(anything, limits=Limits(max_connections_per_ip=2), trust_proxy=trust)
        async with door(tracker) as port:
            url = f"ws://127.0.0.1:{port}/announce"
            viewers = [{"X-Forwarded-For": f"spoofed, 192.0.2.{n}"} for n in range(3)]
            first, second, last = (connect(url, additional_headers=headers) for headers in viewers)
            async with first, second:
                try:
                    async with last:
                        return "welcome"
                except InvalidStatus as refused:
                    return str(refused.response.status_code)

    assert await third(trust=True) == "welcome"
    assert await third(trust=False) == "503"


# frames


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02hi", 1002),  # unmasked (§5.1)
        (frame(b"hi", 0xC1), 1002),  # a reserved bit
        (frame(b"hi", 0x83), 1002),  # a reserved opcode
        (frame(b"hi", 0x09), 1002),  # a ping in fragments (§5.5)
        (frame(b"x" * 126, 0x89), 1002),  # a ping too long
        (frame(b"hi", 0x80), 1002),  # a continuation of nothing
        (frame(b"a", 0x01) + frame(b"b", 0x01), 1002),  # a message within another (§5.4)
        (frame(b"\x03", 0x88), 1002),  # a close code of one byte
        (frame(b"\xff\xfe{", 0x81), 1007),  # text that is not UTF-8 (§8.1)
        (frame(b"{\xc3", 0x01) + frame(b"(}", 0x80), 1007),
        (b"\x81\xff" + struct.pack("!Q", 2**63) + b"abcd", 1009),
        (b"\x81\xff" + struct.pack("!Q", 64 * 1024 + 1) + b"abcd", 1009),  # before a byte of it is there
        (frame(b"x" * 40_000, 0x01) + b"\x80\xfe" + struct.pack("!H", 30_000) + b"abcd", 1009),
    ],
)
async def test_what_breaks_the_framing_is_told_so_and_ended(data: bytes, code: int) -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port) as client:
        client.writer.write(data)
        assert await client.code() == code
        client.writer.close()
        await until(lambda: not tracker.counters.connections)
        assert not tracker.counters.received["malformed"]


async def test_fragments_make_a_message_and_pings_between_them_are_answered() -> None:
    async with door(Tracker(anything)) as port, rude(port) as client:
        text = json.dumps(ANNOUNCE | {"key": "é"}, ensure_ascii=False).encode()
        half = text.index("é".encode()) + 1  # within a character
        client.say(text[:10], 0x01)
        client.say(b"there?", 0x89)
        client.say(text[10:half], 0x00)
        client.say(b"", 0x00)
        client.say(text[half:], 0x80)
        pong, reply = sorted([await client.frame(), await client.frame()], reverse=True)
        assert pong == (10, b"there?")
        assert json.loads(reply[1])["incomplete"] == 1


async def test_a_farewell_is_returned_and_what_comes_with_it_harms_nobody() -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port) as client:
        announce = frame(json.dumps(ANNOUNCE).encode())
        client.writer.write(announce + frame(struct.pack("!H", 3123), 0x88) + announce)
        assert await client.code() == 3123
        client.writer.close()
        await until(lambda: not tracker.counters.connections)
        assert tracker.viewers(MOVIE.encode()) == 0


async def test_who_vanishes_without_a_word_is_forgotten() -> None:
    tracker = Tracker(anything)
    async with door(tracker) as port:
        async with rude(port) as client:
            client.announce()
            await client.reply()
            assert tracker.viewers(MOVIE.encode()) == 1
        await until(lambda: not tracker.counters.connections)
        assert tracker.viewers(MOVIE.encode()) == 0


async def test_a_reset_on_leaving_keeps_nobody_elses_messages() -> None:
    broken: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: broken.append(context))
    tracker = Tracker(anything, limits=Limits(max_malformed=0))
    async with door(tracker) as port, rude(port) as client, rude(port) as other:
        client.say(b"nonsense")
        while (await client.frame())[0] != 8:
            pass
        # With its farewell a reset, which the kernel knows of before the tracker reads.
        linger = struct.pack("ii", 1, 0)
        client.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, linger)
        client.say(struct.pack("!H", 1008), 0x88)
        client.writer.transport.abort()
        other.announce()
        assert (await other.reply())["incomplete"] == 1
        await until(lambda: tracker.counters.connections == 1)
    assert broken == []


# floods


async def test_a_flood_of_pings_is_read_only_so_fast() -> None:
    tracker = Tracker(anything, limits=Limits(message_rate=0.001, message_burst=1))
    async with door(tracker) as port, rude(port) as client:
        client.writer.write(frame(b"", 0x89) * 100_000)
        async with connect(f"ws://127.0.0.1:{port}/announce") as other:
            await other.send(json.dumps(ANNOUNCE | {"peer_id": "p" * 20}))
            async with asyncio.timeout(PATIENCE):
                assert json.loads(await other.recv())["incomplete"] == 1
        pongs = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while True:
                    pongs += len(await client.reader.read(65536)) // 2
        assert 0 < pongs <= carrier.READ // 6 + 1, "one read's worth, then a pause"


async def test_empty_fragments_without_end_are_counted_like_messages() -> None:
    tracker = Tracker(anything, limits=Limits(message_rate=0.001, message_burst=1))
    async with door(tracker) as port, rude(port) as client:
        client.say(b"{", 0x01)
        client.writer.write(frame(b"", 0x00) * 100_000)
        await until(lambda: client.writer.transport.get_write_buffer_size() == 0 or _paused(tracker))
        await until(lambda: _paused(tracker))


def _paused(tracker: Tracker) -> bool:
    (one,) = tracker._connections.values()
    assert isinstance(one, carrier.Carrier)
    return not one._transport.is_reading()


async def test_who_reads_nothing_is_not_read_either_and_ends_as_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "TICK", 0.05)
    tracker = Tracker(anything, limits=Limits(idle_timeout=1.0, message_burst=10**6, client_burst=10**6))
    async with door(tracker) as port, rude(port) as client:
        client.writer.transport.pause_reading()
        text = frame(json.dumps({"action": "scrape", "info_hash": [MOVIE] * 100}).encode())
        held = 0
        async with asyncio.timeout(PATIENCE * 2):
            while not tracker.counters.refused["idle"]:
                if client.writer.transport.get_write_buffer_size() < 2**20:
                    client.writer.write(text * 50)
                for one in tracker._connections.values():
                    assert isinstance(one, carrier.Carrier)
                    held = max(held, one._transport.get_write_buffer_size())
                await asyncio.sleep(0.01)
        assert 0 < held < Limits().max_queue_bytes, "what one read asks for, behind what the kernel took"
        await until(lambda: not tracker.counters.connections)


# time


async def test_pings_go_out_and_a_pong_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "TICK", 0.05)
    monkeypatch.setattr(carrier, "PING", 0.1)
    tracker = Tracker(anything, limits=Limits(idle_timeout=5.0))
    async with door(tracker) as port, rude(port) as client:
        for _ in range(3):
            assert await client.frame() == (9, b"")
            client.say(b"", 0x8A)
        client.announce()
        while (found := await client.frame())[0] == 9:
            pass
        assert json.loads(found[1])["incomplete"] == 1


async def test_who_takes_no_leave_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "FAREWELL", 0.2)
    tracker = Tracker(anything)
    async with door(tracker) as port, rude(port) as client:
        client.announce()
        await client.reply()
        async with asyncio.timeout(PATIENCE):
            await tracker.close()
        assert await client.frame() == (8, struct.pack("!H", 1001) + b"shutdown")


# TLS


async def test_all_of_it_works_over_tls(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "localhost")
    trusting = ssl.create_default_context(cafile=str(certificate.cert))
    trusting.check_hostname = False
    server = tls_context(certificate)
    server.set_alpn_protocols(["http/1.1"])
    tracker = Tracker(anything, limits=Limits(max_malformed=0))
    async with door(tracker, server) as port:
        url = f"wss://127.0.0.1:{port}/announce"
        async with connect(url, ssl=trusting) as viewer, connect(url, ssl=trusting) as rude_one:
            await viewer.send(json.dumps(ANNOUNCE | {"key": "x" * 60_000}))
            async with asyncio.timeout(PATIENCE):
                assert json.loads(await viewer.recv())["incomplete"] == 1
            await rude_one.send("nonsense")
            async with asyncio.timeout(PATIENCE):
                await rude_one.wait_closed()
            assert rude_one.close_code == 1008
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(tracker.close(), viewer.wait_closed())
            assert viewer.close_code == 1001
