"""A publisher's bytes on their way: each promise of the supply's."""

from __future__ import annotations

import asyncio

import pytest

from seeder.ingest import supply as module
from seeder.ingest.supply import Supply

PATIENCE = 60.0


def make(**options: object) -> Supply:
    return Supply("a test", "mpegts", **options)  # type: ignore[arg-type]


async def all_of(supply: Supply) -> bytes:
    """What one reader gets until the end, or until another has to begin."""
    data = await supply.begin()
    while more := await supply.read():
        data += more
    return data


async def looked_at(supply: Supply) -> bytes:
    return b"".join([data async for data in supply.look()])


async def blocked(task: asyncio.Task[object]) -> bool:
    """It does not go on by itself."""
    for _ in range(20):
        await asyncio.sleep(0)
    return not task.done()


async def test_what_is_written_is_read_behind_the_head() -> None:
    supply = make()
    supply.head = b"head "
    for chunk in (b"one ", b"two"):
        await supply.write(chunk)
    await supply.end()
    assert supply.ended
    assert await all_of(supply) == b"head one two"
    assert await supply.read() == b""
    assert supply.why == ""


async def test_the_first_reason_of_an_end_stays() -> None:
    supply = make()
    await supply.end("the wire was cut")
    await supply.end("another")
    await supply.end()
    assert supply.why == "the wire was cut"


async def test_what_comes_behind_the_end_is_dropped() -> None:
    supply = make()
    await supply.write(b"one")
    await supply.end()
    await supply.write(b"two")
    assert await all_of(supply) == b"one"


async def test_a_reader_waits_for_media() -> None:
    supply = make()
    reading = asyncio.create_task(supply.begin())
    assert await blocked(reading)
    await supply.write(b"one")
    assert await reading == b""
    assert await supply.read() == b"one"
    waiting = asyncio.create_task(supply.read())
    assert await blocked(waiting)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await supply.write(b"two")
    assert await supply.read() == b"two", "a cancelled read took nothing"


async def test_a_writer_waits_while_too_much_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 10)
    supply = make()
    await supply.write(b"x" * 10)
    given_up = asyncio.create_task(supply.write(b"given up"))
    assert await blocked(given_up)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    writing = asyncio.create_task(supply.write(b"next"))
    assert await blocked(writing)
    await supply.begin()
    assert await supply.read() == b"x" * 10
    await writing
    assert await supply.read() == b"next"


async def test_an_end_lets_the_writer_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 10)
    supply = make()
    await supply.write(b"x" * 10)
    writing = asyncio.create_task(supply.write(b"more"))
    assert await blocked(writing)
    await supply.end()
    async with asyncio.timeout(PATIENCE):
        await writing
    assert await all_of(supply) == b"x" * 10


async def test_the_next_reader_begins_where_one_can_start() -> None:
    supply = make()
    supply.head = b"head "
    await supply.write(b"key ")
    await supply.begin()
    assert await supply.read() == b"key "
    await supply.write(b"delta ", entry=False)  # the first reader dies here
    await supply.write(b"KEY ")
    await supply.write(b"delta", entry=False)
    await supply.end()
    assert await all_of(supply) == b"head KEY delta"


async def test_the_next_reader_waits_for_where_one_can_start() -> None:
    supply = make()
    await supply.write(b"key ")
    await supply.begin()
    await supply.read()
    reading = asyncio.create_task(supply.begin())
    assert await blocked(reading)
    await supply.write(b"delta ", entry=False)
    assert await blocked(reading)
    await supply.write(b"KEY")
    await reading
    assert await supply.read() == b"KEY"


async def test_the_first_reader_gets_all_there_is() -> None:
    supply = make()
    await supply.write(b"delta ", entry=False)
    await supply.write(b"key")
    await supply.end()
    assert await all_of(supply) == b"delta key"


async def test_a_look_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 8)
    supply = make()
    supply.head = b"head "
    looking = asyncio.create_task(looked_at(supply))
    for chunk in (b"one ", b"two "):
        await supply.write(chunk)
    async with asyncio.timeout(PATIENCE):
        assert await looking == b"head one two ", "it ends when no more can be held"
    await supply.end()
    assert await all_of(supply) == b"head one two "


async def test_a_silent_publisher_is_gone_and_says_so() -> None:
    supply = make(silence=0.05)
    assert await all_of(supply) == b""
    assert (supply.ended, supply.why) == (True, "no media for 0.05 s")
    supply = make(silence=0.05)
    await supply.write(b"one")
    assert await all_of(supply) == b"one"
    assert supply.why == "no media for 0.05 s"


async def test_media_that_comes_another_way_is_no_silence() -> None:
    supply = make(alone=True, silence=30)
    supply.head = b"sdp"
    assert await supply.begin() == b"sdp"
    assert await looked_at(supply) == b"sdp"
    supply._last = asyncio.get_running_loop().time() - 29.8
    reading = asyncio.create_task(supply.read())
    await asyncio.sleep(0)
    supply.heard()
    await asyncio.sleep(0.4)
    assert not reading.done()
    await supply.end()
    assert await reading == b""


async def test_a_reader_that_cannot_go_on_ends_and_the_next_has_the_new_head() -> None:
    supply = make()
    supply.head = b"old "
    await supply.write(b"one ")
    await supply.write(b"TWO ", head=b"new ", anew=True, look=True)
    assert await all_of(supply) == b"old one "
    assert (supply.turned, supply.unlike) == (True, True)
    looking = asyncio.create_task(looked_at(supply))
    await supply.end()
    assert await looking == b"new TWO "
    assert await all_of(supply) == b"new TWO "
    assert not supply.turned


async def test_a_look_ends_before_media_that_needs_another_reader() -> None:
    supply = make()
    await supply.write(b"one ")
    await supply.write(b"TWO", anew=True)
    assert await looked_at(supply) == b"one "
    assert await all_of(supply) == b"one "
    assert (supply.turned, supply.unlike) == (True, False)


async def test_a_head_holds_from_its_chunk_on() -> None:
    supply = make()
    supply.head = b"old "
    await supply.write(b"one ")
    await supply.write(b"two ", head=b"new ")
    assert await supply.begin() == b"old "
    assert await supply.read() == b"one two "
    await supply.write(b"skipped ", entry=False, head=b"newer ")
    await supply.write(b"KEY")
    assert await supply.begin() == b"newer "
    assert await supply.read() == b"KEY"


async def test_whoever_feeds_it_is_told_of_readers() -> None:
    told: list[bool] = []
    supply = make()
    supply.on_reader = told.append
    await supply.write(b"one")
    await supply.end()
    await looked_at(supply)
    await all_of(supply)
    assert told == [False, True]
