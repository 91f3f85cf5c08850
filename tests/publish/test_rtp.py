"""RTP that a real ffmpeg sent reaches a real ffmpeg over a bridge, and becomes segments."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from seeder.ingest import sources
from seeder.ingest.binary import find
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.probing import look
from seeder.publish.claim import RefusedError
from seeder.publish.rtp import Bridge, Track, bridged, describe

PATIENCE = 60.0
H264 = "-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -keyint_min 25"
B_FRAMES = "-c:v libx264 -preset veryfast -bf 2 -g 25 -keyint_min 25"
VP8 = "-c:v libvpx -deadline realtime -cpu-used 8 -g 25"
AAC, OPUS = "-c:a aac", "-c:a libopus -b:a 48k"
SECONDS = 3


@dataclass
class Recording:
    """What an ffmpeg sent: (track, packet), in its order of arrival."""

    tracks: list[Track]
    packets: list[tuple[int, bytes]]

    def play(self, to: Bridge) -> None:
        for track, packet in self.packets:
            (to.rtcp if 192 <= packet[1] <= 223 else to.rtp)(track, packet)


Record = Callable[[str, str], Recording]


@pytest.fixture(scope="session")
def record(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """``record(VP8, OPUS)``: three seconds, as ffmpeg sends them by RTP."""

    def make(video: str, audio: str) -> Recording:
        sdp = tmp_path_factory.mktemp("rtp") / "sdp"
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in "va"]
            for each in sockets:
                each.bind(("127.0.0.1", 0))
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            # RTCP to RTP's port, as WebRTC has it
            to = [f"rtp://127.0.0.1:{s.getsockname()[1]}?rtcpport={s.getsockname()[1]}" for s in sockets]
            graph = f"testsrc2=s=160x90:r=25:d={SECONDS}[out0];sine=f=440:r=48000:d={SECONDS}[out1]"
            command = [
                *(ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", graph, "-sdp_file", str(sdp)),
                *(
                    "-map",
                    "0:v",
                    *video.split(),
                    "-flags",
                    "+global_header",
                    "-b:v",
                    "200k",
                    "-f",
                    "rtp",
                    to[0],
                ),
                *("-map", "0:a", "-ac", "2", *audio.split(), "-f", "rtp", to[1]),
            ]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
            packets = [(track, packet) for track in (0, 1) for packet in received(sockets[track])]
        return Recording(parse(sdp.read_text()), packets)

    return make


def received(source: socket.socket) -> list[bytes]:
    packets = []
    source.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            packets.append(source.recv(1 << 16))
    return packets


def parse(sdp: str) -> list[Track]:
    tracks = []
    for media in re.split(r"(?m)^m=", sdp)[1:]:
        found = re.search(r"rtpmap:(\d+) ([\w-]+)/(\d+)(?:/(\d))?", media)
        assert found is not None, media
        fmtp = re.search(r"fmtp:\d+ (.*)", media)
        kind: Literal["video", "audio"] = "video" if media.startswith("video") else "audio"
        number, codec, clock, channels = found.groups()
        parameters = fmtp[1].strip() if fmtp else ""
        tracks.append(Track(kind, codec, int(number), int(clock), parameters, int(channels or 1)))
    return tracks


@contextlib.asynccontextmanager
async def running(feed: Path, to: Bridge) -> AsyncIterator[tuple[Ingest, asyncio.Task[None]]]:
    ingest = Ingest(IngestConfig("talk", segment_seconds=1, stall_seconds=30), feed, supply=to.supply)
    task = asyncio.create_task(ingest.run())
    try:
        yield ingest, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def seconds(feed: Path) -> float:
    """Listed."""
    text = (feed / "talk" / "v0" / "index.m3u8").read_text()
    return sum(float(extinf) for extinf in re.findall(r"#EXTINF:([\d.]+)", text))


@pytest.mark.parametrize(
    ("video", "audio", "mode"),
    [(H264, AAC, "copy"), (B_FRAMES, AAC, "copy"), (H264, OPUS, "copy"), (VP8, OPUS, "encode")],
    ids=["H.264 and AAC", "B frames", "H.264 and Opus", "VP8 and Opus"],
)
async def test_all_that_was_sent_is_published_to_the_last_frame(
    video: str, audio: str, mode: str, record: Record, feed_dir: Path
) -> None:
    recording = record(video, audio)
    assert len(recording.tracks) == 2
    async with bridged("RTP", recording.tracks) as to, running(feed_dir, to) as (ingest, task):
        recording.play(to)
        await to.supply.end()
        await asyncio.wait_for(task, PATIENCE)
        assert to.dropped == 0
    assert (ingest.status().mode, ingest.status().restarts) == (mode, 0)
    # With B frames, nobody knows the decoding times of the first GOP.
    assert seconds(feed_dir) == pytest.approx(SECONDS - (video == B_FRAMES), abs=0.1)
    codecs = (feed_dir / "talk" / "master.m3u8").read_text()
    assert "avc1." in codecs
    assert "mp4a.40.2" in codecs


async def test_an_ffmpeg_that_was_killed_is_followed_by_one_at_the_same_ports(
    record: Record, feed_dir: Path
) -> None:
    recording = record(H264, AAC)
    async with bridged("RTP", recording.tracks) as to, running(feed_dir, to) as (ingest, task):
        recording.play(to)
        async with asyncio.timeout(PATIENCE):
            while not ingest.status().segments:
                await asyncio.sleep(0.05)
        assert ingest.pid is not None
        os.kill(ingest.pid, 9)
        async with asyncio.timeout(PATIENCE):
            while not ingest.status().last_error:
                await asyncio.sleep(0.01)
            before = ingest.status().segments
            recording.play(to)  # nobody listens yet
            await to.supply.end()
            await task
    assert ingest.status().restarts == 1
    assert ingest.status().segments >= before + SECONDS - 1


async def test_nobody_but_the_bridge_can_send_to_the_ffmpeg(ffmpeg: str, record: Record) -> None:
    recording = record(H264, OPUS)
    async with bridged("RTP", recording.tracks) as to:
        listens = asyncio.Event()
        to.on_listener = listens.set
        source = sources.published("RTP", to.supply.format, to.supply.options)
        looking = asyncio.create_task(look(await find(ffmpeg), source, to.supply))
        await asyncio.wait_for(listens.wait(), PATIENCE)
        ports = [int(port) for port in re.findall(rb"m=\w+ (\d+) ", to.supply.head)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            with pytest.raises(OSError, match="in use"):
                stranger.bind(("", ports[0]))
            for track, packet in recording.packets:
                stranger.sendto(packet, ("127.0.0.1", ports[track]))
        await to.supply.end()
        probe, _ = await asyncio.wait_for(looking, PATIENCE)
    assert probe.video is not None, "it has the SDP"
    assert probe.video.width == 0, "and saw no picture"


async def test_a_packet_that_is_too_large_is_dropped(record: Record) -> None:
    async with bridged("RTP", record(H264, OPUS).tracks) as to:
        to.rtp(0, b"\x80\x60" + bytes(60_000))
        assert to.dropped == 1


def test_the_sdp_names_each_track_at_its_port() -> None:
    tracks = [
        Track("video", "H264", 96, 90_000, "packetization-mode=1"),
        Track("audio", "opus", 111, 48_000, channels=2),
    ]
    assert describe(tracks, [10_000, 10_002], "127.0.0.2").decode().splitlines() == [
        *("v=0", "o=- 0 0 IN IP4 127.0.0.2", "s=-", "c=IN IP4 127.0.0.2", "t=0 0"),
        *("m=video 10000 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1"),
        *("m=audio 10002 RTP/AVP 111", "a=rtpmap:111 opus/48000/2"),
    ]


@pytest.mark.parametrize(
    ("codec", "payload_type", "clock", "fmtp"),
    [
        ("H264\r\na=x", 96, 90_000, ""),
        ("theora", 96, 90_000, ""),
        ("H264", 128, 90_000, ""),
        ("H264", 96, 0, ""),
        ("H264", 96, 90_000, "x\r\nm=audio 80 RTP/AVP 0"),
        ("H264", 96, 90_000, "x" * 5000),
    ],
)
def test_what_a_publisher_says_adds_no_line_to_the_sdp(
    codec: str, payload_type: int, clock: int, fmtp: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        Track("video", codec, payload_type, clock, fmtp)
    assert refused.value.status == 415
    assert "\n" not in str(refused.value)
