"""``/api/openapi.json``: as complete as the routes are, and true of a running server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seeder.config import Config, Plan
from seeder.recording.about import Recording, State, save
from seeder.service import Service, running
from seeder.web import throttle
from seeder.web.described import ATTRIBUTE
from seeder.web.downloads import TEMPLATE
from seeder.web.openapi import PATH, methods, templated
from seeder.web.uploads import DESCRIBED as UPLOADS
from tests.conftest import ROOT
from tests.web.conftest import Open, Site
from tests.web.test_admin import _send

TOKEN = "a-token-of-the-operators"
UNSAID = ("/api/nginx-rtmp",)
"""Asked by an nginx on this machine, in its own words."""
SECONDS = 240.0
"""For all of it on a noisy machine; 10 on an idle one."""


@dataclass
class Server:
    service: Service
    document: dict[str, Any]

    @property
    def port(self) -> int:
        return self.service.bound.port


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path, ts_vod: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The whole of it, with a recording to be found."""
    monkeypatch.setattr(throttle, "BURST", 1_000_000)  # a tester shows many a wrong token
    (tmp_path / "token").write_text(TOKEN)
    feed = tmp_path / "feed"
    feed.mkdir()
    shutil.copytree(ts_vod, feed / "film" / "v0")
    (feed / "film" / "master.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=700000\nv0/index.m3u8\n")
    about = Recording("film", "", State.READY, 1_700_000_000.0, "A film", 1_700_000_012.0, 12.0, 1000, 6)
    save(feed / "film", about)
    config = Config(
        port=0,
        keys=tmp_path / "keys.json",
        admin_token_file=tmp_path / "token",
        api_input=(str(tmp_path / "films"),),
    )
    async with running(Plan(config, feed)) as service:
        _, _, document = await asyncio.to_thread(_send, service.bound.port, "GET", PATH, None, {})
        yield Server(service, document)


async def test_every_route_of_the_api_says_what_it_does(open_site: Open, server: Server) -> None:
    app = server.service.app
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api") and not rule.websocket]
    silent = [rule for rule in rules if not hasattr(app.view_functions[rule.endpoint], ATTRIBUTE)]
    assert [rule.rule for rule in silent if not rule.rule.startswith(UNSAID)] == []
    described = {(path, method) for path, each in server.document["paths"].items() for method in each}
    routed = {
        (templated(rule), method.lower()) for rule in rules if rule not in silent for method in methods(rule)
    }
    beside = {("/healthz", "get"), ("/api/events", "get"), (TEMPLATE, "get")}
    beside |= {(path, method) for path, each in UPLOADS.items() for method in each}
    assert described == routed | beside


async def test_a_server_without_an_admin_describes_no_route_of_its(site: Site) -> None:
    found = json.loads((await site.fetch(PATH)).body)
    assert "/api/streams" in found["paths"]
    assert "/api/keys" not in found["paths"]
    assert "/api/events" not in found["paths"]


async def test_what_is_said_of_the_api_holds(server: Server, tmp_path: Path) -> None:
    """schemathesis: valid and invalid requests of all kinds, each answer held against the description."""
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    command = (
        *("run", f"http://127.0.0.1:{server.port}{PATH}", "--seed", "6", "--max-examples", "3"),
        *("--exclude-operation-id", "postUploads", "--exclude-operation-id", "patchUploadsId"),
        *("--checks", "all", "--exclude-path", "/api/events", "--request-timeout", "30"),
        *("--header", f"Authorization: Bearer {TOKEN}", "--generation-database", "none", "--no-color"),
        *("--phases", "coverage,fuzzing,stateful", "--output-truncate", "false", "--warnings", "off"),
        *("--max-failures", "20", "--suppress-health-check", "all"),
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", *command),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode(errors="replace")[-12_000:]


async def test_a_whole_number_is_one_however_it_is_written(server: Server) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    for window, status in ((b"8", 403), (b"8.0", 403), (b"8e0", 403), (b"8.5", 400), (b"true", 400)):
        body = b'{"name": "pier", "input": "/elsewhere/pier.mp4", "window": %b}' % window
        said = await asyncio.to_thread(_send, server.port, "POST", "/api/streams", body, headers)
        assert said[0] == status, (window, said[2])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_examples_for_people_work(server: Server, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    script = text.split("```sh\n")[1].split("```")[0]
    script = re.sub("^(LIVE|TOKEN)=.*$", "", script, flags=re.MULTILINE)
    assert script.count("$LIVE/api/") > 10
    process = await asyncio.create_subprocess_exec(
        *("bash", "-e", "-c", script),
        cwd=tmp_path,
        env={**os.environ, "LIVE": f"http://127.0.0.1:{server.port}", "TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert b'"error"' not in said.replace(b'"error":""', b""), said.decode()
    assert (tmp_path / "poster.jpg").read_bytes().startswith(b"\xff\xd8")


SETTINGS = """
[phases.coverage]
# Not GET: one with a body is refused before anything looks at its path.
unexpected-methods = ["POST", "PUT", "PATCH", "DELETE"]

[[operations]]
include-method = "GET"
parameters = { "path.name" = "film" }

# tus speaks of its version by 412 and of it alone; what it sends is tested elsewhere.
[[operations]]
include-path-regex = "/api/uploads"
checks.negative_data_rejection.expected-statuses = [404, 412]
checks.missing_required_header.expected-statuses = [412]

# The characters of a label or a title are printable ones, which no pattern says.
[[operations]]
include-name = "POST /api/keys"
checks.positive_data_acceptance.expected-statuses = [201, 400]

[[operations]]
include-name = "PATCH /api/recordings/{name}"
checks.positive_data_acceptance.expected-statuses = [200, 400, 404]

# That a part begins before it ends is nothing that a schema says either.
[[operations]]
include-name = "POST /api/recordings/{name}/exports"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 409]
"""
