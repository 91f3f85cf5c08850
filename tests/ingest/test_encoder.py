from __future__ import annotations

from dataclasses import replace

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import arguments, frame_rate, make_plan
from seeder.ingest.encoders import ENCODERS, candidates
from seeder.ingest.plan import Launch, Mode, Plan
from seeder.ingest.probe import Audio, Probe, Video
from seeder.ingest.sources import Source, SourceKind
from seeder.ladder import ENCODERS as NAMES
from seeder.ladder import parse

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


def ladder(spec: str, probe: Probe = FITS, source: Source = FILE, **more: object) -> Plan:
    return make_plan(source, probe, replace(CONFIG, ladder=parse(spec)), None, **more)  # type: ignore[arg-type]


def each(plan: Plan) -> list[list[str]]:
    """ffmpeg's arguments of each output."""
    args = arguments(plan, Launch(pipes=tuple(range(1, len(plan.steps) + 1))), (9,))
    out, at = [], args.index("-i") + 2
    for end in [n + 1 for n, arg in enumerate(args) if n >= at and arg.startswith("pipe:")]:
        out.append(args[at:end])
        at = end
    assert at == len(args)
    return out


def test_beside_a_copy_the_others_take_its_key_frames_and_times() -> None:
    plan = ladder("copy,480p@1M,audio@64k")
    copied, lower, sound = each(plan)
    assert (plan.video, value(copied, "-c:v"), value(copied, "-c:a")) == (Mode.COPY, "copy", "copy")
    assert (value(lower, "-force_key_frames"), value(lower, "-fps_mode")) == ("source", "passthrough")
    assert (value(lower, "-b:v"), value(lower, "-c:a")) == ("1000000", "copy")
    assert ("-c:v" in sound, value(sound, "-b:a")) == (False, "64000")
    assert [args[-1] for args in (copied, lower, sound)] == ["pipe:1", "pipe:2", "pipe:3"]
    for args in (copied, lower, sound):  # one time line for all
        assert value(args, "-output_ts_offset") == "10"
        assert "frag_discont" in value(args, "-movflags")


def test_a_best_rung_of_another_size_is_no_copy() -> None:
    plan = ladder("480p,240p")
    assert (plan.video, plan.why) == (Mode.ENCODE, "the ladder's best rung is 480p")
    top, low = each(plan)
    assert value(top, "-force_key_frames") == value(low, "-force_key_frames")
    assert value(top, "-r") == value(low, "-r") == "25"


def test_rungs_of_different_frame_rates_share_a_grid_and_reorder_alike() -> None:
    probe = replace(FITS, video=replace(H264, frame_rate="50"))
    plan = replace(ladder("720p,480p12.5", probe), segment_seconds=1.22)
    top, low = each(plan)
    assert value(top, "-vf").startswith("fps=50,scale")
    assert value(low, "-vf").startswith("fps=50,framestep=4,scale")
    # 1.22 s are no whole number of the slower one's frames: the next that are.
    assert ",1.279)" in value(top, "-force_key_frames")
    assert value(top, "-force_key_frames") == value(low, "-force_key_frames")
    assert value(top, "-bf") == value(low, "-bf") == "0"


@pytest.mark.parametrize(("reordered", "none"), [(True, False), (False, True)])
def test_b_frames_are_made_where_the_copy_has_some(reordered: bool, none: bool) -> None:
    assert ("-bf" in each(ladder("copy,480p", replace(FITS, reordered=reordered)))[1]) is none


def test_what_is_given_up_is_left_out_and_so_is_sound_where_there_is_none() -> None:
    assert ladder("copy,480p,240p,audio", lost=("v1",)).variants == ("v0", "v2", "a0")
    assert ladder("copy,480p,audio", replace(FITS, audio=None)).variants == ("v0", "v1")
    assert ladder("720p,audio", replace(FITS, video=None)).variants == ()


def test_a_picture_that_may_change_is_fitted_into_every_rung() -> None:
    source = replace(LIVE, kind=SourceKind.PUBLISHED, varies=720)
    small = replace(FITS, video=replace(H264, width=320, height=180))
    top, low = each(ladder("720p,360p", small, source))
    assert "pad=1280:720" in value(top, "-vf")
    assert "pad=640:360" in value(low, "-vf")


def test_a_device_gets_frames_uploaded_and_is_opened_before_the_input() -> None:
    plan = ladder("480p,240p", encoder=ENCODERS["h264_vaapi"])
    args = arguments(plan, Launch(pipes=(1, 7)), (9,))
    assert args.index("-vaapi_device") < args.index("-i")
    for output in each(plan):
        assert value(output, "-vf").endswith("setsar=1,format=nv12,hwupload")
        assert (value(output, "-c:v"), "-pix_fmt" in output) == ("h264_vaapi", False)


def test_every_encoder_that_can_be_asked_for_has_its_arguments() -> None:
    assert {*ENCODERS, "auto"} == set(NAMES)
    assert [encoder.name for encoder in candidates("auto")][-1] == "libx264"


def test_a_device_keeps_the_time_itself_but_a_graph_does_not() -> None:
    paced = {
        form: "-re"
        in arguments(make_plan(Source(SourceKind.DEVICE, "x", form), None, CONFIG, None), Launch(), (9,))
        for form in ("v4l2", "lavfi")
    }
    assert paced == {"v4l2": False, "lavfi": True}
