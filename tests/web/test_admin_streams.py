"""Streams over the admin's API, with real ffmpeg behind it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio

from seeder.config import Config
from seeder.ingest.many import Ingests
from seeder.publish.room import Publishing
from seeder.stream_config import StreamConfig
from seeder.web.admin import blueprint
from seeder.web.admin_streams import add_streams
from seeder.web.operator import Operator
from tests.web.conftest import Open
from tests.web.test_admin import TOKEN, _send


@dataclass
class Api:
    port: int
    ingests: Ingests
    feed: Path

    async def ask(
        self, method: str, path: str, body: bytes | None = None, token: str = TOKEN
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        status, _, found = await asyncio.to_thread(_send, self.port, method, path, body, headers)
        return status, found


@pytest_asyncio.fixture(loop_scope="session")
async def api(open_site: Open, tmp_path: Path, ts_vod: Path) -> AsyncIterator[Api]:
    feed = tmp_path / "made"
    shutil.copytree(ts_vod, tmp_path / "films")
    config = Config(
        keys=tmp_path / "keys.json",
        segment_seconds=1,
        api_input=(str(tmp_path / "films"),),
        streams=(StreamConfig("studio"),),
    )

    async def let_go(path: Path) -> None:
        """Nobody holds it."""

    async with Ingests(feed, let_go) as ingests:
        publishing = Publishing(config, feed, let_go, ingests.has)
        admin = blueprint(publishing, Operator(TOKEN))
        add_streams(admin, lambda: config, feed, ingests, publishing)
        site = await open_site(blueprints=(admin,))
        yield Api(site.bound.port, ingests, feed)


async def test_a_stream_is_started_told_of_restarted_and_stopped(api: Api) -> None:
    status, made = await api.ask("POST", "/api/streams", b'{"name": "garden", "input": "seg0.ts"}')
    assert (status, made["name"]) == (201, "garden")
    async with asyncio.timeout(90):
        while api.ingests.stats()["garden"].state != "live":
            await asyncio.sleep(0.05)
    status, all_ = await api.ask("GET", "/api/ingests")
    assert all_["ingests"]["garden"]["segments"] >= 1
    assert (await api.ask("POST", "/api/streams", b'{"name": "garden", "input": "seg1.ts"}'))[0] == 409
    assert (await api.ask("POST", "/api/streams/garden/restart"))[0] == 200
    assert (await api.ask("DELETE", "/api/streams/garden"))[0] == 200
    assert (api.feed / "garden" / "master.m3u8").exists(), "what was published stays"
    assert (await api.ask("DELETE", "/api/streams/garden"))[0] == 404
    assert (await api.ask("POST", "/api/streams/garden/restart"))[0] == 404
    await api.ask("POST", "/api/streams", b'{"name": "garden", "input": "seg0.ts", "window": 4}')
    assert (await api.ask("DELETE", "/api/streams/garden?files=delete"))[0] == 200
    assert not (api.feed / "garden").exists()


async def test_what_another_program_writes_is_neither_mixed_with_ours_nor_deleted(api: Api) -> None:
    theirs = api.feed / "theirs"
    theirs.mkdir(parents=True)
    for name in ("index.m3u8", "index0.ts", "master.m3u8"):
        (theirs / name).write_text("#EXTM3U")
    assert (await api.ask("POST", "/api/streams", b'{"name": "theirs", "input": "seg0.ts"}'))[0] == 201
    async with asyncio.timeout(90):
        while "written by another program" not in api.ingests.stats()["theirs"].error:
            await asyncio.sleep(0.05)
    assert (await api.ask("DELETE", "/api/streams/theirs?files=delete"))[0] == 200
    kept = {path.name for path in theirs.iterdir()}
    assert kept == {"index.m3u8", "index0.ts", "master.m3u8"}, "and nothing of ours"


async def test_a_token_is_no_shell(api: Api) -> None:
    refused = {
        b'{"name": "x", "input": "/etc/passwd"}': 403,
        b'{"name": "x", "input": "lavfi:testsrc"}': 403,
        b'{"name": "x", "input": "http://127.0.0.1/"}': 403,
        b'{"name": "x", "input": "seg0.ts", "push": "rtmp://evil.example/a/b"}': 403,
        b'{"name": "../x", "input": "seg0.ts"}': 400,
        b'{"name": "x", "input": "seg0.ts", "ffmpeg": "/bin/sh"}': 400,
        b'{"name": "x", "input": "seg0.ts", "window": 1}': 400,
        b'{"name": "x"}': 400,
        b"[1]": 400,
        b'{"name": "studio", "input": "seg0.ts"}': 409,
    }
    for body, status in refused.items():
        assert (await api.ask("POST", "/api/streams", body))[0] == status, body
    assert (await api.ask("POST", "/api/streams", b'{"name": "x", "input": "seg0.ts"}', "wrong"))[0] == 401
    assert (await api.ask("DELETE", "/api/streams/x", token="wrong"))[0] == 401
    assert (await api.ask("GET", "/api/ingests", token="wrong"))[0] == 401
    assert api.ingests.stats() == {}
