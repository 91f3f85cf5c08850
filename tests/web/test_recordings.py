"""/api/recordings, over real HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
from pathlib import Path
from typing import Any

from seeder.web.operator import Operator
from seeder.web.recordings import blueprint
from tests.recording.conftest import Writer, studio, until
from tests.web.conftest import Open, Site

TOKEN = "a-token-of-the-operators"


async def ask(
    site: Site, method: str, path: str, body: object = None, token: str | None = TOKEN
) -> tuple[int, Any]:
    def send() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", site.bound.port, timeout=60)
        try:
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            data = None if body is None else json.dumps(body)
            if data is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(send)


async def test_recordings_are_listed_titled_kept_and_deleted(open_site: Open, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    folder.mkdir()
    async with studio(folder, on=False) as room:
        routes = blueprint(room.recorder, Operator(TOKEN), lambda infohash: 2)
        site = await open_site(blueprints=(routes,))
        assert await ask(site, "GET", "/api/recordings", token=None) == (200, {"recordings": []})
        assert await ask(site, "GET", "/api/streams/garden/recording", token=None) == (
            200, {"on": False, "recording": None},
        )  # fmt: skip
        switched = await ask(site, "PUT", "/api/streams/garden/recording", {"on": True})
        assert switched == (200, {"on": True, "recording": None})
        garden = Writer(folder, "garden")
        garden.add()
        recording = await room.recorded("garden", 1)
        name = recording.name
        status, found = await ask(site, "GET", f"/api/recordings/{name}", token=None)
        assert status == 200
        assert (found["name"], found["of"], found["state"], found["live"]) == (
            name,
            "garden",
            "recording",
            True,
        )
        assert (found["playlist"], found["viewers"], found["segments"]) == (f"/live/{name}/master.m3u8", 2, 1)
        assert (await ask(site, "DELETE", f"/api/recordings/{name}"))[0] == 409, "it is being recorded"
        assert (await ask(site, "PATCH", f"/api/recordings/{name}", {"title": "Roses"}))[1][
            "title"
        ] == "Roses"
        _, switch = await ask(site, "PUT", "/api/streams/garden/recording", {"on": False})
        assert switch["on"] is False
        await room.ready("garden")
        (recording / "poster.jpg").write_bytes(b"jpeg")
        status, found = await ask(site, "PATCH", f"/api/recordings/{name}", {"kept": True})
        assert status == 200
        assert (found["title"], found["kept"], found["state"], found["live"]) == (
            "Roses",
            True,
            "ready",
            False,
        )
        assert found["poster"] == f"/api/streams/{name}/poster"
        _, everything = await ask(site, "GET", "/api/recordings", token=None)
        assert everything == {"recordings": [found]}
        assert (await ask(site, "PUT", f"/api/streams/{name}/recording", {"on": True}))[0] == 409
        assert await ask(site, "DELETE", f"/api/recordings/{name}") == (200, {"deleted": name})
        assert list(folder.glob("*garden-*")) == []
        assert (await ask(site, "GET", f"/api/recordings/{name}", token=None))[0] == 404
        await until(lambda: room.feed.library.stream(name) is None)
        assert room.told[-1].kind in ("recording.gone",)


async def test_only_the_admin_changes_anything_and_what_is_asked_is_looked_at(
    open_site: Open, tmp_path: Path
) -> None:
    folder = tmp_path / "recorded"
    folder.mkdir()
    async with studio(folder, on=False) as room:
        site = await open_site(blueprints=(blueprint(room.recorder, Operator(TOKEN), lambda infohash: 0),))
        for method, path, body in (
            ("PUT", "/api/streams/garden/recording", {"on": True}),
            ("PATCH", "/api/recordings/garden", {"kept": True}),
            ("DELETE", "/api/recordings/garden", None),
        ):
            assert (await ask(site, method, path, body, token="guess"))[0] == 401
        assert not room.recorder.switches.on("garden")
        for method, path, body, status in (
            ("PUT", "/api/streams/garden/recording", {"on": "yes"}, 400),
            ("PUT", "/api/streams/garden/recording", {}, 400),
            ("PUT", "/api/streams/..%5cgarden/recording", {"on": True}, 404),
            ("PATCH", "/api/recordings/garden", {"title": "Roses"}, 404),
            ("PATCH", "/api/recordings/garden", {"title": "a\nb"}, 400),
            ("PATCH", "/api/recordings/garden", {"state": "ready"}, 400),
            ("DELETE", "/api/recordings/garden", None, 404),
        ):
            assert (await ask(site, method, path, body))[0] == status, (method, body)
