"""What goes, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from seeder.recording.about import EXPORTS, Recording, State, save
from seeder.recording.retention import Sizes, crowded, outdated
from tests.recording.conftest import Open, until

DAY = 86_400.0


def ended(name: str, at: float, **more: object) -> Recording:
    return replace(Recording(name, "garden", State.READY, at - 100, ended=at, duration=100.0), **more)  # type: ignore[arg-type]


def test_age_and_bytes_take_the_oldest_that_are_neither_kept_nor_under_way() -> None:
    everything = [
        (ended("old", 1 * DAY), Sizes(10)),
        (ended("kept", 2 * DAY, kept=True), Sizes(10)),
        (ended("running", 3 * DAY, ended=None, state=State.RECORDING), Sizes(10)),
        (ended("finishing", 3 * DAY, state=State.FINISHING), Sizes(10)),
        (ended("middle", 4 * DAY, state=State.INCOMPLETE), Sizes(10)),
        (ended("young", 5 * DAY), Sizes(10)),
    ]
    assert outdated(everything, 6 * DAY, None, None) == []
    assert outdated(everything, 6 * DAY, 1.5 * DAY, None) == ["old", "middle"]
    assert outdated(everything, 6 * DAY, None, 45) == ["old", "middle"]
    assert outdated(everything, 6 * DAY, None, 40) == ["old", "middle"]
    assert outdated(everything, 6 * DAY, None, 0) == ["old", "middle", "young"]
    assert outdated(everything, 2 * DAY, 0.5 * DAY, 55) == ["old"]


def test_exports_go_before_any_recording_does_for_visitors_have_them_made() -> None:
    everything = [
        (ended("young", 3 * DAY), Sizes(10, 12)),
        (ended("old", 1 * DAY, kept=True), Sizes(10, 12)),
        (ended("plain", 2 * DAY), Sizes(10)),
    ]
    assert outdated(everything, 4 * DAY, None, 30) == []
    assert crowded(everything, [], None) == crowded(everything, [], 54) == []
    assert crowded(everything, [], 50) == ["old"]
    assert crowded(everything, [], 30) == crowded(everything, [], 1) == ["old", "young"]
    assert crowded(everything, ["old"], 30) == ["young"]
    # Nothing says how much there may be; the disk does.
    assert crowded(everything, [], None, lacking=1) == ["old"]


async def test_a_disk_that_fills_up_takes_exports_back(recording: Open, feed_dir: Path) -> None:
    folder = feed_dir / "film"
    (folder / EXPORTS).mkdir(parents=True)
    (folder / EXPORTS / "film.mp4").write_bytes(b"x" * 100)
    (folder / "index.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n")
    (folder / "a.ts").write_bytes(b"x")
    save(folder, ended("film", 1.0, bytes=1))
    nearly = SimpleNamespace(f_blocks=1 << 30, f_frsize=1 << 10, f_bavail=1 << 20)  # 1 GiB left of 1 TiB
    with mock.patch("os.statvfs", return_value=nearly):
        async with recording(feed_dir, clock=lambda: 3e9) as studio:
            await until(lambda: not (folder / EXPORTS).exists())
            assert studio.kinds().count("recording.gone") == 0
    assert (folder / "recording.json").exists()


async def test_what_is_too_old_goes_with_its_exports_and_is_told(recording: Open, feed_dir: Path) -> None:
    for name, at, size in (("old", 1.0, 100), ("large", 2e9, 100), ("young", 3e9, 100)):
        folder = feed_dir / name
        (folder / EXPORTS).mkdir(parents=True)
        (folder / EXPORTS / "large.mp4").write_bytes(b"x" * (5000 if name == "large" else 1))
        (folder / "index.m3u8").write_text(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"
        )
        (folder / "a.ts").write_bytes(b"x" * size)
        save(folder, ended(name, at, bytes=size))
    async with recording(feed_dir, age=1e9, most=1000, clock=lambda: 3e9) as studio:
        await until(lambda: studio.kinds().count("recording.gone") == 1)
        assert [e.data["name"] for e in studio.told if e.kind == "recording.gone"] == ["old"]
        await until(
            lambda: sorted(p.name for p in feed_dir.iterdir() if p.name[0] != ".") == ["large", "young"]
        )
        assert not (feed_dir / "large" / EXPORTS).exists()
        assert (feed_dir / "young" / EXPORTS).exists()
        assert not list(feed_dir.glob(".deleted-*"))
