"""Live streams are recorded as other programs write them, over a real feed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seeder.ingest.storage import locked
from seeder.recording import recorder
from seeder.recording.about import State, load
from tests.recording.conftest import Open, Writer, media, playlist, until, uris


async def test_what_is_live_is_kept_under_its_names_and_torrents_until_its_end(
    recording: Open, feed_dir: Path
) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=3)
        for _ in range(2):
            garden.add()
        folder = await studio.recorded("garden", 2)
        text = (folder / "index.m3u8").read_text()
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in text
        assert "#EXT-X-ENDLIST" not in text
        live = await until(lambda: studio.feed.tagged("garden") and studio.feed.torrent("garden", "seg1.ts"))
        await until(lambda: studio.feed.tagged(folder.name))
        assert studio.feed.torrent(folder.name, "seg1.ts") == live, "one swarm"
        for count in range(3, 9):
            garden.add()
            await studio.recorded("garden", count)
        (garden.folder / "seg0.ts").unlink()
        garden.write(ended=True)
        folder = await studio.ready("garden")
        whole = playlist(folder / "index.m3u8")
        assert [segment.uri for segment in whole.segments] == [f"seg{n}.ts" for n in range(8)]
        assert (whole.ended, whole.playlist_type, whole.media_sequence) == (True, "VOD", 0)
        assert not any(segment.discontinuity for segment in whole.segments)
        assert (folder / "seg0.ts").read_bytes() == b"garden/seg0.ts " * 500
        about = load(folder)
        assert about is not None
        assert (about.state, about.duration, about.segments, about.lost) == (State.READY, 16.0, 8, 0.0)
        assert about.bytes == sum(path.stat().st_size for path in folder.glob("*.ts"))
        await until(lambda: not list(folder.glob(".*")))
        await until(lambda: not studio.feed.view(folder.name).live)
        await until(lambda: "recording.ready" in studio.kinds())
        started = [e for e in studio.told if e.kind == "recording.start"]
        ready = [e for e in studio.told if e.kind == "recording.ready"]
        assert [e.data["of"] for e in started] == [e.data["of"] for e in ready] == ["garden"]
        assert ready[0].data["duration"] == 16.0
        assert len(studio.all(folder.name)) == 0, "a recording is not recorded"


async def test_what_was_there_before_is_not_recorded_and_what_is_switched_off_neither(
    recording: Open, feed_dir: Path
) -> None:
    garden = Writer(feed_dir, "garden")
    for _ in range(3):
        garden.add()
    async with recording(feed_dir, on=False) as studio:
        garden.add()
        await until(lambda: "seg3.ts" in studio.feed.listed("garden"))
        await studio.recorder.switch("garden", True)
        garden.add()
        folder = await studio.recorded("garden", 1)
        assert uris(folder / "index.m3u8") == ["seg4.ts"]
        await studio.recorder.switch("garden", False)
        await studio.ready("garden")
        garden.add()
        await until(lambda: "seg5.ts" in studio.feed.listed("garden"))
        await studio.recorder.switch("garden", True)
        garden.add()
        folder = await studio.recorded("garden", 1, number=1)
        assert uris(folder / "index.m3u8") == ["seg6.ts"]
    async with recording(feed_dir, on=False) as studio:
        assert studio.recorder.switches.on("garden"), "remembered"
        assert [r.state for r in studio.all("garden")] == [State.READY, State.READY], "the stop finished it"


async def test_a_writer_that_begins_anew_with_its_names_loses_and_doubles_nothing(
    recording: Open, feed_dir: Path
) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=3)
        for count in range(1, 5):
            garden.add(b"first %d " % count * 200)
            await studio.recorded("garden", count)
        garden.restart()
        for count in range(1, 4):
            garden.add(b"other %d " % count * 200, tags="" if count > 1 else "#EXT-X-DISCONTINUITY\n")
            folder = await studio.recorded("garden", 4 + count)
        garden.write(ended=True)
        await studio.ready("garden")
        whole = playlist(folder / "index.m3u8")
        kept = [(folder / segment.uri).read_bytes() for segment in whole.segments]
        assert kept == [b"first %d " % n * 200 for n in (1, 2, 3, 4)] + [
            b"other %d " % n * 200 for n in (1, 2, 3)
        ]
        assert [segment.discontinuity for segment in whole.segments] == [False] * 4 + [True] + [False] * 2
        assert media(folder) == [folder / "index.m3u8"]


async def test_of_two_servers_of_a_feed_one_records_and_the_other_once_that_is_gone(
    recording: Open, feed_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder, "AGAIN", 0.05)
    place = feed_dir / recorder.PLACE
    place.mkdir(parents=True)

    async def second() -> None:
        async with recording(feed_dir) as studio:
            assert studio.recorder.trouble() == ""
            Writer(feed_dir, "garden").add()
            await studio.recorded("garden", 1)

    with locked(place):
        waiting = asyncio.create_task(second())
        await until(lambda: "another live-torrent records in this feed" in caplog.text)
        await asyncio.sleep(0.2)
        assert not waiting.done()
    await waiting
