"""nginx with Debian's RTMP module before us, configured as docs/publishing.md says."""

from __future__ import annotations

import asyncio
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path

import imageio_ffmpeg
import pytest

from bench.swarm.nginx import find
from tests.conftest import unused_port
from tests.publish.studio import Studio, ffmpeg, program, studio, until

PAGE = Path(__file__).resolve().parents[3] / "docs" / "publishing.md"
MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")


def configuration(folder: Path, port: int, here: Studio) -> Path:
    """The documented one, at free ports and without a daemon."""
    (text,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for documented, ours in (
        ("modules/ngx_rtmp_module.so", str(MODULE)),
        ("listen 1935", f"listen 127.0.0.1:{port}"),
        ("http://127.0.0.1:8008", here.running.bound.url),
        ("10s", "1s"),
    ):
        assert documented in text
        text = text.replace(documented, ours)
    file = folder / "nginx.conf"
    mine = f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
    file.write_text(f"{mine}\n{text}")
    return file


def ask(here: Studio, body: str, **headers: str) -> tuple[int, str]:
    """Status and Location of what nginx asks."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            return None

    request = urllib.request.Request(f"{here.running.bound.url}/api/nginx-rtmp", body.encode(), headers)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


async def test_what_nginx_asks_is_answered_for_this_machine_alone(tmp_path: Path) -> None:
    async with studio(tmp_path, "rtmp") as here:
        key, port = here.key("garden"), here.port("rtmp")
        named, alone = f"name=garden&key={key}", f"name={key}"
        assert here.running.desk is not None
        ticket = here.running.desk.tickets.give(key)
        wanted = (302, f"rtmp://127.0.0.1:{port}/live/garden?key={ticket}")
        for body, expected in (
            (f"call=publish&{named}", wanted),
            (f"call=publish&{alone}", wanted),
            ("call=publish&name=garden&key=wrong", (401, "")),
            (f"call=publish&name=shed&key={key}", (403, "")),
            ("call=publish", (401, "")),
            (f"call=update_publish&{named}", (204, "")),
            ("call=update_publish&name=garden&key=wrong", (401, "")),
            ("call=update_play&name=garden", (204, "")),
        ):
            assert await asyncio.to_thread(ask, here, body) == expected, body
        proxied = {"X-Forwarded-For": "192.0.2.7"}
        assert await asyncio.to_thread(ask, here, f"call=publish&{named}", **proxied) == (404, "")
    async with studio(tmp_path) as here:
        assert await asyncio.to_thread(ask, here, f"call=publish&{named}") == (404, "")


@pytest.mark.skipif(
    find() is None or not MODULE.exists(),
    reason="nginx or its RTMP module (libnginx-mod-rtmp) is not installed",
)
async def test_nginx_asks_for_the_key_sends_on_plays_and_lets_go(tmp_path: Path) -> None:
    nginx = shutil.which(find() or "")
    assert nginx is not None
    async with studio(tmp_path, "rtmp") as here:
        port = unused_port()
        address = f"rtmp://127.0.0.1:{port}/live/garden"
        config = configuration(tmp_path, port, here)
        async with program(nginx, "-p", str(tmp_path), "-e", str(tmp_path / "error.log"), "-c", str(config)):
            await until(lambda: (tmp_path / "pid").exists())
            async with program(*ffmpeg("-f", "flv", f"{address}?key=wrong")) as stranger:
                assert await stranger.said() != ""
            key = here.key("garden")
            async with program(*ffmpeg("-f", "flv", f"{address}?key={key}")) as camera:
                await here.playing("garden")
                player = (str(imageio_ffmpeg.get_ffmpeg_exe()), "-v", "error", "-i", address)
                async with program(*player, "-t", "1", "-f", "null", "-") as playing:
                    assert await playing.said() == ""
                here.keys.change(lambda all_: (all_.revoked(all_.all[0].id), None))
                assert await camera.said() != ""  # nginx closes it
            await here.idle()
        assert key not in (tmp_path / "error.log").read_text()
