from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from seeder.imports.convert import Wish
from seeder.imports.make import make
from seeder.storage.place import place_of
from seeder.storage.store import StorageError, Store
from seeder.torrent.bencode import decode
from seeder.torrent.magnet import parse
from tests.conftest import Running, Start
from tests.storage.conftest import BUCKET, PATIENCE, US, Bucket

TOKEN = "a-token-of-sixteen"
ENV = {
    "LIVE_TORRENT_ADMIN_TOKEN": TOKEN,
    "AWS_ACCESS_KEY_ID": US.id,
    "AWS_SECRET_ACCESS_KEY": US.secret,
}


async def get(url: str) -> tuple[int, dict[str, str], bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read()


async def until(what: Callable[[], Any], wanted: Callable[[Any], bool]) -> Any:
    """What it is once it is as wanted."""
    async with asyncio.timeout(PATIENCE):
        while not wanted(found := await what()):
            await asyncio.sleep(0.1)
    return found


async def recordings(server: Running) -> list[dict[str, Any]]:
    found = json.loads((await get(f"{server.url}/api/recordings"))[2])
    return list(found["recordings"])


async def metric(server: Running, name: str) -> float:
    text = (await get(f"{server.url}/metrics"))[2].decode()
    found = re.search(rf"^live_torrent_storage_{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1])


def magnets(manifest: str) -> list[tuple[tuple[str, ...], bytes]]:
    """Of each segment its web seeds, and its info dictionary."""
    found = re.findall(r'^#EXT-X-COM-LIVETORRENT:MAGNET="([^"]+)",INFO="([^"]+)"', manifest, re.MULTILINE)
    return [(parse(magnet).web_seeds, base64.b64decode(info)) for magnet, info in found]


@pytest_asyncio.fixture(loop_scope="session")
async def film(feed_dir: Path, ts_vod: Path, tmp_path: Path) -> int:
    """The recording ``film`` of two segments; bytes of the first."""
    workshop = tmp_path / "workshop"
    workshop.mkdir()
    source = tmp_path / "film.ts"
    source.write_bytes((ts_vod / "seg0.ts").read_bytes() + (ts_vod / "seg1.ts").read_bytes())
    wish = Wish(source, segment_seconds=2.0)
    await make(wish, feed_dir, "film", "A film", workshop, lambda share, detail: None)
    return sorted((feed_dir / "film/v0").glob("*.m4s"))[0].stat().st_size


async def test_a_recording_is_copied_seeds_from_there_and_is_deleted_there(
    feed_dir: Path, film: int, bucket: Bucket, live_torrent: Start
) -> None:
    command = ("serve", "--feed", str(feed_dir), "--storage", f"s3://{BUCKET}/vod")
    more = ("--storage-endpoint", bucket.endpoint, "--public-url", "http://live.example.org")
    server = await live_torrent(*command, *more, env=ENV)

    # The store is down: viewers do not notice.
    async def health() -> str:
        return str(
            json.loads((await get(f"{server.url}/healthz"))[2])["rooms"].get("storage", {}).get("detail")
        )

    assert await until(health, lambda found: "cannot be reached" in found)
    assert (await get(f"{server.url}/live/film/v0/index.m3u8"))[0] == 200
    assert [one["stored"] for one in await recordings(server)] == [None]

    await bucket.start()
    home = f"{bucket.endpoint}/{BUCKET}/vod/film"
    stored = await until(lambda: recordings(server), lambda found: found[0]["stored"] is not None)
    assert stored[0]["stored"] == f"{home}/master.m3u8"

    # What lies there plays by itself, and each web seed has the very bytes.
    status, headers, body = await get(f"{home}/v0/index.m3u8")
    assert (status, headers["content-type"]) == (200, "application/vnd.apple.mpegurl")
    assert headers["cache-control"] == "public, max-age=300"
    assert 'TRACKER="ws://live.example.org/announce"' in body.decode()
    assert (await get(f"{home}/master.m3u8"))[0] == 200
    listed = [line for line in body.decode().splitlines() if line.endswith(".m4s")]
    found = magnets(body.decode())
    assert [seeds for seeds, _ in found] == [(f"{home}/v0/{name}",) for name in listed]
    assert len(found) >= 2
    for seeds, info in found:
        status, headers, data = await get(seeds[0])
        assert (status, headers["content-type"]) == (200, "video/iso.segment")
        assert headers["cache-control"] == "public, max-age=31536000, immutable"
        torrent = decode(info)
        assert isinstance(torrent, dict)
        length = torrent[b"piece length"]
        pieces = [hashlib.sha1(data[at : at + length]).digest() for at in range(0, len(data), length)]
        assert b"".join(pieces) == torrent[b"pieces"]

    # Ours name both homes.
    ours = (await get(f"{server.url}/live/film/v0/index.m3u8"))[2].decode()
    assert [seeds for seeds, _ in magnets(ours)] == [
        (f"http://live.example.org/live/film/v0/{name}", f"{home}/v0/{name}") for name in listed
    ]

    # What was stored is known after a crash; what is missing, and that alone, is copied again.
    whole = await metric(server, "bytes")
    server.kill()
    (feed_dir / ".live-torrent/storage.json").unlink()
    store = Store(place_of(f"s3://{BUCKET}/vod", bucket.endpoint), US)
    before = await store.list("film")
    playlists = sum(size for path, (size, _) in before.items() if path.endswith(".m3u8"))
    await store.put(f"film/v0/{listed[0]}", b"x" * film, {})  # as long, and something else
    server = await live_torrent(*command, *more, env=ENV)
    await until(lambda: recordings(server), lambda found: found[0]["stored"] is not None)
    assert await metric(server, "copied_bytes_total") == film + playlists
    assert await metric(server, "bytes") == whole
    assert await store.list("film") == before

    # It goes with the recording.
    admin = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=admin) as session,
        session.delete(f"{server.url}/api/recordings/film") as answer,
    ):
        assert answer.status == 200
    await until(lambda: store.list("film"), lambda found: found == {})
    with pytest.raises(StorageError, match=r"^the store says SignatureDoesNotMatch$"):
        await Store(place_of(f"s3://{BUCKET}", bucket.endpoint), type(US)(US.id, "wrong")).list("film")
    assert US.secret not in server.log()


def test_without_credentials_it_does_not_start(run_command: Callable[..., Any], feed_dir: Path) -> None:
    done = run_command("serve", "--feed", str(feed_dir), "--port", "0", "--storage", "s3://films")
    assert done.returncode == 2
    assert "--storage needs credentials" in done.stderr
    done = run_command("serve", "--feed", str(feed_dir), "--storage-region", "eu-central-1")
    assert done.returncode == 2
    assert "--storage-region needs --storage" in done.stderr
