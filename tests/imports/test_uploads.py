"""Uploads over a real server, by requests as tus clients send them, and as they break."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from seeder.config import Config
from seeder.events import Events
from seeder.feed.library import Library
from seeder.imports import uploads as module
from seeder.imports.task import KIND, Importing
from seeder.imports.uploads import Uploads, Wanted
from seeder.tasks import Tasks
from seeder.web import ServerConfig, create_app, serve
from seeder.web.operator import Operator
from tests.conftest import Start
from tests.imports.conftest import Record

PATIENCE = 90.0
TOKEN = "a-token-of-sixteen"
MEDIA = {"Content-Type": "application/offset+octet-stream"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def offset(self) -> int:
        return int(self.headers["upload-offset"])


@dataclass
class Line:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        if body and "Content-Length" not in headers and "Transfer-Encoding" not in headers:
            headers = {**headers, "Content-Length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", "Host: there", *(f"{k}: {v}" for k, v in headers.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def answer(self, method: str = "") -> Answer:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *rest = head.strip().split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in rest)}
            length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
            return Answer(int(first.split()[1]), headers, await self.reader.readexactly(length))

    def close(self) -> None:
        self.writer.transport.abort()


@dataclass
class Desk:
    """Where uploads are taken, and who sends them."""

    port: int
    token: str = TOKEN
    lines: list[Line] = field(default_factory=list)

    async def line(self) -> Line:
        line = Line(*await asyncio.open_connection("127.0.0.1", self.port))
        self.lines.append(line)
        return line

    def said(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0", **headers}

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        line = await self.line()
        line.send(method, path, self.said(headers), body)
        try:
            return await line.answer(method)
        finally:
            line.close()

    async def create(self, length: int, **metadata: str) -> str:
        """Its path."""
        pairs = [f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in metadata.items()]
        more = {"Upload-Metadata": ",".join(pairs)} if pairs else {}
        answer = await self.ask("POST", "/api/uploads", {"Upload-Length": str(length), **more})
        assert answer.status == 201, answer
        assert re.fullmatch(r"uploads/[0-9a-f]{32}", answer.headers["location"])
        return "/api/" + answer.headers["location"]

    async def bring(self, path: str, offset: int, body: bytes, **more: str) -> Answer:
        return await self.ask("PATCH", path, {**MEDIA, "Upload-Offset": str(offset), **more}, body)

    async def offset(self, path: str) -> int:
        answer = await self.ask("HEAD", path, {})
        assert answer.status == 200, answer
        assert answer.headers["cache-control"] == "no-store"
        return answer.offset

    async def until(self, path: str, offset: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while await self.offset(path) != offset:
                await asyncio.sleep(0.02)


@dataclass
class Place(Desk):
    feed: Path = Path()
    uploads: Uploads = field(default_factory=lambda: Uploads(Path(), 0))
    tasks: Tasks = field(default_factory=lambda: Tasks(Path(), {}, Events()))

    def bytes_of(self, path: str) -> bytes:
        return (self.feed / ".live-torrent/uploads" / f"{path.rpartition('/')[2]}.data").read_bytes()


@asynccontextmanager
async def open_place(
    feed: Path, limit: int = 1 << 20, clock: Callable[[], float] | None = None
) -> AsyncIterator[Place]:
    hidden, events, kinds = feed / ".live-torrent", Events(), {}  # type: ignore[var-annotated]
    more = {} if clock is None else {"clock": clock}
    uploads = Uploads(hidden / "uploads", limit, **more)
    tasks = Tasks(hidden / "tasks", kinds, events)
    importing = Importing(feed, Config, uploads, tasks, events)
    kinds[KIND] = importing.work
    app = create_app(Library(feed), operator=Operator(TOKEN), importing=importing)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        running = [group.create_task(room()) for room in (tasks.run, importing.run)]
        await tasks.ready()
        async with asyncio.timeout(PATIENCE):
            while not uploads.ready:
                await asyncio.sleep(0.01)
        bound = await stack.enter_async_context(serve(app, ServerConfig(port=0, grace=0.1)))
        place = Place(bound.port, feed=feed, uploads=uploads, tasks=tasks)
        try:
            yield place
        finally:
            for line in place.lines:
                line.close()
            await stack.aclose()
            for task in running:
                task.cancel()


@pytest_asyncio.fixture(loop_scope="session")
async def place(feed_dir: Path) -> AsyncIterator[Place]:
    async with open_place(feed_dir) as opened:
        yield opened


async def test_the_server_says_what_it_can(place: Place) -> None:
    line = await place.line()
    line.send("OPTIONS", "/api/uploads", {})
    answer = await line.answer()
    assert answer.status == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(1 << 20)
    assert answer.headers["tus-extension"] == "creation,creation-with-upload,expiration,termination,checksum"


async def test_pieces_add_up_whatever_breaks_between_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOMENT", PATIENCE)
    data = os.urandom(300_000)
    path = await place.create(400_000)
    assert (await place.bring(path, 0, data[:100_000])).offset == 100_000
    broken = await place.line()
    headers = {**MEDIA, "Upload-Offset": "100000", "Content-Length": "200000"}
    broken.send("PATCH", path, place.said(headers), data[100_000:150_001])
    await broken.writer.drain()
    await asyncio.sleep(0.05)
    broken.writer.close()  # in the middle, as a train in a tunnel
    await place.until(path, 150_001)
    assert (await place.bring(path, 150_001, data[150_001:])).offset == 300_000
    assert place.bytes_of(path) == data


async def test_one_connection_brings_many_pieces(place: Place) -> None:
    path, line = await place.create(1000), await place.line()
    for at in range(0, 900, 300):
        line.send("PATCH", path, place.said({**MEDIA, "Upload-Offset": str(at)}), bytes(300))
        answer = await line.answer()
        assert (answer.status, answer.offset) == (204, at + 300)
        assert answer.headers["upload-expires"].endswith("GMT")


async def test_a_chunked_body_counts_as_it_comes(place: Place) -> None:
    path = await place.create(100)
    chunks = b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
    answer = await place.bring(path, 0, chunks, **{"Transfer-Encoding": "chunked"})
    assert (answer.status, answer.offset) == (204, 8)
    assert place.bytes_of(path) == b"abcdefgh"


async def test_a_wrong_offset_and_too_many_bytes_change_nothing(place: Place) -> None:
    path = await place.create(1000)
    await place.bring(path, 0, b"a" * 600)
    for offset in (0, 599, 601):
        assert (await place.bring(path, offset, b"b" * 100)).status == 409
    assert (await place.bring(path, 600, b"b" * 401)).status == 413
    chunked = b"191\r\n" + b"c" * 401 + b"\r\n0\r\n\r\n"
    assert (await place.bring(path, 600, chunked, **{"Transfer-Encoding": "chunked"})).status == 413
    assert place.bytes_of(path)[:600] == b"a" * 600
    assert await place.offset(path) == 600


async def test_what_comes_with_a_checksum_counts_when_that_is_right(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = await place.create(1000), os.urandom(500)

    def checksum(of: bytes) -> dict[str, str]:
        return {"Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(of).digest()).decode()}"}

    assert (await place.bring(path, 0, data, **checksum(b"other"))).status == 460
    assert (await place.offset(path), place.bytes_of(path)) == (0, b"")
    assert (await place.bring(path, 0, data, **checksum(data))).offset == 500
    assert (await place.bring(path, 500, data, **{"Upload-Checksum": "crc32 AAAA"})).status == 400
    broken = await place.line()
    headers = {**MEDIA, "Upload-Offset": "500", "Content-Length": "500", **checksum(data)}
    broken.send("PATCH", path, place.said(headers), data[:300])
    await broken.writer.drain()
    broken.writer.close()
    monkeypatch.setattr(module, "MOMENT", PATIENCE)
    assert (await place.bring(path, 500, b"", **checksum(b""))).status == 204
    assert place.bytes_of(path) == data, "of what could not be held against it nothing stays"


async def test_after_a_crash_what_was_not_held_against_its_checksum_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 10)
    uploads, crash = Uploads(tmp_path, 1000), asyncio.Event()
    uploads.load()
    upload = await uploads.create(100, "", Wanted())

    async def pieces(*given: bytes, crashes: bool = False) -> AsyncIterator[bytes]:
        for piece in given:
            yield piece
        if crashes:
            await crash.wait()

    await uploads.write(upload.id, 0, pieces(b"a" * 20))
    writing = asyncio.create_task(
        uploads.write(upload.id, 20, pieces(b"b" * 30, crashes=True), ("md5", b"never known"))
    )
    async with asyncio.timeout(PATIENCE):
        while uploads.path(upload).stat().st_size < 50:
            await asyncio.sleep(0.01)
    later = Uploads(tmp_path, 1000)
    later.load()
    assert later.offset(later.get(upload.id)) == 20
    assert later.path(upload).read_bytes() == b"a" * 20
    writing.cancel()
    await asyncio.wait([writing])


async def test_two_at_once_do_not_mix_and_who_came_back_takes_over(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await place.create(1000)
    first = await place.line()
    headers = {**MEDIA, "Upload-Offset": "0", "Content-Length": "1000"}
    monkeypatch.setattr(module, "QUIET", PATIENCE)
    monkeypatch.setattr(module, "MOMENT", 0.01)
    first.send("PATCH", path, place.said(headers), b"a" * 400)
    async with asyncio.timeout(PATIENCE):
        while (answer := await place.bring(path, 0, b"")).status != 423:
            await asyncio.sleep(0.02)
    assert b"another request writes it" in answer.body
    # Its connection is dead, and nobody has told us.
    monkeypatch.setattr(module, "QUIET", 0.0)
    assert (await place.bring(path, 0, b"")).status == 409, "what it held was written before"
    assert await place.offset(path) == 400
    assert (await place.bring(path, 400, b"b" * 100)).offset == 500
    assert place.bytes_of(path) == b"a" * 400 + b"b" * 100


MEANT: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("POST", "/api/uploads", {}, 400),
    ("POST", "/api/uploads", {"Upload-Length": "many"}, 400),
    ("POST", "/api/uploads", {"Upload-Defer-Length": "1"}, 400),
    ("POST", "/api/uploads", {"Upload-Length": str((1 << 20) + 1)}, 413),
    ("POST", "/api/uploads", {"Upload-Length": "9", "Upload-Metadata": "name Li4="}, 400),
    ("POST", "/api/uploads", {"Upload-Length": "9", "Upload-Metadata": "name dGhlcmU="}, 409),
    ("POST", "/api/uploads", {"Upload-Length": "9", "Tus-Resumable": "0.2.2"}, 412),
    ("POST", "/api/uploads", {"Upload-Length": "9", "Authorization": "Bearer wrong"}, 401),
    ("POST", "/api/uploads", {"Upload-Length": "9", "Origin": "https://evil.example"}, 403),
    ("HEAD", "/api/uploads/0123", {}, 404),
    ("PATCH", "/api/uploads/../../x", MEDIA | {"Upload-Offset": "0"}, 404),
    ("DELETE", "/api/uploads", {}, 405),
    ("PUT", "/api/uploads", {}, 405),
)
"""What cannot be, and its status."""


async def test_what_cannot_be_meant_is_told(place: Place) -> None:
    (place.feed / "there").mkdir()
    for method, path, headers, status in MEANT:
        answer = await place.ask(method, path, headers)
        assert answer.status == status, (method, path, headers, answer)
        if method != "HEAD":
            assert json.loads(answer.body)["error"]
    assert place.uploads.all() == ()


async def test_a_body_that_nobody_wants_is_not_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeder.web.uploads.LINGER", 0.2)
    path, line = await place.create(1000), await place.line()
    headers = {"Content-Type": "text/plain", "Upload-Offset": "0", "Content-Length": "900"}
    line.send("PATCH", path, place.said(headers), bytes(100))
    assert (await line.answer()).status == 415
    async with asyncio.timeout(PATIENCE):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await line.reader.readexactly(1)  # it is ended


async def test_what_was_given_up_and_what_has_expired_is_gone(feed_dir: Path) -> None:
    now = 1_700_000_000.0
    async with open_place(feed_dir, clock=lambda: now) as place:
        first, second = await place.create(1000), await place.create(1000)
        await place.bring(first, 0, b"abc")
        assert (await place.ask("DELETE", first, {})).status == 204
        assert (await place.ask("HEAD", first, {})).status == 404
        now += module.EXPIRY + 1
        assert (await place.ask("HEAD", second, {})).status == 404
        place.uploads.complete.set()  # look now
        async with asyncio.timeout(PATIENCE):
            while list((feed_dir / ".live-torrent/uploads").iterdir()):
                await asyncio.sleep(0.02)


async def test_there_is_a_bound_to_how_many_are_begun(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    await place.create(10)
    await place.create(10)
    assert (await place.ask("POST", "/api/uploads", {"Upload-Length": "10"})).status == 429


async def test_a_disk_without_room_refuses_what_is_coming(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "spare", lambda folder: 700_000)
    await place.create(500_000)
    answer = await place.ask("POST", "/api/uploads", {"Upload-Length": "500000"})
    assert answer.status == 507
    assert b"no room" in answer.body


async def test_the_last_byte_begins_an_import_and_its_task_is_told(place: Place, record: Record) -> None:
    data = record(2)
    path = await place.create(len(data), filename="Our Day.webm", title="A day")
    answer = await place.bring(path, 0, data)
    assert answer.status == 204
    task = place.tasks.get(answer.headers["task"])
    assert task is not None
    async with asyncio.timeout(PATIENCE):
        while not (task := place.tasks.get(answer.headers["task"]) or task).state.over:
            await asyncio.sleep(0.02)
    assert (task.state, task.error) == ("done", "")
    assert task.result["name"] == task.about == "Our-Day"
    assert json.loads((place.feed / "Our-Day/recording.json").read_bytes())["title"] == "A day"
    assert await place.offset(path) == len(data), "whoever asks again is told that all is there"
    assert not list((place.feed / ".live-torrent/uploads").glob("*.data"))
    assert (await place.bring(path, len(data), b"x")).status == 413


async def test_no_media_fails_in_one_line_and_leaves_nothing(place: Place) -> None:
    path = await place.create(5000, filename="film.mp4", name="film")
    answer = await place.bring(path, 0, b"no media!\n" * 500)
    async with asyncio.timeout(PATIENCE):
        while not (task := place.tasks.get(answer.headers["task"])) or not task.state.over:
            await asyncio.sleep(0.02)
    assert task.state == "failed"
    assert task.error.startswith("film.mp4: ")
    assert str(place.feed) not in task.error
    assert not (place.feed / "film").exists()
    assert not list((place.feed / ".live-torrent/uploads").glob("*.data"))


async def test_a_server_that_comes_before_another_has_left_throws_nothing_of_its_uploads_away(
    feed_dir: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, begun, events = record(2), asyncio.Event(), Events()
    hidden, kinds = feed_dir / ".live-torrent", {}  # type: ignore[var-annotated]

    async def never(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        async with open_place(feed_dir) as first:
            with monkeypatch.context() as slow:
                slow.setattr("seeder.imports.task.make", never)
                answer = await first.bring(
                    await first.create(len(data), filename="day.webm", name="day"), 0, data
                )
                await asyncio.wait_for(begun.wait(), PATIENCE)
            tasks = Tasks(hidden / "tasks", kinds, events)
            uploads = Uploads(hidden / "uploads", 1 << 20)
            importing = Importing(feed_dir, Config, uploads, tasks, events)
            kinds[KIND] = importing.work
            later = [group.create_task(room()) for room in (tasks.run, importing.run)]
            await tasks.ready()
            assert "another live-torrent" in tasks.warning
            with pytest.raises(module.UploadError, match="in a moment"):
                uploads.get("0" * 32)
        async with asyncio.timeout(PATIENCE):
            while (task := tasks.get(answer.headers["task"])) is None or not task.state.over:
                await asyncio.sleep(0.02)
        assert (task.state, task.error) == ("done", "")
        for room in later:
            room.cancel()


async def test_an_upload_outlives_the_server_and_becomes_a_stream_with_magnets(
    feed_dir: Path, live_torrent: Start, record: Record
) -> None:
    data = record(4)
    token = {"LIVE_TORRENT_ADMIN_TOKEN": TOKEN}
    server = await live_torrent("serve", "--feed", str(feed_dir), env=token)
    desk = Desk(server.port)
    path = await desk.create(len(data), filename="talk.webm", name="talk")
    broken = await desk.line()
    headers = {**MEDIA, "Upload-Offset": "0", "Content-Length": str(len(data))}
    broken.send("PATCH", path, desk.said(headers), data[:20_000])
    await broken.writer.drain()
    broken.writer.close()
    await desk.until(path, 20_000)
    server.kill()

    server = await live_torrent("serve", "--feed", str(feed_dir), env=token)
    desk.port = server.port
    async with asyncio.timeout(PATIENCE):
        while (await desk.ask("HEAD", path, {})).status == 503:  # what is there is not known yet
            await asyncio.sleep(0.02)
    assert await desk.offset(path) == 20_000
    answer = await desk.bring(path, 20_000, data[20_000:])
    assert answer.status == 204
    manifest = ""
    async with asyncio.timeout(PATIENCE):
        while "#EXT-X-ENDLIST" not in manifest:
            manifest = (await desk.ask("GET", "/live/talk/v0/index.m3u8", {})).body.decode()
            await asyncio.sleep(0.05)
    assert manifest.count("MAGNET=") == manifest.count("#EXTINF:") == 2
    for line in (broken, *desk.lines):
        line.close()
