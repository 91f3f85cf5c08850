"""The desk in a running service: what is published is served, and said of it what all may know."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seeder import service
from seeder.config import Config, Plan
from seeder.ingest.supply import Supply
from seeder.logs import mask
from seeder.publish import Claim, RefusedError
from seeder.publish.keyfile import KeyFile
from seeder.publish.keys import Keys
from tests.publish.encoder import encoder

PATIENCE = 90.0


async def get(url: str) -> Any:
    def fetch() -> bytes:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return bytes(answer.read())

    return await asyncio.to_thread(fetch)


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@pytest.fixture
def key(key_file: KeyFile) -> str:
    """Of the stream ``garden``."""
    return create(key_file, "garden")


def create(file: KeyFile, stream: str, **options: Any) -> str:
    def how(keys: Keys) -> tuple[Keys, str]:
        keys, _, shown = keys.created(stream, time.time(), **options)
        return keys, shown

    return file.change(how)


async def test_what_is_published_is_served_and_neither_address_nor_key_is_told(
    feed_dir: Path, key_file: KeyFile, key: str
) -> None:
    plan = Plan(Config(port=0, segment_seconds=1.0, keys=key_file.path), feed_dir)
    async with service.running(plan) as running, encoder() as camera:
        assert running.desk is not None
        async with running.desk.admit(Claim("rtmp", "192.0.2.7", key)) as session:
            supply = Supply("RTMP from 192.0.2.7", "mpegts")
            carrying = asyncio.create_task(session.carry(supply, camera.read_into(supply)))
            async with asyncio.timeout(PATIENCE):
                while not (streams := json.loads(await get(f"{running.bound.url}/api/streams"))["streams"]):
                    await asyncio.sleep(0.1)
            (garden,) = streams
            assert garden["name"] == "garden"
            assert garden["publishing"] == {"protocol": "rtmp", "since": session.since, "state": "live"}
            one = json.loads(await get(f"{running.bound.url}/api/streams/garden"))
            assert one["publishing"] == garden["publishing"]
            metrics = (await get(f"{running.bound.url}/metrics")).decode()
            assert 'live_torrent_publisher_up{protocol="rtmp",stream="garden"} 1.0' in metrics
            assert 'live_torrent_ingest_state{state="live",stream="garden"} 1.0' in metrics
            assert 'live_torrent_publishers_total{protocol="rtmp"} 1.0' in metrics
            health = (await get(f"{running.bound.url}/healthz")).decode()
            for text in (json.dumps(streams), metrics, health):
                assert "192.0.2.7" not in text
                assert key not in text
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)


async def test_nobody_is_let_in_without_a_key(feed_dir: Path, key_file: KeyFile) -> None:
    async with service.running(Plan(Config(port=0, keys=key_file.path), feed_dir)) as running:
        assert running.desk is not None
        with pytest.raises(RefusedError) as refused:
            async with running.desk.admit(Claim("rtmp", "192.0.2.7", "")):
                pytest.fail("let in")
        assert refused.value.status == 401
        metrics = (await get(f"{running.bound.url}/metrics")).decode()
        assert 'live_torrent_publishers_refused_total{protocol="rtmp",status="401"} 1.0' in metrics
        key_file.path.write_text("damaged")
        health, detail = {}, ""
        async with asyncio.timeout(PATIENCE):
            while not detail:
                health = json.loads(await get(f"{running.bound.url}/healthz"))
                detail = health["rooms"]["publish"]["detail"]
        assert health["ok"], "viewers are served"
        assert "nobody can publish" in detail


async def test_a_stream_that_is_made_here_is_nobody_elses(
    feed_dir: Path, key_file: KeyFile, key: str
) -> None:
    async with service.running(Plan(Config(port=0, keys=key_file.path), feed_dir, name="garden")) as running:
        assert running.desk is not None
        with pytest.raises(RefusedError, match="made here") as refused:
            async with running.desk.admit(Claim("rtmp", "192.0.2.7", key)):
                pytest.fail("let in")
        assert refused.value.status == 409


async def test_stopping_ends_who_publishes(feed_dir: Path, key_file: KeyFile, key: str) -> None:
    ended: list[str] = []

    async def publish(desk: Any, camera: Any, inside: asyncio.Event) -> None:
        supply = Supply("RTMP from 192.0.2.7", "mpegts")
        try:
            async with desk.admit(Claim("rtmp", "192.0.2.7", key)) as session:
                inside.set()
                await session.carry(supply, camera.read_into(supply))
        except RefusedError as error:
            ended.append(str(error))

    async with encoder() as camera:
        async with service.running(Plan(Config(port=0, keys=key_file.path), feed_dir)) as running:
            inside = asyncio.Event()
            publishing = asyncio.create_task(publish(running.desk, camera, inside))
            async with asyncio.timeout(PATIENCE):
                await inside.wait()
        await publishing
    assert ended == ["the server is stopping"]


async def test_a_server_that_nobody_can_publish_to_says_so(
    feed_dir: Path, key_file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    """And not one that has a key, or that asks somebody else."""
    caplog.set_level("INFO", "seeder")
    config = Config(port=0, publish=("srt:0",), keys=key_file.path)
    async with service.running(Plan(config, feed_dir)):
        assert "nobody can publish: live-torrent keys create STREAM" in caplog.text
        assert mask(caplog.text) == caplog.text, "nothing of where to publish is taken for a secret"
    caplog.clear()
    async with service.running(Plan(replace(config, publish_hook="http://127.0.0.1:9/"), feed_dir)):
        pass
    create(key_file, "garden")
    async with service.running(Plan(config, feed_dir)):
        pass
    assert "nobody can publish" not in caplog.text
