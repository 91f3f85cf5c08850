"""No key, token, passphrase, JWT or secret of an address is found anywhere that it need not be."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import jwt
import pytest
from aiohttp import web

from seeder import machine
from seeder.publish.keyfile import KeyFile
from seeder.publish.keys import Keys
from tests.conftest import Running, unused_port
from tests.publish.encoder import AAC, H264, PICTURE, TONE

PATIENCE = 90.0
ISSUER = "the-secret-of-the-issuer-is-32-bytes-long"
Start = Callable[..., Awaitable[Running]]

TARGETS = {
    "rtmp": "-f flv rtmp://127.0.0.1:{port}/live/{key}",
    "rtsp": "-f rtsp -rtsp_transport tcp rtsp://127.0.0.1:{port}/live/{key}",
    "flv": "-metadata key={key} -f flv tcp://127.0.0.1:{port}",
    "srt": "-f mpegts srt://127.0.0.1:{port}?streamid={key}",
    "encrypted": "-f mpegts srt://127.0.0.1:{port}?streamid=garden&passphrase={key}",
}


@asynccontextmanager
async def publisher(how: str, port: int, key: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real ffmpeg; dead when the block is left."""
    target = TARGETS[how].format(port=port, key=key).split()
    process = await asyncio.create_subprocess_exec(
        *(str(imageio_ffmpeg.get_ffmpeg_exe()), "-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE),
        *("-t", "120", *H264, *AAC, *target),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextmanager
def commands_of(pid: int) -> Iterator[set[str]]:
    """Every argument list seen in the process tree of ``pid`` while the block lasts; of its ffmpegs the
    environment, too."""
    seen: set[str] = set()

    async def look() -> None:
        while True:
            for each in (pid, *machine.children(pid)):
                with suppress(OSError):
                    command = Path(f"/proc/{each}/cmdline").read_text(errors="replace")
                    seen.add(command)
                    if "ffmpeg" in command:  # else it is a copy of the server, which is about to be one
                        seen.add(Path(f"/proc/{each}/environ").read_text(errors="replace"))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()


def ask(port: int, method: str, path: str, token: str = "", body: bytes | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/sdp"
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


async def until(claim: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not claim():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"did not come true: {what}")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="argument lists are read from /proc")
@pytest.mark.parametrize(("log_format", "how"), [("text", "rtmp"), ("json", "encrypted")])
async def test_nothing_secret_is_found(
    live_torrent: Start, tmp_path: Path, feed_dir: Path, log_format: str, how: str
) -> None:
    file = KeyFile(tmp_path / "keys.json")

    def create(all_: Keys) -> tuple[Keys, str]:
        more, _, shown = all_.created("garden", time.time(), srt=how == "encrypted")
        return more, shown

    key = file.change(create)
    admin, address = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    token = {
        name: jwt.encode({"sub": stream, "exp": int(time.time()) + left}, ISSUER, "HS256")
        for name, stream, left in (("good", "pond", 600), ("old", "pond", -600), ("other", "shed", 600))
    }
    wrong = {name: secrets.token_urlsafe(24) for name in ("rtmp", "rtsp", "flv", "srt", "whip", "admin")}
    (tmp_path / "issuer").write_text(ISSUER)
    asked: list[Any] = []

    async def hook(request: web.Request) -> web.Response:
        asked.append(json.loads(await request.read()))
        return web.Response(status=500 if len(asked) % 2 else 403, text="no")

    app = web.Application()
    app.router.add_post("/may", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        hook_port = unused_port()
        await web.TCPSite(runner, "127.0.0.1", hook_port).start()
        hook_url = f"http://127.0.0.1:{hook_port}/may?token={address}"
        (tmp_path / "lt.toml").write_text(f'publish_hook = "{hook_url}"\n')
        ports = {protocol: unused_port() for protocol in ("rtmp", "rtsp", "flv", "srt", "whip")}
        server = await live_torrent(
            *("serve", "--feed", str(feed_dir), "--keys", str(file.path), "--segment-seconds", "1"),
            *("--log-format", log_format, "--log-level", "debug", "--takeover", "0"),
            *("--jwt-key", str(tmp_path / "issuer")),
            *(argument for name, port in ports.items() for argument in ("--publish", f"{name}:{port}")),
            *("--config", str(tmp_path / "lt.toml")),
            env={"LIVE_TORRENT_ADMIN_TOKEN": admin},
        )
        with commands_of(server.process.pid) as commands:
            texts = await _story(server, ports, how, key, wrong, token, admin, asked)
        secret = [key, admin, address, ISSUER, *wrong.values(), *token.values()]
        secret += [each.rpartition(".")[2] for each in token.values()]  # the signature alone is as bad
        assert "cut off" in server.log()
        assert any("ffmpeg" in command for command in commands)
        for text in (server.log(), *texts, *commands):
            for each in secret:
                part = each[:14]  # a good part of it is as bad
                assert part not in text, text[max(0, text.index(part) - 300) : text.index(part) + 100]
        assert file.read().all == ()
    finally:
        await runner.cleanup()


async def _story(
    server: Running,
    ports: dict[str, int],
    how: str,
    key: str,
    wrong: dict[str, str],
    token: dict[str, str],
    admin: str,
    asked: list[Any],
) -> list[str]:
    """Publishing, and being refused, in every way; what is told about it."""

    def http_(method: str, path: str, bearer: str = "", body: bytes | None = None) -> tuple[int, str]:
        return ask(server.port, method, path, bearer, body)

    async with publisher(how, ports["srt" if how == "encrypted" else how], key) as camera:
        playlist = "/live/garden/v0/index.m3u8"
        while (found := await asyncio.to_thread(http_, "GET", playlist))[0] != 200:
            assert camera.returncode is None, server.log()
            await asyncio.sleep(0.1)
        strangers = ("rtmp", "rtsp", "flv", "srt") if how == "rtmp" else ("srt", "flv")
        for protocol in strangers:
            async with publisher(protocol, ports[protocol], wrong[protocol]) as stranger:
                async with asyncio.timeout(PATIENCE):
                    await stranger.wait()
        for bearer in (wrong["whip"], token["old"], token["other"]):
            status, _ = await asyncio.to_thread(http_, "POST", "/whip/pond", bearer, b"v=0\r\n")
            assert 400 <= status < 600
        async with publisher("rtmp", ports["rtmp"], token["good"]):
            await until(lambda: "pond: published over rtmp" in server.log(), "a JWT opens its stream")
        for bearer in (wrong["admin"], key):
            assert (await asyncio.to_thread(http_, "GET", "/api/keys", bearer))[0] == 401
        status, keys = await asyncio.to_thread(http_, "GET", "/api/keys", admin)
        assert status == 200
        paths = ("/metrics", "/healthz", "/api/streams", "/api/streams/garden", "/live/garden/master.m3u8")
        texts = [found[1], keys, *[(await asyncio.to_thread(http_, "GET", path))[1] for path in paths]]
        ident = json.loads(keys)["keys"][0]["id"]
        assert (await asyncio.to_thread(http_, "DELETE", f"/api/keys/{ident}", admin))[0] == 200
        await until(lambda: "the key was revoked" in server.log(), "a revoked publisher is cut off")
        texts.append((await asyncio.to_thread(http_, "GET", "/metrics"))[1])
    assert {each["key"] for each in asked} >= {wrong[each] for each in strangers}
    assert "the publish hook at 127.0.0.1: status 500" in server.log()
    return texts
