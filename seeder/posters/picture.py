"""One picture out of a piece of media, by one ffmpeg."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

from seeder.ingest.process import Process, running

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

LARGEST = 100_000
"""Bytes of a poster: a page shows dozens."""
MOST_INPUT = 8 << 20
"""Bytes of a segment that ffmpeg is given: a key frame of 4K has one or two million."""
SECONDS = 20.0
"""For one ffmpeg: 0.05 on an idle machine. It is the last in line for the processor."""
MEMORY = 2 << 30
"""Bytes of address space for one ffmpeg: with pictures of 4K it takes a fifth of it."""
PIXELS = 4096 * 2304
"""Of a picture at most: a stream may claim any size, and a decoder sets aside some twenty of them."""
TRIES = ((640, 4), (640, 12), (640, 31), (320, 31))
"""The longest side in pixels (a card on a sharp screen) and ffmpeg's quality for JPEG (fine, poor, poorest):
the next where a picture is too large; confetti is."""
CODECS = "h264,hevc,libdav1d,av1,vp9,libvpx-vp9,vp8,libvpx,mpeg4,mpeg2video"
"""Decoders that may be started: what HLS carries, not the hundreds that ffmpeg has."""
NICE = 10
"""Behind all else, but not for ever: beside eight that encode, 19 would get a tenth of a percent."""

log = logging.getLogger(__name__)


def form(data: bytes) -> str | None:
    """ffmpeg's name for what the media is in; ``None``: nothing that has pictures. Pure."""
    if data[:1] == b"\x47" and data[188:189] in (b"\x47", b""):
        return "mpegts"
    return "mp4" if data[4:8] in (b"ftyp", b"styp", b"moov", b"moof") else None


def arguments(form: str, side: int, quality: int) -> list[str]:
    """ffmpeg's, for the first key frame of its standard input as JPEG on its standard output. Pure."""
    # As it is to be seen: pixels need not be square. Whatever a stream claims, neither side is longer.
    wide = f"max(2,2*trunc(min({side},min({side}*dar,iw*sar))/2))"
    high = f"max(2,2*trunc(min({side},min({side}/dar,ih))/2))"
    return [
        "-hide_banner", "-nostats", "-loglevel", "error",
        # Media can name files and addresses for ffmpeg to open: none but its standard input is.
        "-protocol_whitelist", "pipe", "-codec_whitelist", CODECS,
        "-max_pixels", str(PIXELS), "-threads", "1", "-skip_frame", "nokey",
        "-f", form, "-i", "pipe:0",
        "-map", "0:V:0", "-frames:v", "1", "-an", "-sn", "-dn", "-map_metadata", "-1",
        "-vf", f"scale=w='{wide}':h='{high}':out_range=full,setsar=1,format=yuvj420p",
        "-threads", "1", "-c:v", "mjpeg", "-q:v", str(quality),
        "-f", "image2pipe", "pipe:1",
    ]  # fmt: skip


async def jpeg(ffmpeg: str, media: bytes) -> bytes:
    """The first key frame of ``media`` (an init section and a segment, or part of one) as JPEG; empty when
    nothing comes of it. Cancelling is safe."""
    kind = form(media)
    if kind is None:
        return b""
    data = b""
    for side, quality in TRIES:
        data = await _run(ffmpeg, arguments(kind, side, quality), media)
        if len(data) <= LARGEST:
            return data
    return b""


async def _run(ffmpeg: str, given: list[str], media: bytes) -> bytes:
    out = bytearray()
    try:
        async with asyncio.timeout(SECONDS), running(ffmpeg, given) as process:
            _confine(process.pid)
            feeding = asyncio.create_task(_feed(process, media))
            try:
                while len(out) <= 8 * LARGEST and (data := await process.read()):
                    out += data
                await process.wait()
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            if not out and process.lines:
                log.debug("no poster: %s", process.lines[-1])
    except TimeoutError:
        log.info("no poster: ffmpeg came to no end in %g s", SECONDS)
        return b""
    return bytes(out)


async def _feed(process: Process, media: bytes) -> None:
    with contextlib.suppress(OSError):  # it has its picture, and is gone
        await process.write(media)
    process.end_input()


def _confine(pid: int) -> None:
    """What it is from now on, threads it will start included; it has read nothing yet."""
    with contextlib.suppress(OSError, AttributeError):  # it is gone already; a system without this
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
    with contextlib.suppress(OSError, AttributeError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
