"""Events and webhooks of a running service: what happens in its feed is told outside."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from pathlib import Path

import aiohttp

from seeder import service
from seeder.config import Config, Plan
from seeder.webhooks import box
from tests.web.test_events import Wire
from tests.webhooks.test_room import PATIENCE, Site, site

__all__ = ["site"]


async def test_what_happens_in_the_feed_is_told_to_readers_and_webhooks(
    feed_dir: Path, ts_vod: Path, tmp_path: Path, site: Site
) -> None:
    (tmp_path / "secret").write_text(base64.b64encode(bytes(24)).decode())
    config = Config(
        port=0, keys=tmp_path / "keys.json", webhook=(site.url,), webhook_secret_file=tmp_path / "secret"
    )
    async with aiohttp.ClientSession() as http:
        async with service.running(Plan(config, feed_dir)) as running:
            answer = await http.get(f"{running.bound.url}/api/events")
            reader = Wire(answer)
            assert await reader.until("viewers") == {"viewers": {}}
            shutil.copytree(ts_vod, feed_dir / "film")
            assert (await reader.until("stream.ended"))["name"] == "film"
            shutil.rmtree(feed_dir / "film")
            assert (await reader.until("stream.gone"))["name"] == "film"
            await site.until(2)
            kinds = [kind for kind, _ in site.told]
            assert kinds == ["stream.ended", "stream.gone"]
            running.beside.events.emit("publish.stop", name="garden", protocol="rtmp", reason="")
            # … and then everything stops: what was not told yet is told by the next run.
        await reader.ended()
        assert answer.content.at_eof(), "a polite end"
        answer.close()
    left = box.load(feed_dir / ".live-torrent" / "webhooks.json")
    assert [message.kind for message in left] == ["publish.stop"][: len(left)]
    async with service.running(Plan(config, feed_dir)), asyncio.timeout(PATIENCE):
        await site.until(3)
    told = [json.loads(body) for _, body in site.asked]
    assert told[2]["type"] == "publish.stop"
    assert len({headers["webhook-id"] for headers, _ in site.asked}) == 3
