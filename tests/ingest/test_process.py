from __future__ import annotations

import asyncio
import os
import signal

import pytest

from seeder.errors import IngestError
from seeder.ingest.process import Process, running

TESTSRC = "-v warning -re -f lavfi -i testsrc2=s=64x64:r=10".split()
ENDLESS = [*TESTSRC, "-f", "mpegts", "pipe:1"]


async def read_to_end(process: Process) -> int:
    count = 0
    while data := await process.read():
        count += len(data)
    return count


async def test_asked_to_stop_ffmpeg_writes_its_end_and_exits_well(ffmpeg: str) -> None:
    async with running(ffmpeg, ENDLESS) as process:
        assert await process.read()
        reader = asyncio.create_task(read_to_end(process))
        await process.stop()
        assert await process.wait() == 0
        await reader


async def test_one_that_does_not_listen_is_killed(ffmpeg: str) -> None:
    async with running(ffmpeg, ENDLESS) as process:
        assert await process.read()
        os.kill(process.pid, signal.SIGSTOP)
        await process.stop()
        assert await process.wait() == -signal.SIGKILL


async def test_leaving_the_block_leaves_nothing_behind(ffmpeg: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with running(ffmpeg, ENDLESS) as process:
            raise ZeroDivisionError
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


async def test_complaints_are_kept_masked_and_bounded(ffmpeg: str) -> None:
    async with running(ffmpeg, ["-v", "error", "-i", "http://me:secret@127.0.0.1:1/a?key=hidden"]) as process:
        assert await process.wait() != 0
        text = "\n".join(process.lines)
    assert "refused" in text
    assert "secret" not in text
    assert "hidden" not in text
    script = "i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done; head -c 100000 /dev/zero >&2"
    async with running("/bin/sh", ["-c", script]) as process:
        assert await process.wait() == 0
        assert len(process.lines) <= 20
        assert all(len(line) <= 400 for line in process.lines)


async def test_what_cannot_be_started_is_an_ingest_error() -> None:
    with pytest.raises(IngestError, match="cannot be started"):
        async with running("/nowhere/ffmpeg", []):
            pass
