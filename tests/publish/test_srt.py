"""Publishers over SRT through one port: real ffmpegs, srt-live-transmit and GStreamer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import pytest

from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.publish import Claim, Desk, Grant, RefusedError
from seeder.publish.place import Place
from seeder.publish.srt import handshake, listener
from seeder.publish.srt.handshake import CONCLUSION, INDUCTION, Handshake
from tests.publish.encoder import AAC, H264, PICTURE, TONE, departures

PATIENCE = 90.0
KEY, SECRET = "lt_key0815key0815", "lt_secret4711secret4711"
FFMPEG = str(imageio_ffmpeg.get_ffmpeg_exe())
ENCODING = ("-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE, *H264, "-g", "12", *AAC)


@dataclass
class Server:
    """Takes :data:`KEY` for garden, or whatever stream its publisher names, and :data:`SECRET` as roof's
    passphrase."""

    desk: Desk
    port: int
    feed: Path
    claims: list[Claim] = field(default_factory=list)

    def playlist(self, stream: str) -> str:
        path = self.feed / stream / "v0" / "index.m3u8"
        return path.read_text() if path.exists() else ""

    def segments(self, stream: str) -> int:
        return self.playlist(stream).count("#EXTINF")

    @property
    def processes(self) -> list[str]:
        """Arguments of the processes that we started and that run."""
        return [
            line for pid, line in commands().items() if parent_of(pid) == os.getpid() and "pipe:1" in line
        ]


def commands() -> dict[int, str]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def parent_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    claims: list[Claim] = []

    async def access(claim: Claim) -> Grant:
        claims.append(claim)
        if claim.key not in (KEY, SECRET):
            raise RefusedError("no such key")
        return Grant(claim.stream or "garden", "k1")

    desk = Desk(
        access,
        lambda stream, supply: Ingest(IngestConfig(stream, segment_seconds=0.5), tmp_path, supply=supply),
    )
    place = Place("127.0.0.1", 0, passphrase={"roof": SECRET}.get)
    async with listener.serve(desk, place) as port:
        yield Server(desk, port, tmp_path, claims)
    assert not desk.sessions()


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Dead when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


def publishing(port: int, query: str) -> contextlib.AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """It waits longer than libsrt's three seconds: the machine may be busy."""
    to = f"srt://127.0.0.1:{port}?{query}&connect_timeout=60000"
    return running(FFMPEG, *ENCODING, "-f", "mpegts", to)


async def until(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"did not come true in {PATIENCE:g} s: {what}")


async def words(process: asyncio.subprocess.Process) -> str:
    """What it says before it gives up."""
    async with asyncio.timeout(PATIENCE):
        _, said = await process.communicate()
    assert process.returncode != 0
    return said.decode()


async def test_two_publish_through_one_port_and_who_has_no_key_is_told_so(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "seeder")
    left = departures(server.desk)
    async with (
        publishing(server.port, f"streamid={KEY}") as one,
        publishing(server.port, f"streamid=roof&passphrase={SECRET}") as two,
    ):
        await until(lambda: len(server.processes) >= 2, "two private ends")
        before = len(server.claims)
        answers = {
            "streamid=wrongwrongwrong": "PREDEFINED:401",
            "streamid=roof&passphrase=wrongwrongwrong": "BADSECRET",
            f"streamid=yard&passphrase={SECRET}": "BADSECRET",  # nobody learns which streams there are
            f"streamid=%23!::r=garden,s={KEY},m=request": "PREDEFINED:405",
        }

        async def refused(query: str) -> str:
            async with publishing(server.port, query) as stranger:
                return await words(stranger)

        heard = await asyncio.gather(*map(refused, answers))
        assert all(code in said for code, said in zip(answers.values(), heard, strict=True)), heard
        assert len(server.claims) == before + 1, "wrong passphrases do not come as far as the desk"
        await until(lambda: server.segments("garden") >= 3 and server.segments("roof") >= 3, "both streams")
        ours = server.processes
        assert {session.stream for session in server.desk.sessions()} == {"garden", "roof"}
        for camera in (one, two):
            camera.send_signal(signal.SIGINT)
        await until(lambda: not server.desk.sessions(), "both have left")
        assert left == [False, False], "and have said so"
    assert ours
    assert not [line for line in ours if SECRET in line or KEY in line]
    assert sorted(path.name for path in server.feed.iterdir()) == ["garden", "roof"]
    assert not [secret for secret in (KEY, SECRET, "wrongwrong") if secret in caplog.text]


async def test_a_publisher_that_was_killed_returns_into_its_stream_until_its_key_is_revoked(
    server: Server,
) -> None:
    left = departures(server.desk)
    async with publishing(server.port, f"streamid=publish:garden:{KEY}") as camera:
        await until(lambda: server.segments("garden") >= 2, "a stream")
        camera.kill()
        await camera.wait()
    # It is back before its connection counts as lost, which takes libsrt five seconds.
    await asyncio.sleep(listener.SILENT + 0.2)
    async with publishing(server.port, f"streamid=publish:garden:{KEY}") as camera:
        await until(lambda: "#EXT-X-DISCONTINUITY\n" in server.playlist("garden"), "the stream goes on")
        assert "#EXT-X-MEDIA-SEQUENCE:0" in server.playlist("garden") or server.segments("garden") >= 3
        assert server.desk.revoke("k1") == 1
        assert await words(camera), "a publisher that is cut off hears of it"
    await until(lambda: not server.processes, "nothing is left")
    assert left == [True, False]


async def test_a_second_publisher_takes_over_but_not_one_that_has_given_up(server: Server) -> None:
    async with publishing(server.port, f"streamid={KEY}") as first:
        await until(lambda: server.segments("garden") >= 1, "a stream")
        (session,) = server.desk.sessions()
        caller = Caller(server.port)
        caller.send(asking(INDUCTION))
        caller.send(asking(CONCLUSION, (await caller.answer()).cookie, KEY))  # once, and never again
        await until(lambda: len(server.claims) == 2, "it is heard")
        await until(lambda: not server.desk._coming, "nobody waits any more")
        caller.close()
        assert server.desk.sessions() == (session,)
        async with publishing(server.port, f"streamid={KEY}") as second:
            assert await words(first), "it is told"
            await until(lambda: "#EXT-X-DISCONTINUITY\n" in server.playlist("garden"), "the stream goes on")
            assert second.returncode is None


CALLERS = {
    "srt-live-transmit": "{ffmpeg} -f mpegts udp://127.0.0.1:{udp}?pkt_size=1316 & "
    "exec srt-live-transmit udp://127.0.0.1:{udp} '{to}?streamid=#!::r=garden,s={key},m=publish' >&2",
    "gst-launch-1.0": "exec gst-launch-1.0 -q videotestsrc is-live=true "
    "! video/x-raw,format=I420,width=160,height=90 "
    "! x264enc tune=zerolatency key-int-max=15 ! mpegtsmux ! srtsink uri='{to}?mode=caller' streamid={key}",
}


@pytest.mark.parametrize("tool", CALLERS)
async def test_other_tools_publish_too(tool: str, server: Server) -> None:
    if shutil.which(tool) is None:
        pytest.skip(
            f"{tool} is not installed (Debian's srt-tools, gstreamer1.0-tools with -good, -bad and -ugly)"
        )
    if tool.startswith("gst"):
        async with running("gst-inspect-1.0", "--exists", "srtsink") as asked:
            if await asked.wait():
                pytest.skip("GStreamer has no srtsink (Debian's gstreamer1.0-plugins-bad)")
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        udp = probe.getsockname()[1]
    ffmpeg = " ".join((FFMPEG, *ENCODING)).replace("(", "\\(").replace(")", "\\)")
    line = CALLERS[tool].format(ffmpeg=ffmpeg, udp=udp, to=f"srt://127.0.0.1:{server.port}", key=KEY)
    async with running("sh", "-c", line):
        await until(lambda: server.segments("garden") >= 2, "a stream")
        (session,) = server.desk.sessions()
        assert session.claim.stream == ("garden" if tool.startswith("srt") else None)


class Caller:
    """Our own, which says what it likes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    async def answer(self) -> Handshake:
        async with asyncio.timeout(PATIENCE):
            data = await asyncio.get_running_loop().sock_recv(self._socket, 2048)
        shake = handshake.read(data)
        assert shake is not None
        return shake

    def answers(self) -> int:
        """Those that wait to be read; read."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(2048):
                count += 1
        return count

    def close(self) -> None:
        self._socket.close()


def asking(kind: int, cookie: int = 0, stream_id: str = "") -> bytes:
    rest = b""
    if stream_id:
        raw = stream_id.encode() + bytes(-len(stream_id) % 4)
        turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
        rest = struct.pack(">HH", handshake.STREAM_ID, len(turned) // 4) + turned
    return handshake.written(Handshake(0, 0, 5, 5, 1, 1500, 8192, kind, 77, cookie, bytes(16), rest))


async def test_strangers_cost_nothing(server: Server) -> None:
    caller = Caller(server.port)
    try:
        for size in (0, 1, 15, 16, 63, 64, 1400):
            for first in (b"\x80\x00\x00\x00", b"\x00\x00\x00\x00", b"\xff"):
                caller.send((first + os.urandom(1400))[:size])
        caller.send(asking(CONCLUSION, cookie=12345, stream_id=KEY))  # never asked for one
        asked = asking(INDUCTION)
        caller.send(asked)
        answer = await caller.answer()
        assert (answer.kind, answer.version, answer.flags, answer.to) == (INDUCTION, 5, handshake.MAGIC, 77)
        assert len(handshake.written(answer)) <= len(asked), "no amplifier"
        assert not server.claims
        for _ in range(500):
            caller.send(asked)
        caller.send(asking(CONCLUSION, answer.cookie, "wrong"))
        last = [await caller.answer()]
        while last[-1].kind == INDUCTION:
            last.append(await caller.answer())
        assert last[-1].failure == 1401
        assert len(last) <= 2 * listener.MOST_INDUCTIONS + 2, "a flood is not answered in full"
        for _ in range(100):
            caller.send(asking(CONCLUSION, answer.cookie, "wrong"))
            await asyncio.sleep(0)
        await until(lambda: caller.answers() == 0, "it has heard us all")
        assert 1 <= len(server.claims) <= 2 * listener.MOST_CLAIMS + 2, (
            "the desk is asked a few times a second"
        )
        assert not server.processes
        assert not list(server.feed.iterdir())
    finally:
        caller.close()
