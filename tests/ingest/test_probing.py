"""Looking at live inputs: soon, but not so soon that a track is missed."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from seeder.ingest.binary import find
from seeder.ingest.probe import Audio, Probe
from seeder.ingest.probing import ANALYSES, look, may_have_more
from seeder.ingest.sources import classify, published
from seeder.ingest.supply import Supply


def sent(
    ffmpeg: str, path: Path, *, late: float, form: str = "mpegts", gop: int = 25, seconds: int = 8
) -> bytes:
    """What a publisher sends whose sound begins ``late`` seconds after its picture."""
    command = (
        f"-v error -f lavfi -i testsrc2=s=160x90:r=25:d={seconds} -f lavfi -itsoffset {late} "
        f"-i sine=r=44100:d={seconds - late} -c:v libx264 -preset ultrafast -g {gop} -c:a aac -f {form}"
    )
    subprocess.run([ffmpeg, "-y", *command.split(), str(path)], check=True, stdin=subprocess.DEVNULL)
    return path.read_bytes()


async def looked(ffmpeg: str, media: bytes, form: str = "mpegts", share: float = 1.0) -> tuple[object, ...]:
    """What is seen when that much of it has come, and no more comes: audio, GOP, seconds to analyse."""
    supply = Supply("a publisher", form, silence=60)
    await supply.write(media[: int(len(media) * share)])
    async with asyncio.timeout(90):
        probe, complaint = await look(await find(ffmpeg), published("a publisher", form), supply)
    assert complaint == ""
    assert probe.video is not None
    assert probe.video.width == 160
    return probe.audio, probe.longest_gop, probe.analysis


@pytest.mark.parametrize("form", ["mpegts", "flv"])
async def test_two_seconds_of_a_publisher_are_enough(ffmpeg: str, tmp_path: Path, form: str) -> None:
    media = sent(ffmpeg, tmp_path / "media", late=0, form=form)
    audio, gop, analysis = await looked(ffmpeg, media, form, share=0.3)
    assert audio == Audio("aac", "LC")
    assert gop == pytest.approx(1, abs=0.05)
    assert analysis == pytest.approx(1.5, abs=0.05), "a run that starts in the middle sees a key frame"


async def test_sound_that_begins_late_is_waited_for(ffmpeg: str, tmp_path: Path) -> None:
    audio, _, analysis = await looked(ffmpeg, sent(ffmpeg, tmp_path / "media", late=3))
    assert audio == Audio("aac", "LC")
    assert analysis == ANALYSES[-1], "the run that follows has to wait as long"


async def test_a_picture_that_rtmp_announces_late_is_waited_for(ffmpeg: str, tmp_path: Path) -> None:
    film = tmp_path / "film.flv"
    lines = (
        "-v error -f lavfi -i sine=r=44100:d=6 -f lavfi -itsoffset 2 -i testsrc2=s=160x90:r=25:d=4 "
        "-c:v libx264 -preset ultrafast -g 25 -c:a aac -flvflags no_metadata"
    )
    subprocess.run([ffmpeg, *lines.split(), str(film)], check=True, stdin=subprocess.DEVNULL)
    flv = film.read_bytes()
    media = flv[:4] + b"\4" + b"".join(later(flv))  # sound alone, as ffmpeg's RTMP has met it

    async def send(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(media)
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server, asyncio.timeout(90):
        port = server.sockets[0].getsockname()[1]
        source = classify(f"tcp://127.0.0.1:{port}", PurePosixPath("/"))
        probe, complaint = await look(await find(ffmpeg), source)
    assert complaint == ""
    assert probe.audio == Audio("aac", "LC")
    assert probe.video is not None
    assert probe.analysis == ANALYSES[-1]


@pytest.mark.parametrize(
    ("address", "longer"), [("rtmp://host/live/a", True), ("srt://host:1?streamid=a", False)]
)
def test_sound_alone_by_rtmp_is_looked_at_longer_though_its_address_is_hidden(
    address: str, longer: bool
) -> None:
    alone = Probe("concat", None, None, Audio("aac", "LC"))
    assert may_have_more(classify(address, PurePosixPath("/")), alone) is longer


def later(flv: bytes) -> Iterator[bytes]:
    """The picture's header right before its first frame, as a server sends it that waits for a key frame."""
    yield flv[5:13]
    at, kept = 13, b""
    while at + 11 <= len(flv):
        size = int.from_bytes(flv[at + 1 : at + 4], "big") + 15
        tag = flv[at : at + size]
        at += size
        if tag[0] == 9 and tag[12] == 0:  # AVC's sequence header
            kept = tag
            continue
        if tag[0] == 9 and kept:
            yield kept[:4] + tag[4:8] + kept[8:]
            kept = b""
        yield tag
