"""When a poster is made, where it is kept, and who waits for whom."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seeder.posters import posters
from seeder.posters.posters import BusyError, Poster
from seeder.recording.about import POSTER, Recording, State, save
from tests.posters.conftest import Film, Gallery

PATIENCE = 90.0


async def some(gallery: Gallery, name: str) -> Poster:
    found = await gallery.posters.get(name)
    assert found is not None
    assert found.data.startswith(b"\xff\xd8\xff")
    return found


async def made(gallery: Gallery, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while gallery.posters.made < count:
            await asyncio.sleep(0.02)


async def test_a_hundred_who_ask_at_once_get_one_picture(gallery: Gallery, ts_vod: Path) -> None:
    gallery.publish(ts_vod, "garden", live=True)
    found = await asyncio.gather(*(some(gallery, "garden") for _ in range(100)))
    assert gallery.posters.made == 1
    assert len({poster.etag for poster in found}) == 1


async def test_a_live_streams_poster_is_renewed_only_when_somebody_asks_again(
    gallery: Gallery, ts_vod: Path
) -> None:
    gallery.publish(ts_vod, "garden", live=True, window=slice(0, 3))
    first = await some(gallery, "garden")
    gallery.publish(ts_vod, "garden", live=True, window=slice(3, 6))
    gallery.clock.now += 29
    assert await some(gallery, "garden") == first
    gallery.clock.now += 2
    assert await some(gallery, "garden") == first, "nobody waits for the next one"
    await made(gallery, 2)
    async with asyncio.timeout(PATIENCE):
        while (second := await some(gallery, "garden")) == first:
            await asyncio.sleep(0.02)
    assert second.live
    gallery.clock.now += 301
    gallery.publish(ts_vod, "garden", live=True, window=slice(0, 3))
    assert (await some(gallery, "garden")).etag == first.etag, "what is too old is not shown any more"


async def test_a_recordings_poster_is_made_once_and_lies_beside_it(gallery: Gallery, ts_vod: Path) -> None:
    folder = gallery.publish(ts_vod, "garden-20260101-120000")
    save(folder, Recording(folder.name, "garden", State.READY, 1.0))
    first = await some(gallery, folder.name)
    assert (folder / POSTER).read_bytes() == first.data
    gallery.clock.now += 10_000
    assert await some(gallery, folder.name) == first
    assert gallery.posters.made == 1


async def test_a_recording_that_is_ready_gets_its_poster_before_anybody_asks(
    gallery: Gallery, ts_vod: Path
) -> None:
    gallery.publish(ts_vod, "garden-1", live=True)
    save(gallery.feed / "garden-1", Recording("garden-1", "garden", State.READY, 1.0))
    gallery.events.emit("recording.ready", name="garden-1", of="garden", duration=12.0)
    folder = gallery.publish(ts_vod, "garden-1")  # the library learns of the end a moment later
    async with asyncio.timeout(PATIENCE):
        while not (folder / POSTER).exists():
            await asyncio.sleep(0.02)


async def test_what_is_still_being_recorded_has_no_file_yet(gallery: Gallery, ts_vod: Path) -> None:
    folder = gallery.publish(ts_vod, "garden-1", live=True)
    save(folder, Recording("garden-1", "garden", State.RECORDING, 1.0))
    assert (await some(gallery, "garden-1")).live
    assert not (folder / POSTER).exists()


async def test_a_folder_that_is_not_ours_is_not_written_to(gallery: Gallery, ts_vod: Path) -> None:
    folder = gallery.publish(ts_vod, "holiday")
    before = sorted(folder.iterdir())
    first = await some(gallery, "holiday")
    gallery.clock.now += 10_000
    assert await some(gallery, "holiday") == first
    assert (gallery.posters.made, sorted(folder.iterdir())) == (1, before)
    gallery.publish(ts_vod, "holiday", window=slice(4, 6))  # somebody put another film there
    assert (await some(gallery, "holiday")).etag != first.etag


async def test_a_black_beginning_is_no_poster(gallery: Gallery, film: Film) -> None:
    gallery.publish(film("color=black", "testsrc2", "color=black"), "film")
    assert len((await some(gallery, "film")).data) > 4000


async def test_a_better_poster_that_somebody_put_there_is_shown(gallery: Gallery, ts_vod: Path) -> None:
    folder = gallery.publish(ts_vod, "garden-1")
    (folder / POSTER).write_bytes(b"\xff\xd8\xffmine")
    assert (await some(gallery, "garden-1")).data == b"\xff\xd8\xffmine"
    (folder / POSTER).unlink()
    (folder / POSTER).symlink_to("/etc/passwd")
    assert (await some(gallery, "garden-1")).data.startswith(b"\xff\xd8\xff\xe0")


async def test_without_a_picture_there_is_none_and_it_is_not_tried_all_the_time(
    gallery: Gallery, film: Film
) -> None:
    gallery.publish(film(), "radio", live=True)
    assert await gallery.posters.get("radio") is None
    assert await gallery.posters.get("radio") is None
    assert gallery.posters.made == 1
    gallery.clock.now += 31
    assert await gallery.posters.get("radio") is None
    assert gallery.posters.made == 2
    assert await gallery.posters.get("nobody") is None


async def test_too_many_at_once_are_told_to_come_again(
    gallery: Gallery, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posters, "QUEUE", 3)
    for number in range(5):
        gallery.publish(ts_vod, f"film {number}")
    asked = [asyncio.ensure_future(gallery.posters.get(f"film {number}")) for number in range(5)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, BusyError) for each in found].count(True) == 2
    assert await gallery.posters.get("film 4"), "a moment later there is room"


async def test_memory_holds_the_ones_asked_for_last(
    gallery: Gallery, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.publish(ts_vod, "a")
    gallery.publish(ts_vod, "b")
    size = len((await some(gallery, "a")).data) + posters.EACH
    monkeypatch.setattr(posters, "HELD", size + size // 2)
    await some(gallery, "b")
    await some(gallery, "b")
    assert gallery.posters.made == 2
    await some(gallery, "a")
    assert gallery.posters.made == 3


async def test_who_waits_is_told_when_nobody_makes_them_any_more(gallery: Gallery, ts_vod: Path) -> None:
    gallery.publish(ts_vod, "garden", live=True)
    waiting = gallery.posters.want("garden")
    async with gallery.open():  # a second worker, which ends at once
        await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await asyncio.wait_for(waiting, PATIENCE)
