"""Publishing over the WebSocket, as pages do it and as nobody should."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from seeder.ingest import supply
from seeder.ingest.ingest import Ingest
from seeder.publish.browser import talk
from seeder.stream_config import StreamConfig
from tests.publish.browser.made import made
from tests.publish.browser.page import on_air, page
from tests.publish.studio import PATIENCE, Studio, studio, until


@pytest_asyncio.fixture(scope="module")
async def here(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    """One for all stories, each of which has a stream of its own."""
    patient = tuple(StreamConfig(name, stall_seconds=80) for name in ("flood", "stuck"))
    async with studio(tmp_path_factory.mktemp("talk"), "browser", window=100, streams=patient) as running:
        yield running


def noise() -> bytes:
    """Much of it."""
    data = made("h264", 8.0, "testsrc2=size=320x180:rate=25,noise=alls=100:allf=t")
    assert len(data) > 8_000_000
    return data


@asynccontextmanager
async def stopped_ffmpeg(here: Studio) -> AsyncIterator[Ingest]:
    """Of the only publisher: it reads nothing while the block lasts."""
    desk = here.running.desk
    assert desk is not None
    (session,) = desk.sessions()
    await until(lambda: session.ingest is not None and session.ingest.pid is not None)
    assert session.ingest is not None
    pid = session.ingest.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield session.ingest
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def seconds(playlist: str) -> list[float]:
    return [float(found) for found in re.findall(r"#EXTINF:([\d.]+)", playlist)]


async def test_a_recording_is_live_and_whole_and_its_key_is_nowhere(
    here: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    key = here.key("film")
    async with on_air(here, "film", key=key, mime="video/webm;codecs=vp8,opus") as one:
        data = made("vp8", 4.6)
        await one.send(data)
        await one.hears("live")
        view = here.running.library.stream("film")
        assert view is not None
        assert view.segments >= 1
        state = await one.hears("state", state="live", received=len(data))
        assert (state["mode"], state["viewers"], state["held"]) == ("encode", 0, 0)
        assert "browser" in str(here.running.snapshot().publishers["film"])
        await one.say("stop")
        ended = await one.hears("ended")
        assert await one.over() == 1000
    durations = seconds(here.playlist("film"))
    assert sum(durations) == pytest.approx(4.6, abs=0.1)
    assert ended["segments"] == len(durations) == 5  # the last is shorter
    assert key not in caplog.text
    await here.idle()


async def test_with_a_key_in_the_handshake_a_program_needs_none_in_its_words(here: Studio) -> None:
    headers = {"Authorization": f"Bearer {here.key('program')}"}
    async with page(here, "program", additional_headers=headers) as one:
        await one.say("start")
        await one.hears("ready", stream="program")
        await one.send(made("h264", 2.0))
        await one.say("stop")
        assert (await one.hears("ended"))["segments"] == 2
        assert await one.over() == 1000


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type":"start","key":"ltk_nobodys"}', 4401),
        ('{"type":"start"}', 4401),
        ('{"type":"start","key":"KEY"}', 4403),  # another stream's
        ('{"type":"start","key":7}', 1003),
        ('{"type":"stop"}', 4400),
        ("[]", 1003),
        ("x" * 17_000, 1009),
        (b"\x1a\x45\xdf\xa3", 4400),
        ("", 1003),
    ],
)
async def test_who_begins_wrong_is_told_so(here: Studio, first: str | bytes, code: int) -> None:
    async with page(here, "wrong") as one:
        if isinstance(first, str):
            first = first.replace("KEY", here.key("another"))
        await one.socket.send(first)
        assert await one.over() == code


@pytest.mark.parametrize(
    ("what", "code"),
    [
        (b"this is no film, whatever it calls itself", 4415),
        (b"\x1a\x45\xdf\xa3\x80" + b"\xec\x10\xff\xff\xff" + bytes(1_100_000), 4413),
        ("hello", 1003),
        ("x" * 17_000, 1009),
        (bytes((4 << 20) + 1), 1009),
        ('{"type":"stop"}', 4415),  # of nothing
    ],
)
async def test_who_goes_on_wrong_loses_the_stream_and_nobody_else_does(
    here: Studio, what: str | bytes, code: int
) -> None:
    async with on_air(here, "rude") as one:
        if code == 1009 and isinstance(what, bytes):
            await one.socket.send(bytes(0))  # at that length one that fits is taken
        await one.socket.send(what)
        assert await one.over() == code
    await here.idle()


async def test_silence_ends_it_and_an_empty_message_is_none(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as hurried:
        hurried.setattr(talk, "KEY_SECONDS", 0.3)
        async with page(here, "silent") as one:  # says nothing, and reads no further either: half open
            assert await one.over() == 4408
    monkeypatch.setattr(talk, "SILENCE", 1.5)
    monkeypatch.setattr(talk, "BEGIN", 3.0)
    data = made("vp8", 2.0)

    async def sends_nothing() -> float:
        begun = time.monotonic()
        async with on_air(here, "empty") as one:
            with suppress(ConnectionClosed):
                for _ in range(300):
                    await one.socket.send(b"")
                    await asyncio.sleep(0.2)
            assert await one.over() == 4408
        return time.monotonic() - begun

    async def falls_silent() -> None:
        async with on_air(here, "silent") as one:
            await one.send(data)
            assert await one.over() == 4408

    lasted, _ = await asyncio.gather(sends_nothing(), falls_silent())
    assert lasted > 2.5
    assert sum(seconds(here.playlist("silent"))) == pytest.approx(2, abs=0.1)


async def test_a_lost_connection_goes_on_in_the_same_stream_and_nothing_is_there_twice(here: Studio) -> None:
    key, data = here.key("lost"), made("h264", 4.0)
    async with on_air(here, "lost", key=key) as one:
        await one.send(data[: len(data) * 5 // 8])  # into a frame, in a cluster
        await one.hears("live")
        await one.vanish()
    async with on_air(here, "lost", key=key, resume=one.ready["resume"]) as again:  # type: ignore[attr-defined]
        await again.send(data)
        await again.say("stop")
        assert await again.over() == 1000
    before, after = here.playlist("lost").split("#EXT-X-DISCONTINUITY\n")
    assert 2 <= sum(seconds(before)) <= 2.7
    assert sum(seconds(after)) == pytest.approx(4, abs=0.1)
    names = re.findall(r"^[^#\n]+$", before + after, re.MULTILINE)
    assert len(set(names)) == len(names)
    times = [
        time.strptime(found, "%Y-%m-%dT%H:%M:%S") for found in re.findall(r"TIME:(.*?)\.", before + after)
    ]
    assert times == sorted(times)


async def test_who_comes_back_is_let_in_while_only_we_take_the_old_connection_for_alive(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = here.running.desk
    assert desk is not None
    monkeypatch.setattr(desk, "_turn", lambda stream: talk_turn(takes_over=False))
    key = here.key("back")
    async with on_air(here, "back", key=key) as old:
        await old.send(made("vp8", 2.0))
        await old.hears("live")
        async with page(here, "back") as stranger:
            await stranger.say("start", key=key, resume="not the one")
            assert await stranger.over() == 4409
        async with page(here, "back") as stranger:
            await stranger.say("start", key="ltk_wrong", resume=old.ready["resume"])  # type: ignore[attr-defined]
            assert await stranger.over() == 4401
        async with on_air(here, "back", key=key, resume=old.ready["resume"]) as new:  # type: ignore[attr-defined]
            assert await old.over() == 4409
            await new.send(made("vp8", 2.0))
            await new.say("stop")
            assert await new.over() == 1000


def talk_turn(*, takes_over: bool) -> object:
    from seeder.publish.desk import Turn

    return Turn(takes_over, 0.2)


async def test_a_second_publisher_takes_over(here: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = here.running.desk
    assert desk is not None
    monkeypatch.setattr(desk, "_turn", lambda stream: talk_turn(takes_over=True))
    async with on_air(here, "two") as first:
        await first.send(made("vp8", 2.0))
        await first.hears("live")
        async with page(here, "two") as second:
            await second.say("start", key=here.key("two"))
            await second.send(noise(), 500_000)  # it need not wait until it is its turn
            await second.hears("ready")
            assert await first.over() == 4409
            await second.hears("live")
            assert here.running.snapshot().publishers["two"].protocol == "browser"
    await here.idle()


async def test_a_revoked_and_an_expired_key_end_it_at_once(here: Studio) -> None:
    shown = here.keys.change(lambda all_: all_.created("gone", time.time(), lifetime=3)[0::2])
    ident = here.keys.change(
        lambda all_: (lambda made: (made[0], (made[1].id, made[2])))(all_.created("shut", 0))
    )
    async with on_air(here, "gone", key=shown) as expires, on_air(here, "shut", key=ident[1]) as revoked:
        await revoked.send(made("vp8", 2.0))
        await revoked.hears("live")
        here.keys.change(lambda all_: (all_.revoked(ident[0]), None))
        assert await revoked.over() == 4401
        with suppress(ConnectionClosed):
            for _ in range(600):
                await expires.socket.send(b"")
                await asyncio.sleep(0.1)
        assert await expires.over() == 4401


async def test_who_sends_faster_than_ffmpeg_reads_waits_and_nothing_grows(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "LIMIT", 300_000)
    async with on_air(here, "flood") as one:
        sending = asyncio.create_task(one.send(noise(), 100_000))
        async with stopped_ffmpeg(here):
            later = await one.hears("state", mode="copy")
            while (now := await one.hears("state"))["received"] != later["received"]:
                later = now
            assert later["held"] < 900_000  # the bound, and a message
            assert later["received"] < len(noise()) - 1_000_000
        await sending
        await one.say("stop")
        assert await one.over() == 1000
    assert sum(seconds(here.playlist("flood"))) == pytest.approx(8, abs=0.1)


async def test_media_that_nobody_can_take_for_long_ends_it(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "LIMIT", 50_000)
    monkeypatch.setattr(talk, "STUCK", 0.5)
    async with on_air(here, "stuck") as one:
        sending = asyncio.create_task(one.send(noise(), 100_000))
        async with stopped_ffmpeg(here) as ingest:
            await until(lambda: ingest._supply is not None and ingest._supply.ended)
        assert await one.over() == 4413
        with suppress(ConnectionClosed):
            await sending


async def test_who_has_a_whole_network_of_ipv6_takes_no_more_places_than_one_address(here: Studio) -> None:
    class Silent:
        async def receive(self) -> None:
            await asyncio.Event().wait()

        async def send(self, text: str) -> None:
            raise ConnectionResetError

    talks = here.running._door.browser
    assert isinstance(talks, talk.Talks)
    idle = [
        asyncio.create_task(talks.talk(Silent(), "calm", f"2001:db8::{number:x}", "", Silent()))  # type: ignore[arg-type]
        for number in range(talk.MOST_PER_ADDRESS)
    ]
    await asyncio.sleep(0)
    assert talks.full("2001:db8::ffff")
    assert not talks.full("2001:db8:0:1::1")
    for one in idle:
        one.cancel()
    await asyncio.wait(idle)
    assert not talks.full("2001:db8::ffff")


async def test_two_hundred_who_say_nothing_take_nobodys_place(
    here: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_air(here, "calm") as one:
        url = f"ws://127.0.0.1:{here.running.bound.port}/api/publish/calm"
        found = await asyncio.gather(*(connect(url) for _ in range(200)), return_exceptions=True)
        inside = [idle for idle in found if not isinstance(idle, BaseException)]
        refused = [error for error in found if isinstance(error, InvalidStatus)]
        assert len(inside) == talk.MOST_PER_ADDRESS
        assert len(refused) == 200 - talk.MOST_PER_ADDRESS
        assert {error.response.status_code for error in refused} == {503}
        await one.send(made("h264", 2.0))
        await one.say("stop")
        assert await one.over() == 1000
        for idle in inside:
            idle.transport.abort()
    await until(lambda: not here.running._door.browser.full("127.0.0.1"))  # type: ignore[union-attr]


async def test_a_slow_sender_in_small_pieces_is_a_publisher_like_any(here: Studio) -> None:
    async with on_air(here, "slow") as one:
        await one.send(made("sound", 3.0), 97)
        await one.say("stop")
        assert await one.over() == 1000
    assert sum(seconds(here.playlist("slow"))) == pytest.approx(3, abs=0.1)


async def test_another_recorder_on_the_same_connection_goes_on_in_the_stream(here: Studio) -> None:
    async with on_air(here, "changes") as one:
        await one.send(made("vp8", 3.0)[:-300])
        await one.say("start", mime="video/mp4")
        await one.send(made("mp4", 3.0))
        await one.hears("state", mode="copy")
        await one.say("stop")
        assert await one.over() == 1000
    first, second = here.playlist("changes").split("#EXT-X-DISCONTINUITY\n")
    assert sum(seconds(first)) == pytest.approx(2.9, abs=0.25)
    assert sum(seconds(second)) == pytest.approx(3, abs=0.1)


async def test_a_server_that_stops_says_so_to_all(tmp_path: Path) -> None:
    async with studio(tmp_path, "browser") as here, on_air(here) as one, page(here) as unknown:
        await one.send(made("vp8", 2.0))
        await one.hears("live")
        stopping = asyncio.create_task(here.running.desk.close())  # type: ignore[union-attr]
        assert await one.over() == 4503
        await stopping
        await here.running._door.browser.close()  # type: ignore[union-attr]
        async with asyncio.timeout(PATIENCE):
            assert await unknown.over() == 4503
