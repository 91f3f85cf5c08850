"""Stories of publishers: real encoders, real ffmpeg behind the desk, the playlists that come of it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from seeder.config import Config
from seeder.ingest.supply import Supply
from seeder.publish import Claim, Desk, Grant, RefusedError
from seeder.publish import desk as desks
from seeder.publish.desk import Turn
from seeder.publish.keyfile import KeyFile
from seeder.publish.keys import Keys
from seeder.publish.room import Publishing
from tests.ingest.conftest import Viewer
from tests.publish.encoder import Encoder, departures, encoder

PATIENCE = 90.0


class Studio:
    """A feed folder, a room with a file of keys, and who publishes there."""

    def __init__(self, folder: Path, ffmpeg: str, **settings: Any) -> None:
        self.feed = folder / "feed"
        self.feed.mkdir()
        self.file = KeyFile(folder / "keys.json")
        self.ffmpeg = ffmpeg
        config = Config(keys=self.file.path, segment_seconds=0.5, **settings)
        self.room = Publishing(config, self.feed, let_go, lambda stream: False)
        self.publishers: list[asyncio.Task[str]] = []

    def key(self, stream: str = "garden", lifetime: int | None = None) -> str:
        def how(all_: Keys) -> tuple[Keys, str]:
            more, _, shown = all_.created(stream, time.time(), lifetime=lifetime)
            return more, shown

        return self.file.change(how)

    def revoke(self) -> None:
        """Every key."""
        self.file.change(lambda all_: (Keys(), None))

    def viewer(self, stream: str = "garden") -> Viewer:
        return Viewer(self.feed / stream, self.ffmpeg)

    def publish(self, key: str, camera: Encoder | None = None, **options: Any) -> asyncio.Task[str]:
        """A publisher; its task gives why it was cut off, or nothing."""
        supply = options.pop("supply", None) or Supply("a test", "mpegts", **options)
        reading = asyncio.sleep(600) if camera is None else camera.read_into(supply)
        task = asyncio.create_task(self._publish(Claim("flv", "192.0.2.7", key), supply, reading))
        self.publishers.append(task)
        return task

    async def _publish(self, claim: Claim, supply: Supply, reading: Coroutine[Any, Any, None]) -> str:
        try:
            async with self.room.desk.admit(claim) as session:
                await session.carry(supply, reading)
        except RefusedError as error:
            return f"{error.status} {error}"
        finally:
            reading.close()
        return ""


async def let_go(path: Path) -> None:
    pass


@asynccontextmanager
async def studio_of(folder: Path, ffmpeg: str, **settings: Any) -> AsyncIterator[Studio]:
    studio = Studio(folder, ffmpeg, **settings)
    running = asyncio.create_task(studio.room.run())
    try:
        yield studio
    finally:
        await studio.room.desk.close()
        await asyncio.gather(*studio.publishers)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(claim: Callable[[], object], publisher: asyncio.Task[str] | None = None) -> None:
    async with asyncio.timeout(PATIENCE):
        while not claim():
            assert publisher is None or not publisher.done(), publisher.result()
            await asyncio.sleep(0.03)


def shows(viewer: Viewer, last: int) -> Callable[[], bool]:
    return lambda: viewer.reload() and viewer.last >= last


async def test_a_wrong_key_reaches_nothing(tmp_path: Path, ffmpeg: str) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio:
        studio.key()
        assert await studio.publish("lt_wrong") == "401 no such key"
        assert await studio.publish("") == "401 a key is needed"
        assert list(studio.feed.iterdir()) == []


async def test_a_publisher_ends_with_its_key(tmp_path: Path, ffmpeg: str) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio:
        ended = await studio.publish(studio.key(lifetime=1))
        assert ended in ("401 the key has expired", "401 the key was revoked, or has expired")


async def test_a_second_publisher_takes_over_and_what_was_published_outlives_its_key(
    tmp_path: Path, ffmpeg: str
) -> None:
    async with studio_of(tmp_path, ffmpeg, takeover=0.2) as studio, encoder() as one, encoder() as two:
        viewer, key = studio.viewer(), studio.key()
        first = studio.publish(key, one)
        await until(shows(viewer, 0), first)
        second = studio.publish(key, two)
        async with asyncio.timeout(PATIENCE):
            assert await first == "409 another publisher with a key for this stream took over"
        last = viewer.reload() and viewer.last
        await until(shows(viewer, last + 2), second)
        assert viewer.discontinuities == 2
        studio.revoke()
        async with asyncio.timeout(PATIENCE):
            assert await second == "401 the key was revoked, or has expired"
        assert viewer.reload()
        assert not viewer.ended, "another publisher may go on with it"
        viewer.check_bytes()
        assert viewer.decode() == ""
        assert studio.room.desk.sessions() == ()


async def test_through_killed_ffmpegs_and_publishers_that_vanish_the_numbers_go_on(
    tmp_path: Path, ffmpeg: str
) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio, encoder() as camera, encoder() as again:
        viewer, key = studio.viewer(), studio.key()
        publisher = studio.publish(key, camera)
        await until(shows(viewer, 0), publisher)
        (session,) = studio.room.desk.sessions()
        assert session.ingest is not None
        assert session.ingest.pid is not None
        os.kill(session.ingest.pid, signal.SIGKILL)
        last = viewer.last
        await until(shows(viewer, last + 2), publisher)
        assert viewer.discontinuities == 2
        assert session.ingest.status().restarts == 1
        viewer.check_bytes()
        camera.kill()
        async with asyncio.timeout(PATIENCE):
            assert await publisher == "", "one that vanishes is gone, no more"
        publisher = studio.publish(key, again)
        last = viewer.reload() and viewer.last
        await until(shows(viewer, last + 1), publisher)
        assert viewer.discontinuities == 3
        viewer.check_bytes()


async def test_one_that_sends_nothing_is_sent_away(tmp_path: Path, ffmpeg: str) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio:
        async with asyncio.timeout(PATIENCE):
            assert await studio.publish(studio.key(), silence=0.3) == "408 no media for 0.3 s"


@pytest.mark.parametrize("format", ["mpegts", "flv"])
async def test_garbage_is_no_media(tmp_path: Path, ffmpeg: str, format: str) -> None:
    dice = random.Random(7)
    supply = Supply("a test", format)
    for _ in range(20):
        await supply.write(dice.randbytes(10_000))
    await supply.end()
    async with studio_of(tmp_path, ffmpeg) as studio:
        async with asyncio.timeout(PATIENCE):
            assert (await studio.publish(studio.key(), supply=supply)).startswith("415 ")


@pytest.mark.parametrize(("video", "audio"), [(True, False), (False, True)], ids=["video", "audio"])
async def test_half_of_the_media_is_enough(tmp_path: Path, ffmpeg: str, video: bool, audio: bool) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio, encoder(video=video, audio=audio) as camera:
        viewer = studio.viewer()
        publisher = studio.publish(studio.key(), camera)
        await until(shows(viewer, 0), publisher)
        viewer.check_bytes()
        assert viewer.decode() == ""


async def test_ten_publish_at_once(tmp_path: Path, ffmpeg: str) -> None:
    async with studio_of(tmp_path, ffmpeg) as studio, AsyncExitStack() as stack:
        names = [f"garden{number}" for number in range(10)]
        publishers = [
            studio.publish(studio.key(name), await stack.enter_async_context(encoder())) for name in names
        ]
        for name, publisher in zip(names, publishers, strict=True):
            await until(shows(studio.viewer(name), 0), publisher)
        assert len(studio.room.desk.sessions()) == 10


# --- the desk alone ------------------------------------------------------------------------------------


async def everybody(claim: Claim) -> Grant:
    return Grant(claim.key, f"id-of-{claim.key}")


def no_ingest(stream: str, supply: Supply) -> Any:
    raise AssertionError("nothing is carried here")


class Guest:
    """Has a stream until it is told to go."""

    def __init__(self, desk: Desk, stream: str) -> None:
        self.leave = asyncio.Event()
        self.inside = asyncio.Event()
        self.task = asyncio.create_task(self._run(desk, stream))

    async def _run(self, desk: Desk, stream: str) -> str:
        try:
            async with desk.admit(Claim("flv", "192.0.2.7", stream)) as session:
                self.inside.set()
                leaving = asyncio.create_task(self.leave.wait())
                try:
                    await asyncio.wait({session._end, leaving}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    leaving.cancel()
                if session._end.done():
                    raise session._end.result()
        except RefusedError as error:
            return f"{error.status} {error}"
        return ""


@pytest.fixture
def patient() -> Desk:
    """Nobody is ended here: a second one waits for a minute."""
    return Desk(everybody, no_ingest, turn=lambda stream: Turn(grace=60))


async def waiting(desk: Desk, stream: str) -> None:
    await until(lambda: stream in desk._coming)


async def test_who_goes_in_time_is_not_ended(patient: Desk) -> None:
    first, second = Guest(patient, "garden"), None
    await first.inside.wait()
    second = Guest(patient, "garden")
    await waiting(patient, "garden")
    first.leave.set()
    assert await first.task == ""
    await second.inside.wait()
    second.leave.set()
    assert await second.task == ""
    assert patient.sessions() == ()


async def test_a_second_one_is_refused_where_that_was_asked_for(tmp_path: Path, ffmpeg: str) -> None:
    studio = Studio(tmp_path, ffmpeg, takeover=None)
    assert studio.room._turn("garden") == Turn(takes_over=False)
    desk = Desk(everybody, no_ingest, turn=lambda stream: Turn(takes_over=False, grace=0.05))
    first = Guest(desk, "garden")
    await first.inside.wait()
    assert await Guest(desk, "garden").task == "409 garden is being published by somebody else"
    assert [session.stream for session in desk.sessions()] == ["garden"]
    first.leave.set()
    assert await first.task == ""


async def test_only_one_waits(patient: Desk) -> None:
    first = Guest(patient, "garden")
    await first.inside.wait()
    second = Guest(patient, "garden")
    await waiting(patient, "garden")
    assert await Guest(patient, "garden").task == (
        "409 garden is being published, and another publisher waits for it"
    )
    first.leave.set()
    await second.inside.wait()
    second.leave.set()
    await asyncio.gather(first.task, second.task)


async def test_one_that_gives_up_waiting_makes_room_for_another(patient: Desk) -> None:
    first = Guest(patient, "garden")
    await first.inside.wait()
    second = Guest(patient, "garden")
    await waiting(patient, "garden")
    second.task.cancel()
    await asyncio.gather(second.task, return_exceptions=True)
    third = Guest(patient, "garden")
    await waiting(patient, "garden")
    first.leave.set()
    await third.inside.wait()
    third.leave.set()
    assert await third.task == ""


async def test_one_that_does_not_end_keeps_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "FAREWELL", 0.1)
    desk = Desk(everybody, no_ingest, turn=lambda stream: Turn(grace=0))
    async with desk.admit(Claim("flv", "192.0.2.7", "garden")):
        assert await Guest(desk, "garden").task == "503 garden is being published, and does not end"


async def test_there_is_room_for_so_many(patient: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "MOST", 2)
    guests = [Guest(patient, name) for name in ("a", "b")]
    for guest in guests:
        await guest.inside.wait()
    assert await Guest(patient, "c").task == "503 2 streams are being published here: no more fit"
    await patient.close()
    assert [await guest.task for guest in guests] == ["503 the server is stopping"] * 2
    assert await Guest(patient, "a").task == "503 the server is stopping"
    assert patient.counters.admitted == {"flv": 2}
    assert patient.counters.refused == {("flv", 503): 4}


async def test_a_key_for_one_stream_does_not_open_the_one_that_was_named(patient: Desk) -> None:
    with pytest.raises(RefusedError, match="for another stream") as refused:
        async with patient.admit(Claim("rtmp", "192.0.2.7", "garden", "pond")):
            pytest.fail("let in")
    assert refused.value.status == 403


async def test_revoking_ends_that_keys_publishers_alone(patient: Desk) -> None:
    one, two = Guest(patient, "a"), Guest(patient, "b")
    left = departures(patient)
    await one.inside.wait()
    await two.inside.wait()
    assert patient.revoke("id-of-c") == 0
    assert patient.revoke("id-of-a") == 1
    assert await one.task == "401 the key was revoked"
    assert [session.stream for session in patient.sessions()] == ["b"]
    assert not patient.stop("a")
    assert patient.stop("b")
    assert await two.task == "403 ended by the operator"
    assert left == [False, False]


async def test_who_says_no_goodbye_or_falls_silent_is_lost(patient: Desk) -> None:
    left = departures(patient)
    for goodbye, why, lost in (
        (False, None, True),
        (True, None, False),
        (False, RefusedError("no media for 10 s", 408), True),
        (False, RefusedError("media that cannot be used", 415), False),
    ):
        guest = Guest(patient, "garden")
        await guest.inside.wait()
        (session,) = patient.sessions()
        session.goodbye = goodbye
        if why is None:
            guest.leave.set()
        else:
            session.end(why)
        await guest.task
        assert left.pop() is lost


async def test_a_grant_ends_by_itself() -> None:
    async def briefly(claim: Claim) -> Grant:
        return Grant("garden", "", time.time() + 0.1)

    desk = Desk(briefly, no_ingest)
    assert await Guest(desk, "garden").task == "401 the key has expired"
