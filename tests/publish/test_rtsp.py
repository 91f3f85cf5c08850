"""RTSP from real publishers (ffmpeg, GStreamer), and from those who are none."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import pytest

from seeder import service
from seeder.config import Config, Plan
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.supply import Supply
from seeder.publish import Claim, Desk, Grant, RefusedError
from seeder.publish.place import Place
from seeder.publish.room import Publishing
from seeder.publish.rtp import bridge
from seeder.publish.rtsp import listener
from seeder.publish.rtsp.ports import Receiver
from tests.publish.encoder import AAC, H264, PICTURE, TONE, departures

PATIENCE = 90.0
KEY = "a-secret-key"
SDP = "v=0\r\nm=audio 0 RTP/AVP 0\r\na=control:streamid=0\r\n"


async def access(claim: Claim) -> Grant:
    if claim.key != KEY:
        raise RefusedError("no such key")
    return Grant("garden", "k1")


@dataclass
class Door:
    """A listener with nothing behind but ingests."""

    desk: Desk
    feed: Path
    port: int

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live/{KEY}"

    def playlist(self) -> str:
        path = self.feed / "garden" / "v0" / "index.m3u8"
        return path.read_text() if path.exists() else ""

    def segments(self) -> int:
        """Published so far."""
        number = re.search(r"MEDIA-SEQUENCE:(\d+)", self.playlist())
        return (int(number[1]) if number else 0) + self.playlist().count("#EXTINF")

    def mode(self) -> str:
        return next((status.mode for s in self.desk.sessions() if (status := s.status())), "")


@pytest.fixture
async def door(feed_dir: Path) -> AsyncIterator[Door]:
    desk = Desk(
        access,
        lambda stream, supply: Ingest(IngestConfig(stream, segment_seconds=1), feed_dir, supply=supply),
    )
    async with listener.serve(desk, Place("127.0.0.1", 0)) as port:
        yield Door(desk, feed_dir, port)


@asynccontextmanager
async def started(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def ffmpeg(url: str, transport: str = "tcp", *further: str) -> tuple[str, ...]:
    return (
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE),
        *(*H264, *AAC, *further, "-f", "rtsp", "-rtsp_transport", transport, url),
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)


async def test_a_publisher_is_watched_over_http_dies_comes_back_and_is_revoked(
    feed_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def decide(self: Publishing, claim: Claim) -> Grant:
        return await access(claim)

    monkeypatch.setattr(Publishing, "_decide", decide)
    caplog.set_level("DEBUG", "seeder")
    config = Config(port=0, segment_seconds=1.0, publish=("rtsp:0",))
    async with service.running(Plan(config, feed_dir)) as running:
        ((_, port),) = running.published
        desk = running.desk
        assert desk is not None
        left = departures(desk)

        def segments() -> int:
            view = running.library.stream("garden")
            return view.segments if view else 0

        async with started(*ffmpeg(f"rtsp://127.0.0.1:{port}/live/wrong")) as stranger:
            _, words = await asyncio.wait_for(stranger.communicate(), PATIENCE)
            assert b"401 (no such key)" in words, "its tool says why"
        url = f"rtsp://me:{KEY}@127.0.0.1:{port}/garden"  # as Basic, once it is asked
        async with started(*ffmpeg(url)) as camera:
            await until(lambda: segments() >= 2)
            camera.send_signal(signal.SIGKILL)
        await until(lambda: not desk.sessions())
        before = segments()
        async with started(*ffmpeg(f"rtsp://127.0.0.1:{port}/garden?key={KEY}")) as camera:
            await until(lambda: segments() >= before + 1)
            found = await asyncio.to_thread(
                subprocess.run,
                [
                    imageio_ffmpeg.get_ffmpeg_exe(),
                    "-nostdin",
                    "-i",
                    f"{running.address}/live/garden/master.m3u8",
                ],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            assert re.search(r"Video: h264.*160x90", found.stderr), found.stderr
            assert "Audio: aac" in found.stderr
            assert desk.revoke("k1") == 1
            await asyncio.wait_for(camera.wait(), PATIENCE)
        await until(lambda: not desk.sessions())
        assert left == [True, False]
    assert (feed_dir / "garden" / "v0" / "index.m3u8").read_text().count("DISCONTINUITY\n") == 1
    assert "video copy, audio copy" in caplog.text
    assert KEY not in caplog.text


async def test_a_stream_goes_on_where_udp_loses_packets(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = 0
    received = Receiver.datagram_received

    def lossy(self: Receiver, data: bytes, addr: tuple[str | object, int]) -> None:
        nonlocal lost
        if data[3] % 40 == 7:  # by sequence number
            lost += 1
        else:
            received(self, data, addr)

    monkeypatch.setattr(Receiver, "datagram_received", lossy)
    left = departures(door.desk)
    # Key frames so often that where one is lost the next comes in time.
    async with started(*ffmpeg(door.url, "udp", "-g", "10")) as camera:
        await until(lambda: door.segments() >= 3 and lost > 3)
        assert door.mode() == "copy"
        assert door.desk.sessions()[0].status().restarts == 0  # type: ignore[union-attr]
        camera.send_signal(signal.SIGINT)
        await asyncio.wait_for(camera.wait(), PATIENCE)
    await until(lambda: not door.desk.sessions())
    assert lost > 3
    assert left == [False], "ffmpeg said TEARDOWN"
    assert "DISCONTINUITY\n" not in door.playlist()


async def test_what_comes_from_elsewhere_is_not_the_publishers() -> None:
    taken: list[bytes] = []
    receiver = Receiver("192.0.2.1")
    receiver.take = taken.append
    for data, addr in ((b"a", ("192.0.2.2", 5000)), (b"b", ("192.0.2.1", 5000)), (b"c", ("192.0.2.1", 5001))):
        receiver.datagram_received(data, addr)
    assert taken == [b"b"]


async def test_gstreamer_publishes(door: Door) -> None:
    if (
        not shutil.which("gst-launch-1.0")
        or subprocess.run(
            ["gst-inspect-1.0", "rtspclientsink"], capture_output=True, timeout=PATIENCE
        ).returncode
    ):
        pytest.skip("no rtspclientsink: install gstreamer1.0-rtsp and gstreamer1.0-tools")
    pipeline = (
        "videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=25/1 ! "
        "x264enc tune=zerolatency key-int-max=25 ! s.sink_0 "
        "audiotestsrc is-live=true ! audioconvert ! avenc_aac ! s.sink_1 "
        f"rtspclientsink name=s location={door.url}"
    )
    async with started("gst-launch-1.0", *pipeline.split()):
        await until(lambda: door.segments() >= 2)
        assert door.mode() == "copy", "its AAC comes as LATM"
    master = (door.feed / "garden" / "master.m3u8").read_text()
    assert re.search(r'CODECS="avc1\.\w+,mp4a\.40\.2".*FRAME-RATE=2[45]\.', master), master


async def test_sound_alone_is_a_stream(door: Door) -> None:
    output = ("-c:a", "libopus", "-f", "rtsp", "-rtsp_transport", "tcp", door.url)
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", *TONE, "-t", "2", *output)
    async with started(*command) as microphone:
        _, words = await asyncio.wait_for(microphone.communicate(), PATIENCE)
        assert microphone.returncode == 0, words
    await until(lambda: not door.desk.sessions())
    listed = [float(seconds) for seconds in re.findall(r"#EXTINF:([\d.]+)", door.playlist())]
    assert sum(listed) == pytest.approx(2, abs=0.2)


# ------------------------------------------------------------------------------------------ by hand


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, method: str, path: str = f"/live/{KEY}", body: str = "", **headers: str) -> str:
        """The answer's head."""
        lines = [f"{method} rtsp://127.0.0.1{path} RTSP/1.0", "CSeq: 9"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", body]).encode())
        return await self.answer()

    async def answer(self) -> str:
        async with asyncio.timeout(PATIENCE):
            return (await self.reader.readuntil(b"\r\n\r\n")).decode()

    async def closed(self) -> bytes:
        """What is left until the other side closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()


@pytest.fixture
async def client(door: Door) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    yield Client(reader, writer)
    writer.close()


async def test_what_is_out_of_turn_is_said_to_be(client: Client) -> None:
    assert "200 OK\r\nCSeq: 9" in await client.ask("OPTIONS")
    assert "455 ANNOUNCE comes first" in await client.ask("SETUP")
    assert "405 streams are published here" in await client.ask("DESCRIBE")
    assert "501 " in await client.ask("REDIRECT")
    assert "200 OK" in await client.ask("ANNOUNCE", body=SDP)
    assert "455 " in await client.ask("RECORD")
    assert "404 " in await client.ask("SETUP", "/live/other", Transport="RTP/AVP/TCP")
    assert "461 " in await client.ask("SETUP", f"/live/{KEY}/streamid=0", Transport="RTP/AVP;multicast")
    done = await client.ask("SETUP", f"/live/{KEY}/streamid=0", Transport="RTP/AVP/TCP;unicast;mode=record")
    assert "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record" in done
    assert "454 " in await client.ask("RECORD", Session="another")
    assert "405 " in await client.ask("PLAY")
    assert "200 OK" in await client.ask("TEARDOWN")
    assert await client.closed() == b""


async def test_requests_that_come_at_once_are_answered_in_turn(client: Client) -> None:
    base = f"rtsp://127.0.0.1/live/{KEY}"
    client.writer.write(
        f"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
        f"ANNOUNCE {base} RTSP/1.0\r\nCSeq: 2\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
        f"SETUP {base}/streamid=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=4-5\r\n\r\n"
        f"RECORD {base} RTSP/1.0\r\nCSeq: 4\r\n\r\n$\x04\x00\x01x"
        f"GET_PARAMETER {base} RTSP/1.0\r\nCSeq: 5\r\n\r\n"
        f"TEARDOWN {base} RTSP/1.0\r\nCSeq: 6\r\n\r\n".encode("latin-1")
    )
    for number in range(1, 7):
        assert f"200 OK\r\nCSeq: {number}\r\n" in await client.answer()


async def test_a_wrong_key_is_refused_before_the_sdp_is_read(client: Client, door: Door) -> None:
    for _ in range(listener.TRIES):
        refused = await client.ask("ANNOUNCE", "/live/wrong", body="no SDP")
        assert "401 no such key" in refused
        assert "WWW-Authenticate: Basic" in refused
    assert await client.closed() == b""
    assert not door.desk.sessions()


async def test_media_that_cannot_be_used_is_refused_with_the_reason(client: Client) -> None:
    sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 theora/90000\r\n"
    assert "415 video as theora cannot be used: send H.264 or VP8" in await client.ask("ANNOUNCE", body=sdp)
    assert await client.closed() == b""


async def test_media_that_cannot_be_used_costs_nobody_the_stream(client: Client, door: Door) -> None:
    async with door.desk.admit(Claim("rtmp", "192.0.2.7", KEY)) as session:
        assert "400 ANNOUNCE needs an SDP" in await client.ask("ANNOUNCE", body="no SDP")
        assert door.desk.sessions() == (session,)


async def test_garbage_is_answered_and_closed(client: Client) -> None:
    client.writer.write(b"\x16\x03\x01" + bytes(100))
    assert (await client.closed()).startswith(b"RTSP/1.0 400 not RTSP")


@pytest.mark.parametrize("after", ["half a request", "ANNOUNCE"])
async def test_who_falls_silent_is_let_go(after: str, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "SECONDS", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    client = Client(reader, writer)
    if after == "ANNOUNCE":
        assert "200 OK" in await client.ask("ANNOUNCE", body=SDP)
    else:
        client.writer.write(b"ANNOUNCE rtsp://127.0.0.1/live/")
    assert await client.closed() == b""
    writer.close()
    await until(lambda: not door.desk.sessions())


async def test_who_records_nothing_is_told_so_and_not_that_its_media_is_bad(
    client: Client, door: Door, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bridge, "Supply", partial(Supply, silence=0.5))
    assert "200 OK" in await client.ask("ANNOUNCE", body=SDP)
    assert "200 OK" in await client.ask("SETUP", f"/live/{KEY}/streamid=0", Transport="RTP/AVP/TCP;unicast")
    assert "200 OK" in await client.ask("RECORD")
    assert await client.closed() == b""
    await until(lambda: not door.desk.sessions())
    assert "cut off: no media for 0.5 s" in caplog.text
