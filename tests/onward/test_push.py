"""A stream sent on to real servers: nginx with its RTMP module, and SRT as ffmpeg receives it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from seeder.onward.push import Push, Pushes
from seeder.onward.server import server
from tests.conftest import unused_port
from tests.onward.conftest import Make, Studio, eventually, frames

KEY = "s3cret-key"
MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
NGINX = pytest.mark.skipif(
    shutil.which("nginx") is None or not MODULE.exists(),
    reason="nginx with RTMP is not installed (Debian: nginx-light libnginx-mod-rtmp)",
)


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    running = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()


def nginx(folder: Path, port: int) -> tuple[str, ...]:
    (folder / "nginx.conf").write_text(
        f"load_module {MODULE}; daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;"
        "events {}\n"
        f"rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}\n"
    )
    return ("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "log"))


async def on_air(live: Studio, enough: Callable[[], bool]) -> None:
    """Publish until it is, faster than life."""
    async with asyncio.timeout(90):
        while not enough():
            live.segment(*(["#EXT-X-DISCONTINUITY"] if live.at == 0 else []))  # its time begins anew
            await asyncio.sleep(0.1)


@NGINX
async def test_an_rtmp_server_gets_it_again_after_each_trouble_and_nobody_sees_the_key(
    studio: Make, fmp4_vod: Path, ffmpeg: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live, port = studio(fmp4_vod), unused_port()
    push = Push(live.library, "demo", server(f"rtmp://127.0.0.1:{port}/live/{KEY}"), dice=lambda: 0.99)
    live.segment()
    async with Pushes((push,)) as pushes:
        await eventually(lambda: push.stats().error != "", "no server is there yet")
        assert f"demo to rtmp://127.0.0.1:{port}: " in pushes.trouble()
        async with process(*nginx(tmp_path, port)):
            await on_air(live, lambda: push.stats().up)
            assert push.pid is not None
            assert KEY.encode() not in Path(f"/proc/{push.pid}/cmdline").read_bytes()
            assert pushes.trouble() == ""
            seen = tmp_path / "seen.ts"
            reading = ("-v", "error", "-y", "-i", f"rtmp://127.0.0.1:{port}/live/{KEY}", "-c", "copy")
            async with process(ffmpeg, *reading, "-frames:v", "500", str(seen)) as reader:
                await on_air(live, lambda: reader.returncode is not None)
            had = frames(ffmpeg, seen)
            assert 480 <= len(had.times[0]) <= 500
            assert had.seconds > 19, "time goes on across the discontinuity that comes every 12 s"
            restarts = push.stats().restarts

            def killed() -> bool:
                """Until one was hit that had not said all anyway."""
                if push.stats().restarts == restarts and push.pid is not None:
                    with suppress(ProcessLookupError):
                        os.kill(push.pid, signal.SIGKILL)
                return push.stats().restarts > restarts and push.stats().up

            await on_air(live, killed)
        await on_air(live, lambda: not push.stats().up)
        live.publish(ended=True)
    assert KEY not in caplog.text
    assert KEY not in str(pushes.stats())
    assert push.pid is None


async def test_an_srt_receiver_gets_it(studio: Make, ts_vod: Path, ffmpeg: str, tmp_path: Path) -> None:
    live, port, seen = studio(ts_vod), unused_port(), tmp_path / "seen.ts"
    push = Push(live.library, "demo", server(f"srt://127.0.0.1:{port}"), dice=lambda: 0.99)
    live.segment()
    listener = f"srt://127.0.0.1:{port}?mode=listener"
    reading = ("-v", "error", "-y", "-i", listener, "-c", "copy", "-t", "4", str(seen))
    async with process(ffmpeg, *reading) as reader, Pushes((push,)):
        await on_air(live, lambda: reader.returncode is not None)
    assert len(frames(ffmpeg, seen).times[0]) > 50
