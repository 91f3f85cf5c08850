from __future__ import annotations

from dataclasses import replace

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import arguments, frame_rate, make_plan
from seeder.ingest.plan import Launch, Mode
from seeder.ingest.probe import Audio, Probe, Video
from seeder.ingest.sources import Source, SourceKind

FILE = Source(SourceKind.FILE, "file:/a.mp4")
LIVE = Source(SourceKind.URL, "srt://host:9000")
H264 = Video("h264", "High", "yuv420p", 1280, 720, "25")
FITS = Probe("mov,mp4", 60.0, H264, Audio("aac", "LC"), 2.0)
CONFIG = IngestConfig("s")


def value(args: list[str], option: str) -> str:
    return args[args.index(option) + 1]


def test_what_fits_is_copied() -> None:
    plan = make_plan(FILE, FITS, CONFIG, None)
    assert (plan.video, plan.audio, plan.target_duration) == (Mode.COPY, Mode.COPY, 2)
    assert (plan.paced, plan.loop, plan.why) == (True, True, "")
    args = arguments(plan, Launch(), (9,))
    assert "libx264" not in args
    assert value(args, "-stream_loop") == "-1"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"video": replace(H264, codec="hevc")}, "not H.264"),
        ({"video": replace(H264, pixel_format="yuv420p10le")}, "yuv420p10le"),
        ({"video": replace(H264, interlaced=True)}, "interlaced"),
        ({"longest_gop": 3.3}, "3.3 s apart"),
        ({"longest_gop": None}, "no IDR"),
        ({"container": "mpegts"}, "loses frames"),
    ],
)
def test_what_does_not_fit_is_encoded_and_the_reason_said(change: dict[str, object], why: str) -> None:
    plan = make_plan(FILE, replace(FITS, **change), CONFIG, None)  # type: ignore[arg-type]
    assert (plan.video, plan.audio) == (Mode.ENCODE, Mode.ENCODE)
    assert why in plan.why


def test_only_the_sound_is_encoded_when_only_the_sound_does_not_fit() -> None:
    plan = make_plan(FILE, replace(FITS, audio=Audio("opus", "")), CONFIG, None)
    assert (plan.video, plan.audio) == (Mode.COPY, Mode.ENCODE)


@pytest.mark.parametrize(
    ("gop", "existing", "mode", "target_duration"),
    [
        (0.5, None, Mode.COPY, 2),
        (2.2, None, Mode.COPY, 2),
        (2.5, None, Mode.COPY, 3),
        (3.0, None, Mode.COPY, 3),
        (3.0, 2, Mode.ENCODE, 2),  # a stream's Target Duration is for life
        (4.0, None, Mode.ENCODE, 2),
        (4.0, 4, Mode.COPY, 4),
    ],
)
def test_the_target_duration_follows_the_gop_until_it_is_fixed(
    gop: float, existing: int | None, mode: Mode, target_duration: int
) -> None:
    plan = make_plan(FILE, replace(FITS, longest_gop=gop), CONFIG, existing)
    assert (plan.video, plan.target_duration) == (mode, target_duration)


def test_a_longer_segment_than_the_stream_allows_is_shortened() -> None:
    plan = make_plan(FILE, FITS, IngestConfig("s", segment_seconds=6), 2, copy=False)
    assert (plan.segment_seconds, plan.target_duration) == (2, 2)


def test_a_live_input_is_not_paced() -> None:
    plan = make_plan(LIVE, replace(FITS, container="mpegts", duration=None), CONFIG, None)
    assert (plan.video, plan.paced, plan.loop) == (Mode.COPY, False, False)
    assert "-re" not in arguments(plan, Launch(), (9,))


def test_what_could_not_be_looked_at_is_encoded_with_whatever_there_is() -> None:
    args = arguments(make_plan(LIVE, None, CONFIG, None), Launch(), (9,))
    assert "0:V:0?" in args
    assert "0:a:0?" in args
    assert "-frag_duration" in args


def test_an_input_without_video_and_audio_is_an_error() -> None:
    with pytest.raises(IngestError, match="neither video nor audio"):
        make_plan(FILE, Probe("tty", 1.0, None, None), CONFIG, None)


def test_key_frames_are_forced_at_the_segment_length_and_nowhere_else() -> None:
    plan = make_plan(FILE, FITS, IngestConfig("s", segment_seconds=4), None, copy=False)
    args = arguments(plan, Launch(), (9,))
    assert "t-prev_forced_t,3.999" in value(args, "-force_key_frames")
    assert value(args, "-sc_threshold") == "0"
    assert value(args, "-forced-idr") == "1"


@pytest.mark.parametrize(
    ("version", "has"), [((5, 1, 6), False), ((6, 1), True), ((9, 0, 2), True), ((0,), False)]
)
def test_a_burst_needs_an_ffmpeg_that_knows_it(version: tuple[int, ...], has: bool) -> None:
    plan = make_plan(Source(SourceKind.PICTURE, ""), None, CONFIG, None)
    assert ("-readrate_initial_burst" in arguments(plan, Launch(burst=6), version)) is has


@pytest.mark.parametrize(
    ("given", "taken"),
    [("25", "25"), ("30000/1001", "30000/1001"), ("", "30"), ("0.2", "10"), ("240", "60"), ("60", "60")],
)
def test_the_frame_rate_is_kept_within_bounds(given: str, taken: str) -> None:
    assert frame_rate(replace(H264, frame_rate=given)) == taken
