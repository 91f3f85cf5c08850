from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.swarm.contestants import Backend
from bench.swarm.nginx import config, find, serving
from bench.swarm.origin_log import Kind, parse
from bench.swarm.processes import until_served
from tests.conftest import unused_port


@pytest.fixture
def nginx() -> str:
    found = find()
    if found is None:
        pytest.skip("SKIPPED: there is no nginx (`make bench-swarm` gets one)")
    return found


@pytest.mark.parametrize("backend", list(Backend))
def test_nginx_takes_the_configuration(nginx: str, tmp_path: Path, backend: Backend) -> None:
    conf = tmp_path / "nginx.conf"
    conf.write_text(config(tmp_path, tmp_path, f"127.0.0.1:{unused_port()}", backend, "127.0.0.1:9"))
    command = [nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


async def test_what_nginx_sends_is_in_its_log_byte_for_byte(nginx: str, tmp_path: Path) -> None:
    video = tmp_path / "feed" / "show" / "video"
    video.mkdir(parents=True)
    (video / "seg00000.m4s").write_bytes(b"x" * 5000)
    listen = f"127.0.0.1:{unused_port()}"
    async with serving(
        nginx, tmp_path / "nginx", tmp_path / "feed", tmp_path, listen, Backend.FILES, "127.0.0.1:9", ()
    ) as log:
        await until_served(f"http://{listen}/live/show/video/seg00000.m4s", (), "xxx")
    (request,) = [each for each in parse(log.read_text()) if each.kind is Kind.MEDIA]
    assert (request.status, request.body, request.name) == (200, 5000, "seg00000.m4s")
    assert request.sent > 5000
