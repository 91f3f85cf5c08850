"""MPEG-TS over UDP and TCP, from real ffmpegs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as some

from seeder.config import Config
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.publish import Claim, Desk, Grant, RefusedError
from seeder.publish.mpegts import listener
from seeder.publish.mpegts.service import PACKET, ServiceName, checksum
from seeder.publish.place import Place
from seeder.publish.room import Publishing
from tests.publish.encoder import AAC, H264, PICTURE, TONE, departures

PATIENCE = 90.0
KEY = "lt_key0815key0815"
FFMPEG = str(imageio_ffmpeg.get_ffmpeg_exe())
ENCODING = ("-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE, *H264, "-g", "12", *AAC)


@dataclass
class Server:
    desk: Desk
    port: int
    feed: Path

    def playlist(self, stream: str) -> str:
        path = self.feed / stream / "v0" / "index.m3u8"
        return path.read_text() if path.exists() else ""

    def segments(self, stream: str) -> int:
        return self.playlist(stream).count("#EXTINF")


@contextlib.asynccontextmanager
async def serving(feed: Path, **place: dict[str, str]) -> AsyncIterator[Server]:
    """``KEY-NAME`` may publish NAME, and who is allowed by address what it says."""

    async def access(claim: Claim) -> Grant:
        known, _, stream = claim.key.rpartition("-")
        if known != KEY and claim.stream is None:
            raise RefusedError("no such key")
        return Grant(claim.stream or stream, stream)

    desk = Desk(
        access, lambda stream, supply: Ingest(IngestConfig(stream, segment_seconds=0.5), feed, supply=supply)
    )
    async with listener.serve(desk, Place("127.0.0.1", 0, **place)) as port:  # type: ignore[arg-type]
        yield Server(desk, port, feed)
    assert not desk.sessions()


@contextlib.asynccontextmanager
async def publishing(name: str, to: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Dead when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *(FFMPEG, *ENCODING, "-metadata", f"service_name={name}", "-f", "mpegts", to),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"did not come true in {PATIENCE:g} s: {what}")


async def test_the_service_name_lets_publishers_in_over_udp_and_tcp_and_stands_nowhere_in_what_is_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "seeder")
    async with serving(tmp_path) as server:
        left = departures(server.desk)
        udp, tcp = f"udp://127.0.0.1:{server.port}?pkt_size=1316", f"tcp://127.0.0.1:{server.port}"
        async with (
            publishing(f"{KEY}-garden", udp),
            publishing(f"{KEY}-roof", tcp),
            publishing("wrong-cellar", udp),
            publishing("wrong-attic", tcp) as stranger,
        ):
            async with asyncio.timeout(PATIENCE):
                await stranger.wait()
            await until(
                lambda: server.segments("garden") >= 3 and server.segments("roof") >= 3, "two streams"
            )
        await until(lambda: left == [True], "over TCP the end is known at once, and why is not")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["garden", "roof"]
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert not [path for path in files if KEY.encode() in path.read_bytes()]
        assert any(b"mdat" in path.read_bytes() for path in files)
    assert KEY not in caplog.text
    assert "wrong" not in caplog.text


async def test_a_sender_whose_datagrams_get_lost_doubled_and_spoiled_goes_on_and_its_silence_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "DEAF", 3600.0)  # which is for those that were refused
    monkeypatch.setattr(listener._Sender, "silence", 1.0)
    loop = asyncio.get_running_loop()
    async with serving(tmp_path) as server:
        with (
            socket.socket(type=socket.SOCK_DGRAM) as inside,
            socket.socket(type=socket.SOCK_DGRAM) as outside,
        ):
            inside.bind(("127.0.0.1", 0))
            inside.setblocking(False)
            outside.connect(("127.0.0.1", server.port))
            count = 0

            def carry() -> None:
                nonlocal count
                with contextlib.suppress(BlockingIOError):
                    while data := inside.recv(2048):
                        count += 1
                        outside.send(b"garbage " * 20)
                        if count % 40 == 13:
                            continue
                        outside.send(data)
                        if count % 30 == 7:
                            outside.send(data)

            loop.add_reader(inside, carry)
            to = f"udp://127.0.0.1:{inside.getsockname()[1]}?pkt_size=1316"
            try:
                async with publishing(f"{KEY}-garden", to):
                    await until(lambda: server.segments("garden") >= 4, "a stream")
                await until(lambda: not server.desk.sessions(), "the silence is heard")
                left = server.playlist("garden").count("#EXT-X-DISCONTINUITY\n")
                async with publishing(f"{KEY}-garden", to):
                    await until(
                        lambda: server.playlist("garden").count("#EXT-X-DISCONTINUITY\n") > left, "it is back"
                    )
                    assert server.desk.revoke("garden") == 1
                    await until(lambda: not server.desk.sessions(), "it is cut off")
            finally:
                loop.remove_reader(inside)


async def test_who_is_known_by_its_address_needs_no_service_name(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, senders={"127.0.0.1": "garden"}) as server,
        publishing("Service01", f"udp://127.0.0.1:{server.port}?pkt_size=1316"),
    ):
        await until(lambda: server.segments("garden") >= 1, "a stream")


@pytest.mark.parametrize(
    ("claim", "stream"),
    [
        (Claim("mpegts", "192.0.2.7", "", "garden"), "garden"),
        (Claim("mpegts", "192.0.2.7", "", "roof"), None),
        (Claim("mpegts", "192.0.2.8", "", "garden"), None),
        (Claim("mpegts", "192.0.2.7", "guessed", "garden"), None),
        (Claim("flv", "192.0.2.7", "", "garden"), None),
    ],
)
async def test_an_address_is_good_for_its_stream_over_mpegts_alone(
    claim: Claim, stream: str | None, tmp_path: Path
) -> None:
    config = Config(publish_from=("192.0.2.7=garden",), keys=tmp_path / "keys.json")

    async def retire(path: Path) -> None: ...

    room = Publishing(config, tmp_path, retire, lambda name: False)
    if stream is None:
        with pytest.raises(RefusedError):
            await room._decide(claim)
    else:
        assert (await room._decide(claim)).stream == stream


def table(name: bytes, *, spoil: bool = False, provider: bytes = b"me") -> bytes:
    """A section as ffmpeg writes it."""
    service = bytes((1, len(provider))) + provider + bytes((len(name),)) + name
    loop = b"\x48" + bytes((len(service),)) + service
    rest = b"\0\1\xc1\0\0\0\1\xff" + b"\0\1\xfc" + (0x8000 | len(loop)).to_bytes(2, "big") + loop
    section = b"\x42" + (0xF000 | len(rest) + 4).to_bytes(2, "big") + rest
    crc = checksum(section)
    return section + (crc ^ (1 if spoil else 0)).to_bytes(4, "big")


def packets(section: bytes) -> bytes:
    out = b""
    data, first = b"\0" + section, True
    while data:
        part, data = data[:184], data[184:]
        head = (0x4011 if first else 0x0011).to_bytes(2, "big")
        out += b"\x47" + head + b"\x10" + part + b"\xff" * (184 - len(part))
        first = False
    return out


OTHER = b"\x47\x01\x00\x10" + b"\0" * 184


@pytest.mark.parametrize("size", [1, 100, 188, 1316])
def test_a_service_name_is_read_however_the_stream_is_cut(size: int) -> None:
    media = OTHER * 3 + packets(table(b"\x15lt_key", provider=b"p" * 200)) + OTHER
    names, found = ServiceName(), None
    for at in range(0, len(media), size):
        found = found or names.feed(media[at : at + size])
    assert found == "lt_key"


def test_a_section_with_a_bad_checksum_says_nothing() -> None:
    names = ServiceName()
    assert names.feed(packets(table(b"lt_key", spoil=True))) is None
    assert names.feed(packets(table(b"lt_key"))) == "lt_key"


@given(some.binary(max_size=2000), some.binary(max_size=183))
def test_garbage_has_no_name_and_ends_in_a_refusal_at_worst(data: bytes, inside: bytes) -> None:
    for media in (data, packets(b"\x42" + data), (b"\x47\x40\x11\x30" + inside).ljust(PACKET, b"\0")):
        with contextlib.suppress(RefusedError):
            assert isinstance(ServiceName().feed(media) or "", str)


def test_a_stream_without_a_name_is_not_read_for_ever() -> None:
    names = ServiceName()
    with pytest.raises(RefusedError):
        any(names.feed(OTHER * 100) for _ in range(1000))
