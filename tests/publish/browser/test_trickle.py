"""A line on which media only trickles, or stands for a while: what comes late is late, and not lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seeder.stream_config import StreamConfig
from tests.publish.browser.made import made
from tests.publish.browser.page import on_air
from tests.publish.browser.test_talk import seconds, stopped_ffmpeg
from tests.publish.studio import studio, until


async def test_a_slow_line_costs_time_and_no_media(tmp_path: Path) -> None:
    slow = (StreamConfig("slow", stall_seconds=1),)
    async with studio(tmp_path, "browser", window=100, streams=slow) as here, on_air(here, "slow") as one:
        film = made("h264", 6.0)
        half = len(film) // 2
        await one.send(film[:half])
        await one.hears("live")
        for at in range(half, half + 30, 5):  # of a frame: next to nothing
            await one.send(film[at : at + 5])
            await asyncio.sleep(0.5)
        await one.send(film[half + 30 :])
        await one.say("stop")
        assert await one.over() == 1000
        playlist = here.playlist("slow")
    assert "#EXT-X-DISCONTINUITY\n" not in playlist
    assert sum(seconds(playlist)) == pytest.approx(6, abs=0.1)


async def test_an_ffmpeg_that_takes_what_comes_and_gives_nothing_is_replaced(tmp_path: Path) -> None:
    stuck = (StreamConfig("stuck", stall_seconds=1),)
    async with studio(tmp_path, "browser", window=100, streams=stuck) as here, on_air(here, "stuck") as one:
        film = made("h264", 40.0)
        step = len(film) // 200  # of a fifth of a second
        await one.send(film[: 15 * step])
        await one.hears("live")
        async with stopped_ffmpeg(here) as ingest:
            for at in range(15 * step, len(film), step):
                await one.send(film[at : at + step])
                await asyncio.sleep(0.2)
                if ingest.status().restarts:
                    break
            await until(lambda: ingest.status().restarts)
