"""Recordings as files: asked for, made once, downloaded; over real HTTP, by real ffmpeg."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from seeder.events import Events
from seeder.feed.library import Library
from seeder.recording import exports
from seeder.recording.about import Recording, State
from seeder.recording.exports import KIND, Exporter, Kept
from seeder.tasks import Tasks
from seeder.web import ServerConfig, create_app, downloads, serve, throttle
from seeder.web import exports as web_exports
from seeder.web.downloads import Downloads, called, disposition
from seeder.web.exports import blueprint
from seeder.web.operator import Operator
from tests.recording_maker import Take, finish, make_recording, packets, worst_gap
from tests.tasks.test_manager import at_work, ended

TOKEN = "a-token-of-the-operators"
NAME = "garden-20261122-120000"


@dataclass
class Server:
    port: int
    feed: Path
    tasks: Tasks
    events: Events

    async def ask(
        self, method: str, path: str, body: object = None, token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            named.setdefault("Content-Type", "application/json")
        return await asyncio.to_thread(self._send, method, path, data, named)

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read()
            found = {name.lower(): value for name, value in response.getheaders()}
            if method != "HEAD" and "json" in found.get("content-type", ""):
                return response.status, found, json.loads(text)
            return response.status, found, text
        finally:
            connection.close()

    async def export(self, body: object = None, token: str | None = None, name: str = NAME) -> Any:
        """A task that is over."""
        status, headers, task = await self.ask("POST", f"/api/recordings/{name}/exports", body, token)
        assert status in (200, 202), task
        assert headers["location"] == f"/api/tasks/{task['id']}"
        return await ended(self.tasks, task["id"])


@pytest.fixture(scope="session")
def garden(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feed with one recording in it; to be copied."""
    feed = tmp_path_factory.mktemp("garden")
    make_recording(ffmpeg, feed, [Take(3, offset=50), Take(2)], NAME)
    finish(feed / NAME, title="Der Garten „bei Nacht“ / 100 %")
    return feed


@asynccontextmanager
async def opened(feed: Path, ffmpeg: str, *, public: bool = True) -> AsyncIterator[Server]:
    async def which() -> str:
        return ffmpeg

    events, operator = Events(), Operator(TOKEN)
    exporter = Exporter(feed, which, public=public)
    (feed / ".live-torrent").mkdir(exist_ok=True)
    tasks = Tasks(feed / ".live-torrent" / "tasks", {KIND: exporter.work}, events)
    app = create_app(
        Library(feed),
        blueprints=(blueprint(feed, tasks, operator, public=public),),
        downloads=Downloads(feed, tasks, operator, public=public),
    )
    async with serve(app, ServerConfig(port=0)) as bound, at_work(tasks):
        watching = asyncio.create_task(exporter.run(events, tasks))
        try:
            yield Server(bound.port, feed, tasks, events)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


@pytest_asyncio.fixture(loop_scope="session")
async def server(garden: Path, tmp_path: Path, ffmpeg: str) -> AsyncIterator[Server]:
    feed = shutil.copytree(garden, tmp_path / "feed").resolve()
    async with opened(feed, ffmpeg) as found:
        yield found


async def test_a_visitor_downloads_a_recording_as_mp4(server: Server, ffmpeg: str, tmp_path: Path) -> None:
    task = await server.export({"format": "mp4"})
    assert (task.state, task.error) == ("done", "")
    result = task.result
    assert (result["from"], round(result["duration"], 1), result["note"]) == (0.0, 5.0, "")
    status, headers, data = await server.ask("GET", result["url"])
    assert (status, len(data)) == (200, result["bytes"])
    assert headers["content-type"] == "video/mp4"
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-disposition"].startswith(
        'attachment; filename="Der Garten bei Nacht 100 2026-11-22'
    )
    full = re.search(r"filename\*=UTF-8''(\S+)$", headers["content-disposition"])
    assert full is not None
    assert full[1] == quote("Der Garten „bei Nacht“ 100 % 2026-11-22.mp4")
    (tmp_path / "got.mp4").write_bytes(data)
    shown = await packets(ffmpeg, tmp_path / "got.mp4")
    assert len(shown["video"]) == 125
    assert worst_gap(shown["video"]) < 0.001
    # As a download is resumed.
    etag = headers["etag"]
    status, headers, rest = await server.ask("GET", result["url"], Range="bytes=1000-", If_Range=etag)
    assert (status, rest) == (206, data[1000:])
    assert "content-disposition" in headers
    assert (await server.ask("GET", result["url"], Range="bytes=0-9", If_Range='"other"'))[0] == 200
    assert (await server.ask("GET", result["url"], If_None_Match=etag))[0] == 304
    status, headers, told = await server.ask("GET", result["url"], Range=f"bytes={len(data)}-")
    assert (status, headers["content-range"], told) == (
        416, f"bytes */{len(data)}", {"error": "the file is shorter"},
    )  # fmt: skip
    status, headers, _ = await server.ask("HEAD", result["url"], Range="bytes=0-9")
    assert (status, headers["content-length"]) == (200, str(len(data)))
    # Nobody sees it in the feed's own paths.
    assert (await server.ask("GET", f"/live/{NAME}/.exports/{result['file']}"))[0] == 404


async def test_all_who_ask_the_same_share_one_task_and_one_file(server: Server) -> None:
    path = f"/api/recordings/{NAME}/exports"
    both = await asyncio.gather(*(server.ask("POST", path, {"format": "mp4"}) for _ in range(5)))
    assert len({told["id"] for _, _, told in both}) == 1
    id = both[0][2]["id"]
    await ended(server.tasks, id)
    status, _, again = await server.ask("POST", path)  # mp4 by default
    assert (status, again["id"], again["state"]) == (200, id, "done")
    file = server.feed / NAME / ".exports" / again["result"]["file"]
    before = file.stat()
    status, _, listed = await server.ask("GET", path)
    assert (status, [one["file"] for one in listed["exports"]]) == (200, [f"{NAME}.mp4"])
    # The task is forgotten, the file is there: another task finds it at once.
    await server.tasks.cancel(id)
    task = await server.export()
    assert task.id != id
    assert file.stat().st_ino == before.st_ino
    # A recording that has changed since is exported anew.
    index = server.feed / NAME / "v0" / "index.m3u8"
    index.write_text(index.read_text().replace("#EXT-X-DISCONTINUITY", "#EXT-X-DISCONTINUITY\n", 1))
    other = await server.export()
    assert other.id != task.id
    assert file.stat().st_ino != before.st_ino
    # And one whose file was cut short, too.
    file.write_bytes(file.read_bytes()[:-1])
    assert (await server.export()).id != other.id
    assert (await server.ask("DELETE", f"{path}/{file.name}"))[0] == 401
    assert (await server.ask("DELETE", f"{path}/{file.name}", token=TOKEN))[0] == 200
    assert (await server.ask("GET", f"{path}/{file.name}"))[0] == 404
    assert (await server.ask("DELETE", f"{path}/{file.name}", token=TOKEN))[0] == 404


async def test_parts_are_the_admins(server: Server, ffmpeg: str) -> None:
    path = f"/api/recordings/{NAME}/exports"
    for body in ({"from": 1.0}, {"to": 2}, {"variant": "v0"}, {"from": 0}):
        assert (await server.ask("POST", path, body))[0] == 401, body
        assert (await server.ask("POST", path, body, "wrong"))[0] == 401
    task = await server.export({"from": 1.25, "to": 2}, TOKEN)
    assert (task.state, task.result["from"], task.result["file"]) == ("done", 1.0, f"{NAME}_1.25-2.mp4")
    status, headers, _ = await server.ask("GET", task.result["url"])
    assert status == 200
    assert "0h00m01s-0h00m02s" in headers["content-disposition"]
    other = await server.export({"from": 1.2504, "to": 2}, TOKEN)
    assert other.id == task.id  # the same to the millisecond
    assert (await server.export({"variant": "v0"}, TOKEN)).result["file"] == f"{NAME}_v0.mp4"


async def test_what_cannot_be_asked_for_is_refused_with_a_reason(server: Server) -> None:
    path = f"/api/recordings/{NAME}/exports"
    for body, status, error in (
        ({"format": "avi"}, 400, "the format must be one of mp4, webm"),
        ({"format": 1}, 400, "format must be a string"),
        ({"from": 3, "to": 2}, 400, "from must be before to"),
        ({"from": 9}, 400, "the recording has 5.0 s, and none from 9.0 s on"),
        ({"from": -1}, 400, "from must be before to"),
        ({"variant": "../../v0"}, 404, "the recording has no such variant"),
        ({"start": 1}, 400, "'start' is unknown here; known: format, from, to, variant"),
    ):
        told = await server.ask("POST", path, body, TOKEN)
        assert (told[0], told[2]["error"]) == (status, error)
    for name in ("nothing", "..", "%2e%2e", "%2fetc", ".live-torrent", "g%C3%A4rten", "a%00b", "%25", "-x"):
        for method, rest in (("POST", ""), ("GET", ""), ("GET", "/x.mp4"), ("DELETE", "/x.mp4")):
            found = await server.ask(method, f"/api/recordings/{name}/exports{rest}", None, TOKEN)
            assert found[0] in (404, 308), (name, method)
    for file in ("..", "%2e%2e%2frecording.json", f"{NAME}.mp4.json", ".mp4", "%00.mp4", "x.mp4"):
        assert (await server.ask("GET", f"{path}/{file}"))[0] == 404, file
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://example.org"}):
        assert (await server.ask("POST", path, **headers))[0] == 403
    finish(server.feed / NAME, State.RECORDING)
    status, _, told = await server.ask("POST", path)
    assert (status, told["error"][:26]) == (409, "it is still being recorded")
    # Of what is there a part can be had all the same.
    assert (await server.export({"from": 0, "to": 2}, TOKEN)).state == "done"
    assert server.tasks.unfinished() == 0


async def test_visitors_cannot_keep_ffmpeg_busy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/recordings/{NAME}/exports"
    task = await server.export({"format": "webm"})
    assert (task.state, task.error) == ("failed", "its H.264 does not go into WebM: ask for mp4")
    # What failed a moment ago is not tried again for them; for the admin it is.
    assert (await server.ask("POST", path, {"format": "webm"}))[2]["id"] == task.id
    assert (await server.export({"format": "webm"}, TOKEN)).id != task.id
    monkeypatch.setattr(web_exports, "MOST_OF_VISITORS", 0)
    assert (await server.ask("POST", path))[0] == 503
    monkeypatch.setattr(throttle, "BURST", 0)
    assert (await server.ask("POST", path))[0] == 429
    assert server.tasks.unfinished() == 0


async def test_where_downloads_are_the_admins_others_need_the_tasks_id(
    garden: Path, tmp_path: Path, ffmpeg: str
) -> None:
    feed = shutil.copytree(garden, tmp_path / "feed").resolve()
    async with opened(feed, ffmpeg, public=False) as server:
        path = f"/api/recordings/{NAME}/exports"
        assert (await server.ask("POST", path))[0] == 401
        assert (await server.ask("GET", path))[0] == 401
        task = await server.export(token=TOKEN)
        plain, _, query = task.result["url"].partition("?")
        assert query == f"task={task.id}"
        assert (await server.ask("GET", task.result["url"]))[0] == 200
        assert (await server.ask("GET", plain, token=TOKEN))[0] == 200
        for wrong in ("", "?task=", f"?task={'0' * 32}", "?task=../x"):
            assert (await server.ask("GET", plain + wrong))[0] == 401, wrong
        other = plain.replace(".mp4", "_v0.mp4")
        assert (await server.ask("GET", f"{other}?task={task.id}"))[0] == 401


async def test_a_recording_that_is_deleted_ends_what_is_made_of_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def hang(self: object) -> object:
        begun.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(exports.Export, "run", hang)
    _, _, task = await server.ask("POST", f"/api/recordings/{NAME}/exports")
    await begun.wait()
    shutil.rmtree(server.feed / NAME)
    server.events.emit("recording.gone", name=NAME, of="garden")
    assert (await ended(server.tasks, task["id"])).state == "cancelled"
    assert not (server.feed / NAME).exists()
    assert (await server.ask("POST", f"/api/recordings/{NAME}/exports"))[0] == 404


async def test_who_has_begun_to_download_gets_all_of_it_whatever_becomes_of_the_recording(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await server.export()
    file = server.feed / NAME / ".exports" / task.result["file"]
    data = file.read_bytes() + bytes(12 << 20)  # more than sockets hold
    note = json.loads(file.with_name(f"{file.name}.json").read_text()) | {"bytes": len(data)}
    file.write_bytes(data)
    file.with_name(f"{file.name}.json").write_text(json.dumps(note))
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 16)
    writer.write(f"GET {task.result['url']} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head
    monkeypatch.setattr(downloads, "MOST_OF_ONE", 1)
    assert (await server.ask("GET", task.result["url"]))[0] == 429
    assert (await server.ask("HEAD", task.result["url"]))[0] == 200
    monkeypatch.setattr(downloads, "MOST_OF_ONE", 2)
    monkeypatch.setattr(downloads, "MOST", 1)
    assert (await server.ask("GET", task.result["url"]))[0] == 503
    shutil.rmtree(server.feed / NAME)
    assert (await server.ask("GET", task.result["url"]))[0] == 404
    got = bytearray()
    while more := await reader.read(1 << 16):
        got += more
    assert bytes(got) == data
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("title", "plain", "full"),
    [
        ("Garden", "Garden 2026-11-22.mp4", "Garden 2026-11-22.mp4"),
        ("../../etc/passwd", "etc passwd 2026-11-22.mp4", "etc passwd 2026-11-22.mp4"),
        ('a"; filename="b.exe', "a ; filename= b.exe 2026-11-22.mp4", "a ; filename= b.exe 2026-11-22.mp4"),
        ("line\r\nSet-Cookie: a", "line Set-Cookie a 2026-11-22.mp4", "line Set-Cookie a 2026-11-22.mp4"),
        ("Ночь", "2026-11-22.mp4", "Ночь 2026-11-22.mp4"),
        ("", "garden 2026-11-22.mp4", "garden 2026-11-22.mp4"),
        ("x" * 300, "x" * 120 + ".mp4", "x" * 120 + ".mp4"),
    ],
)
def test_a_file_is_called_as_the_recording_is(title: str, plain: str, full: str) -> None:
    recording = Recording(NAME, "garden", State.READY, 1795348800.0, title)
    kept = Kept(f"{NAME}.mp4", "mp4", 0, 5, 1, True, "", "", 0)
    assert called(recording, kept) == full
    assert disposition(full) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(full)}"
