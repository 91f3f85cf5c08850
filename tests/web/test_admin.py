"""The admin's API, over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from seeder.config import Config
from seeder.publish import Claim, RefusedError
from seeder.publish.room import Publishing
from seeder.web.admin import blueprint
from seeder.web.operator import Operator
from seeder.web.throttle import BURST
from tests.web.conftest import Open, Site

TOKEN = "a-token-of-the-operators"
Ask = Callable[..., Awaitable[tuple[int, dict[str, str], Any]]]


async def let_go(path: Path) -> None:
    pass


@pytest.fixture
def publishing(tmp_path: Path) -> Publishing:
    return Publishing(Config(keys=tmp_path / "keys.json"), tmp_path, let_go, lambda stream: False)


@pytest_asyncio.fixture(loop_scope="session")
async def site(open_site: Open, publishing: Publishing) -> Site:
    return await open_site(blueprints=(blueprint(publishing, Operator(TOKEN)),))


@pytest.fixture
def ask(site: Site) -> Ask:
    async def send(
        method: str, path: str, body: object = None, token: str | None = TOKEN, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            named.setdefault("Content-Type", "application/json")
        return await asyncio.to_thread(_send, site.bound.port, method, path, data, named)

    return send


def _send(
    port: int, method: str, path: str, data: bytes | None, headers: dict[str, str]
) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, data, headers)
        response = connection.getresponse()
        text = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, json.loads(text) if "json" in found.get("content-type", "") else text
    finally:
        connection.close()


def claim(key: str) -> Claim:
    return Claim("rtmp", "192.0.2.7", key)


async def test_a_key_is_made_listed_rotated_and_revoked(ask: Ask, publishing: Publishing) -> None:
    status, headers, made = await ask(
        "POST", "/api/keys", {"stream": "garden", "label": "OBS", "expires": "30d"}
    )
    assert status == 201
    assert headers["cache-control"] == "no-store"
    assert made["expires"] - made["created"] == 30 * 86400
    key = made.pop("key")
    assert (await publishing.keys(claim(key))).stream == "garden"
    await publishing.keys.close()
    status, _, listed = await ask("GET", "/api/keys")
    assert (status, [row["id"] for row in listed["keys"]]) == (200, [made["id"]])
    assert listed["keys"][0]["lastUsed"] is not None
    assert listed["keys"][0]["publishing"] is None
    assert key not in json.dumps(listed)
    status, _, rotated = await ask("POST", "/api/keys/garden/rotate", {"keep": "1h"})
    assert (status, rotated["label"]) == (201, "OBS")
    for good in (key, rotated["key"]):
        assert (await publishing.keys(claim(good))).stream == "garden"
    status, _, again = await ask("POST", f"/api/keys/{rotated['id']}/rotate")
    assert status == 201
    with pytest.raises(RefusedError, match="no such key"):
        await publishing.keys(claim(rotated["key"]))
    assert (await ask("DELETE", f"/api/keys/{again['id']}"))[0] == 200
    with pytest.raises(RefusedError, match="no such key"):
        await publishing.keys(claim(again["key"]))
    assert (await ask("DELETE", f"/api/keys/{again['id']}"))[0] == 404
    await publishing.keys.close()


async def test_who_publishes_is_listed_and_ended_at_once(ask: Ask, publishing: Publishing) -> None:
    _, _, made = await ask("POST", "/api/keys", {"stream": "garden"})
    assert (await ask("DELETE", "/api/streams/garden/publisher"))[0] == 404
    async with publishing.desk.admit(claim(made["key"])) as session:
        _, _, listed = await ask("GET", "/api/keys")
        assert listed["keys"][0]["publishing"] == {
            "protocol": "rtmp", "address": "192.0.2.7", "since": session.since,
        }  # fmt: skip
        status, _, told = await ask("DELETE", "/api/streams/garden/publisher")
        assert (status, told) == (200, {"ended": "garden"})
        assert str(session._end.result()) == "ended by the operator"
    async with publishing.desk.admit(claim(made["key"])) as session:
        await ask("DELETE", f"/api/keys/{made['id']}")
        assert "revoked" in str(session._end.result())
    await publishing.keys.close()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/keys"),
        ("POST", "/api/keys"),
        ("POST", "/api/keys/garden/rotate"),
        ("DELETE", "/api/keys/garden"),
        ("DELETE", "/api/streams/garden/publisher"),
    ],
)
async def test_nothing_without_the_token(ask: Ask, publishing: Publishing, method: str, path: str) -> None:
    body = {"stream": "garden"} if method == "POST" else None
    for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x"):
        status, headers, told = await ask(method, path, body, token)
        assert (status, told) == (401, {"error": "the admin's token is needed"})
        assert headers["www-authenticate"] == 'Bearer realm="live-torrent"'
    status, _, _ = await ask(method, path, body, None, Authorization=f"Basic {TOKEN}")
    assert status == 401
    await publishing.keys.refresh()
    assert publishing.keys.all().all == ()


async def test_where_there_is_no_token_nobody_is_the_admin(open_site: Open, publishing: Publishing) -> None:
    site = await open_site(blueprints=(blueprint(publishing, Operator(None)),))
    for authorization in ("Bearer ", "Bearer None", ""):
        assert (await site.fetch("/api/keys", authorization=authorization)).status == 401


async def test_other_sites_pages_are_refused_and_get_no_cors(ask: Ask) -> None:
    own = {"Origin": "http://tv.example.org", "Host": "tv.example.org"}
    assert (await ask("GET", "/api/keys", **own))[0] == 200
    for foreign in (
        {"Origin": "http://evil.example.org"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        status, headers, _ = await ask("GET", "/api/keys", **foreign)
        assert status == 403
        assert not [name for name in headers if name.startswith("access-control")]
    _, headers, _ = await ask("OPTIONS", "/api/keys", None, None, Origin="http://evil.example.org")
    assert not [name for name in headers if name.startswith("access-control")]
    _, headers, _ = await ask("GET", "/api/keys")
    assert not [name for name in headers if name.startswith("access-control")]


async def test_who_guesses_has_to_wait_and_no_guess_is_logged(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "seeder")
    for number in range(BURST):
        assert (await ask("GET", "/api/keys", None, f"guess-{number}"))[0] == 401
    status, headers, _ = await ask("GET", "/api/keys")
    assert status == 429
    assert 0 < int(headers["retry-after"]) <= 61
    assert "a wrong token, or none, from 127.0.0.1" in caplog.text
    assert "guess-" not in caplog.text
    assert TOKEN not in caplog.text


async def test_behind_a_proxy_a_guesser_does_not_lock_the_others_out(
    open_site: Open, publishing: Publishing
) -> None:
    site = await open_site(blueprints=(blueprint(publishing, Operator(TOKEN, trust_proxy=True)),))
    for _ in range(BURST):
        await site.fetch("/api/keys", authorization="Bearer wrong", x_forwarded_for="198.51.100.1")
    right = f"Bearer {TOKEN}"
    got = await site.fetch("/api/keys", authorization=right, x_forwarded_for="10.0.0.1, 198.51.100.1")
    assert got.status == 429
    got = await site.fetch("/api/keys", authorization=right, x_forwarded_for="198.51.100.1, 192.0.2.1")
    assert got.status == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b"", {}, 400, "stream is needed"),
        (b"{", {}, 400, "a JSON object is needed"),
        (b"[]", {}, 400, "a JSON object is needed"),
        (b"stream=garden", {"Content_Type": "application/x-www-form-urlencoded"}, 415, "JSON is needed"),
        ({"stream": 1}, {}, 400, "stream must be a string"),
        ({"stream": "garden", "srt": "yes"}, {}, 400, "srt must be a boolean"),
        ({"stream": "../x"}, {}, 400, "cannot name a stream"),
        ({"stream": "garden", "expires": "soon"}, {}, 400, "expires: a time such as"),
        ({"stream": "garden", "until": "30d"}, {}, 400, "'until' is unknown here"),
    ],
)
async def test_what_is_wrong_is_told(
    ask: Ask, body: object, headers: dict[str, str], status: int, told: str
) -> None:
    got, _, answer = await ask("POST", "/api/keys", body, **headers)
    assert got == status
    assert told in answer["error"]


async def test_a_body_that_is_too_long_is_not_read(ask: Ask) -> None:
    status, _, _ = await ask("POST", "/api/keys", {"stream": "garden", "label": "x" * 100_000})
    assert status == 413


async def test_a_damaged_file_of_keys_is_told_and_left_alone(ask: Ask, publishing: Publishing) -> None:
    assert publishing.keys.file is not None
    publishing.keys.file.path.write_text("{")
    for method, path, body in (
        ("GET", "/api/keys", None),
        ("POST", "/api/keys", {"stream": "garden"}),
        ("DELETE", "/api/keys/x", None),
    ):
        status, _, told = await ask(method, path, body)
        assert status == 503
        assert "is damaged" in told["error"]
    assert publishing.keys.file.path.read_text() == "{"
