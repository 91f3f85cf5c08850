"""A publisher: a real ffmpeg that encodes a test picture and a tone, as a listener would read it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import imageio_ffmpeg

from seeder.ingest.supply import Supply
from seeder.publish.claim import RefusedError
from seeder.publish.desk import Desk, Session

PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "64k")
CHUNK = 188 * 7
"""Bytes: what MPEG-TS over UDP has in a datagram; a decoder can start with any."""


def departures(desk: Desk) -> list[bool]:
    """Of each publisher that leaves from now on, in turn: whether it was lost."""
    left: list[bool] = []
    before = desk.told

    def told(session: Session, error: RefusedError | None, began: bool) -> None:
        before(session, error, began)
        if not began:
            left.append(session.lost(error))

    desk.told = told
    return left


class Encoder:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def read_into(self, supply: Supply) -> None:
        """What a listener's reading does: until the encoder ends."""
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(CHUNK * 8):
            await supply.write(data)

    def kill(self) -> None:
        """-9: without a last word."""
        self._process.send_signal(signal.SIGKILL)


@asynccontextmanager
async def encoder(*, video: bool = True, audio: bool = True, seconds: float = 300) -> AsyncIterator[Encoder]:
    """In real time, as MPEG-TS with two key frames a second; dead when the block is left."""
    command = [
        *(str(imageio_ffmpeg.get_ffmpeg_exe()), "-nostdin", "-v", "error", "-re"),
        *(PICTURE if video else ()),
        *(("-re", *TONE) if audio and video else TONE if audio else ()),
        *("-t", str(seconds), *((*H264, "-g", "12") if video else ()), *(AAC if audio else ())),
        *("-muxdelay", "0", "-flush_packets", "1", "-f", "mpegts", "pipe:1"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Encoder(process)
    finally:
        # Kills it; who still reads comes to the end. A stream of asyncio's has room for one reader alone.
        process._transport.close()  # type: ignore[attr-defined]
        await process.wait()
