"""What viewers get of recorders' odd files: one line of time, sound with its picture. A flash and a beep each
second tell."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from seeder.publish.browser.frames import AUDIO, VIDEO, Frame
from tests.publish.browser.hls import Run, viewed
from tests.publish.browser.made import FLASH, annex_b, edited, later, made, only, taken_apart, written

SOON = 0.07
"""Seconds: an encoder's delay, a frame of sound and one of the picture."""


def whole(run: Run, seconds: int, within: float = SOON) -> None:
    """Every second of it is there, in segments of one."""
    assert run.durations == pytest.approx((1.0,) * seconds, abs=0.05)
    assert run.flashes == pytest.approx(list(range(seconds)), abs=within)
    assert run.pictures == pytest.approx(50 * seconds, abs=3)


@pytest.mark.parametrize(("kind", "mode"), [("vp8", "encode"), ("h264", "copy"), ("b", "copy")])
async def test_what_recorders_make_comes_out_whole_and_in_sync(kind: str, mode: str, tmp_path: Path) -> None:
    (run,), how = await viewed(tmp_path, made(kind))
    whole(run, 4)
    assert run.beeps == pytest.approx([0, 1, 2, 3], abs=SOON)
    assert how == mode


VARIABLE = f"{FLASH},select='not(eq(mod(n,3),2))*not(between(n,56,73))'"
"""Every third picture is missing, and for most of the third second there is none."""


def backward(frame: Frame) -> int:
    """Every other one goes back by a little."""
    gap = 40_000 if frame.kind == VIDEO else 20_000
    return frame.time // gap % 2 * (gap + 4_000)


async def test_times_that_begin_anywhere_and_waver_change_nothing(tmp_path: Path) -> None:
    header, frames = taken_apart("vp8", 4.0, VARIABLE)
    assert sum(frame.kind == VIDEO for frame in frames) < 60
    odd = [later(frame, 50_000_123_000 + backward(frame)) for frame in frames]
    for kind in (VIDEO, AUDIO):
        times = [frame.time for frame in odd if frame.kind == kind]
        assert any(after < before for before, after in pairwise(times))
    (run,), _ = await viewed(tmp_path, written(header, odd, sized=True))
    whole(run, 4, within=0.1)  # of some flashes the first picture is missing
    assert run.beeps == pytest.approx([0, 1, 2, 3], abs=SOON)


@pytest.mark.parametrize("kind", ["vp8", "mp4"])  # Opus, encoded; AAC, copied
async def test_a_sound_that_comes_late_joins_in_sync_and_nothing_is_interrupted(
    kind: str, tmp_path: Path
) -> None:
    header, frames = taken_apart(kind, 6.0)
    late = edited(frames, lambda frame: None if frame.kind == AUDIO and frame.time < 2_700_000 else frame)
    (run,), mode = await viewed(tmp_path, written(header, late, sized=True, ticks=100), pace=1.0)
    assert mode == ("encode" if kind == "vp8" else "copy")
    whole(run, 6)
    assert run.beeps == pytest.approx([3, 4, 5], abs=SOON)
    assert run.seconds_of_sound == pytest.approx(6, abs=0.1)


async def test_a_sound_that_was_promised_and_never_comes_holds_nothing_up(tmp_path: Path) -> None:
    header, frames = taken_apart("h264")
    silent = [frame for frame in frames if frame.kind == VIDEO]
    (run,), mode = await viewed(tmp_path, written(header, silent), pace=1.0)
    assert mode == "copy"
    whole(run, 4)
    assert run.beeps == ()


async def test_a_sound_of_which_silence_cannot_be_made_joins_behind_a_discontinuity(tmp_path: Path) -> None:
    header, frames = taken_apart("vp9", 6.0)  # with Vorbis
    late = edited(frames, lambda frame: None if frame.kind == AUDIO and frame.time < 2_700_000 else frame)
    (first, second), _ = await viewed(tmp_path, written(header, late), pace=40.0)
    assert first.beeps == ()
    assert (len(first.flashes), len(second.flashes)) == (3, 3)
    assert second.beeps == pytest.approx([0, 1, 2], abs=SOON)


async def test_a_picture_that_comes_late_joins_with_its_sound(tmp_path: Path) -> None:
    header, frames = taken_apart("h264", 6.0)
    late = edited(frames, lambda frame: None if frame.kind == VIDEO and frame.time < 3_000_000 else frame)
    (first, second), _ = await viewed(tmp_path, written(header, late), pace=16.0)
    assert (first.flashes, len(first.beeps)) == ((), 3)
    whole(second, 3)
    assert second.beeps == pytest.approx([0, 1, 2], abs=SOON)


async def test_a_clock_that_jumps_by_an_hour_costs_no_moment(tmp_path: Path) -> None:
    header, frames = taken_apart("h264", 14.0)
    jumped = [later(frame, 3_600_000_000 if frame.time >= 2_000_000 else 0) for frame in frames]
    (first, second), _ = await viewed(tmp_path, written(header, jumped), pace=20.0)
    assert len(first.flashes) + len(second.flashes) == 14
    assert first.apart < SOON
    assert second.apart < SOON
    assert sum(first.durations) + sum(second.durations) == pytest.approx(14, abs=0.2)


async def test_another_recorder_goes_on_behind_a_discontinuity(tmp_path: Path) -> None:
    cut = made("vp8")[:-5000]  # in the middle of a frame
    runs, mode = await viewed(tmp_path, cut, made("h264"), made("sound"))
    assert [len(run.durations) for run in runs[1:]] == [4, 4]
    assert mode == "none"
    assert runs[1].apart < SOON
    assert (runs[2].flashes, len(runs[2].beeps)) == ((), 4)


async def test_h264_with_start_codes_and_a_new_size_in_the_middle_is_copied_on(tmp_path: Path) -> None:
    small = annex_b(*taken_apart("h264"))
    large = annex_b(*taken_apart("h264", 4.0, "testsrc2=size=320x180:rate=25"))
    both = written(small[0], [*small[1], *(later(frame, 4_000_000) for frame in large[1])])
    runs, mode = await viewed(tmp_path, both, pace=10.0)
    assert mode == "copy"
    assert [sum(run.durations) for run in runs] == pytest.approx([4, 4], abs=0.1)
    master = (tmp_path / "garden" / "master.m3u8").read_text()
    assert "320x180" in master


@pytest.mark.parametrize("kind", ["picture", "sound"])
async def test_one_alone_is_a_stream(kind: str, tmp_path: Path) -> None:
    header, frames = taken_apart("h264")
    wanted = VIDEO if kind == "picture" else AUDIO
    alone = written(only(wanted, header), [frame for frame in frames if frame.kind == wanted])
    (run,), mode = await viewed(tmp_path, alone)
    assert mode == ("copy" if kind == "picture" else "none")
    assert sum(run.durations) == pytest.approx(4, abs=0.1)
    assert (len(run.flashes), len(run.beeps)) == ((4, 0) if kind == "picture" else (0, 4))
