"""``serve`` with ``[[streams]]``: the real command."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.conftest import Start

PATIENCE = 90.0


async def ask(url: str) -> Any:
    def fetch() -> Any:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code

    return await asyncio.to_thread(fetch)


async def segments(base: str, name: str) -> int:
    found = await ask(f"{base}/api/streams/{name}")
    return 0 if isinstance(found, int) else int(found["segments"])


async def test_streams_of_the_file_are_made_side_by_side_and_one_that_fails_is_told(
    live_torrent: Start, ts_vod: Path, tmp_path: Path
) -> None:
    (tmp_path / "live.toml").write_text(
        "segment_seconds = 1\n"
        f'[[streams]]\nname = "one"\ninput = "{ts_vod}/seg0.ts"\n'
        f'[[streams]]\nname = "two"\ninput = "{ts_vod}/seg1.ts"\nwindow = 4\n'
        '[[streams]]\nname = "lost"\ninput = "nothing.mp4"\n'
        '[[streams]]\nname = "studio"\n'
    )
    server = await live_torrent("serve", "--config", "live.toml")
    async with asyncio.timeout(PATIENCE):
        for name in ("one", "two"):
            while not await segments(server.url, name):
                await asyncio.sleep(0.1)
    one = await ask(f"{server.url}/api/streams/one")
    assert one["ingest"]["state"] == "live"
    lost = await ask(f"{server.url}/api/streams/lost")
    assert (lost["live"], lost["ingest"]["state"]) == (False, "failed")
    assert "nothing.mp4" not in json.dumps(lost)
    assert await ask(f"{server.url}/api/streams/studio") == 404, "nobody publishes it"
    names = [stream["name"] for stream in (await ask(f"{server.url}/api/streams"))["streams"]]
    assert names == ["one", "two"], "what can be watched"
    room = (await ask(f"{server.url}/healthz"))["rooms"]["ingest"]
    assert room["ok"] is True
    assert "lost: " in room["detail"]
    assert f"{tmp_path / 'nothing.mp4'} does not exist" in room["detail"]
