"""When a stream is on air: an encoder that was stopped leaves a playlist behind that looks live for ever."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from seeder import model, service
from seeder.config import Config, Plan
from seeder.model import AWAY_LEAST, StreamView

PATIENCE = 60.0
SEGMENT = "#EXTINF:0.4,\n{}.ts\n"


def view(live: bool, changed: float, target: float = 2.0) -> StreamView:
    return StreamView("garden", live, {}, {}, target, 3, changed=changed)


def test_a_stream_is_on_air_while_something_new_comes_within_three_target_durations() -> None:
    assert view(True, 1000.0).on_air(1000.0 + AWAY_LEAST - 0.1)
    assert not view(True, 1000.0).on_air(1000.0 + AWAY_LEAST)
    assert view(True, 1000.0, target=10).on_air(1029.9)
    assert not view(True, 1000.0, target=10).on_air(1030.1)
    assert not view(False, 1000.0).on_air(1000.0), "what has ended is a recording"


def listed(folder: Path, count: int) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number}.ts").write_bytes(b"\x47" + bytes(187))
    lines = "".join(SEGMENT.format(number) for number in range(count))
    (folder / "index.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:0\n{lines}")


async def test_who_stays_away_is_told_of_and_who_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "AWAY_LEAST", 1.5)
    old, garden = tmp_path / "old", tmp_path / "garden"
    listed(old, 3)
    yesterday = time.time() - 86_400
    os.utime(old / "index.m3u8", (yesterday, yesterday))
    async with service.running(Plan(Config(port=0), tmp_path)) as running, asyncio.timeout(PATIENCE):
        library = running.library
        assert (found := library.stream("old")) is not None
        assert found.live
        assert not found.on_air(time.time()), "left behind by an encoder of yesterday"
        told: list[str] = []
        running.beside.events.watch(
            lambda event: told.append(event.kind) if event.data.get("name") == "garden" else None
        )
        listed(garden, 2)
        while "stream.live" not in told:
            await asyncio.sleep(0.05)
        assert (found := library.stream("garden")) is not None
        while "stream.away" not in told:
            await asyncio.sleep(0.05)
        assert not found.on_air(time.time())
        listed(garden, 3)
        while told.count("stream.live") < 2:
            await asyncio.sleep(0.05)
        assert [kind for kind in told if kind.startswith("stream.")] == [
            *("stream.live", "stream.away", "stream.live")
        ]
