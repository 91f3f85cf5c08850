from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.http import CASES, Rate, _config, _figures
from bench.swarm.nginx import find
from seeder.web import Certificate, self_signed
from tests.conftest import unused_port


@pytest.mark.parametrize("secure", [False, True])
def test_nginx_takes_the_configuration(tmp_path: Path, secure: bool) -> None:
    nginx = find()
    if nginx is None:
        pytest.skip("SKIPPED: there is no nginx (`make bench` gets one)")
    tls: Certificate | None = self_signed(tmp_path / "state", "127.0.0.1") if secure else None
    said = {"Cache-Control": "no-cache", "ETag": '"x"', "Content-Type": "text/html; charset=utf-8"}
    headers = dict.fromkeys(("/live/show/index.m3u8", "/watch/show"), said)
    conf = tmp_path / "nginx.conf"
    conf.write_text(_config(tmp_path, unused_port(), headers, tls))
    assert '"x"' not in conf.read_text()  # nginx has tags of its own
    assert conf.read_text().count("no-cache") == 2
    command = [nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(conf)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_ratio_is_nginx_over_ours_and_the_median_of_its_rounds() -> None:
    pairs = [(Rate(10, 100), Rate(20, 300)), (Rate(10, 100), Rate(30, 200)), (Rate(1, 100), Rate(100, 400))]
    wall, cpu, *_ = _figures(CASES[0], pairs)
    assert (wall.value, wall.verdict) == (3.0, "ok")
    assert (cpu.value, cpu.verdict) == (3.0, "ok")
