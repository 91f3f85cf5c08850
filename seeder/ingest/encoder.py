"""A plan for an input, and the ffmpeg arguments that carry it out. Pure.

What comes out is in ``outputs``.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from seeder.errors import IngestError
from seeder.ingest import picture
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoders import ENCODERS, SOFTWARE, Encoder
from seeder.ingest.outputs import FRAGMENT, outputs
from seeder.ingest.plan import USUAL_FRAME_RATE, Launch, Mode, Plan
from seeder.ingest.probe import DURATION_KEY, Audio, Probe, Video
from seeder.ingest.sources import Source, SourceKind
from seeder.ingest.steps import Input, steps, usual_bitrate
from seeder.ladder import CODECS, Choice

GOP_SLACK = 0.25  # seconds by which a GOP may exceed the Target Duration; EXTINF would round up from 0.5
GOP_STRETCH = (
    1.5  # × the wished segment: copying a longer GOP would cost more latency than encoding costs CPU
)
PICTURE_BITRATE = 1_200_000  # the test picture's noise would show blocks below
LEAST_FRAME_RATE, MOST_FRAME_RATE = 10, 60
PIXELS = 8192 * 4352
"""Of an input's picture at most, 8K: one may claim 16384 x 16384 in a few bytes, for whose decoding ffmpeg
takes gigabytes, and a publisher's key is not to end the server."""
STEADY_FRAME_RATES = (24, 25, 30, 50, 60)
BURST_SINCE = (6, 1)  # the ffmpeg version that brought -readrate_initial_burst
# The concat demuxer keeps the duration of what it reads to itself, but for a mark on each packet.
SAY_DURATION = (
    "-map", "0:V:0", "-vf", rf"select=eq(n\,0),metadata=print:key={DURATION_KEY}", "-frames:v", "1",
    "-f", "null", "-",
)  # fmt: skip
SEEKABLE = ("mov", "matroska")  # demuxers that loop without losing frames at the seam; MPEG-TS does lose some


def make_plan(
    source: Source,
    probe: Probe | None,
    config: IngestConfig,
    target_duration: int | None,
    copy: bool = True,
    *,
    encoder: Encoder = ENCODERS[SOFTWARE],
    lost: Collection[str] = (),
    cores: int = 2,
) -> Plan:
    """``probe`` is None when the source cannot be opened twice, ``target_duration`` when the stream is new;
    ``copy`` is False once copying has failed. ``lost``: variants that are not made any more.

    A stream that exists keeps its Target Duration for life, so a longer wished segment is shortened to it.
    Raises :class:`IngestError` for an input without video and audio.
    """
    plan = replace(_single(source, probe, config, target_duration, copy), encoder=encoder)
    plan = replace(plan, reorders=encoder.reorders)
    if config.ladder.choice is Choice.OFF or plan.video is Mode.NONE:
        return plan
    given = _given(plan, probe, config, cores)
    made = steps(config.ladder, given)
    if plan.video is Mode.COPY and not made[0].copied:
        why = f"the ladder's best rung is {made[0].label}"
        plan = replace(_single(source, probe, config, target_duration, False), encoder=encoder, why=why)
        made = steps(config.ladder, replace(_given(plan, probe, config, cores), copies=False))
    made = tuple(
        step for step in made if step.folder not in lost and not (step.sound and plan.audio is Mode.NONE)
    )
    copied = plan.video is Mode.COPY
    alike = all(step.every == 1 and step.codec == CODECS[0] for step in made) and (
        not copied or probe is None or probe.reordered
    )
    return replace(plan, steps=made, reorders=encoder.reorders and alike)


def _given(plan: Plan, probe: Probe | None, config: IngestConfig, cores: int) -> Input:
    if plan.source.kind is SourceKind.PICTURE:
        video: Video | None = Video("", "", "yuv420p", picture.WIDTH, picture.HEIGHT, plan.frame_rate)
    else:
        video = None if probe is None else probe.video
    rate = frame_rate(video) if video else plan.frame_rate
    bits = None if probe is None else probe.bitrate
    if video is not None and plan.frame is not None:  # what it is now says little
        video, rate, bits = replace(video, width=plan.frame[0], height=plan.frame[1]), plan.frame_rate, None
    return Input(video, _number(rate), bits, plan.video is Mode.COPY, config.max_height, cores)


def _single(
    source: Source, probe: Probe | None, config: IngestConfig, target_duration: int | None, copy: bool
) -> Plan:
    """The plan for one variant."""
    seconds = min(config.segment_seconds, target_duration or math.inf)
    encoding_td = target_duration or math.ceil(seconds)
    if source.kind is SourceKind.PICTURE:
        rate = str(picture.FRAME_RATE)
        bits = config.video_bitrate or PICTURE_BITRATE
        return Plan(source, Mode.ENCODE, Mode.ENCODE, seconds, encoding_td, True, False, rate, bitrate=bits)
    if probe is None:
        return Plan(
            source, Mode.IF_ANY, Mode.IF_ANY, seconds, encoding_td,
            source.format == "lavfi", False,  # a picture without a camera is drawn as fast as it is read
            max_height=config.max_height, bitrate=config.video_bitrate or usual_bitrate(1280, 720, 30),
            why="it cannot be looked at beforehand",
        )  # fmt: skip
    if probe.video is None and probe.audio is None:
        raise IngestError(f"{source.name} holds neither video nor audio that ffmpeg can read")
    # What a publisher sends may name a duration, and comes at its own pace all the same.
    sent = source.kind is SourceKind.PUBLISHED
    paced = not sent and (source.kind is SourceKind.FILE or probe.duration is not None)
    loop = paced and config.loop
    most = target_duration or max(math.ceil(seconds), math.floor(seconds * GOP_STRETCH))
    why = "" if probe.video is None else _misfit(probe, most, loop, copy and config.copy)
    if source.varies is not None:
        why = "its size and frame rate may change at any time"
    audio = Mode.NONE if probe.audio is None else Mode.ENCODE
    if probe.video is None or probe.video.codec == "":
        return Plan(source, Mode.NONE, audio, seconds, encoding_td, paced, loop)
    if not why and probe.longest_gop is not None:
        if probe.audio is not None and _audio_fits(probe.audio):
            audio = Mode.COPY
        td = target_duration or max(encoding_td, math.ceil(probe.longest_gop - GOP_SLACK))
        return Plan(source, Mode.COPY, audio, seconds, td, paced, loop)
    rate, height = frame_rate(probe.video), min(probe.video.height, config.max_height)
    width = probe.video.width * height // max(probe.video.height, 1)
    frame = None
    if source.varies is not None:
        rate = _steady(rate)
        frame = width, height = _frame(probe.video, source.varies, config.max_height)
    return Plan(
        source, Mode.ENCODE, audio, seconds, encoding_td, paced, loop, rate, probe.video.interlaced,
        config.max_height, frame, config.video_bitrate or usual_bitrate(width, height, _number(rate)), why,
    )  # fmt: skip


def _frame(video: Video, least: int, most: int) -> tuple[int, int]:
    """As high as the picture is now, or ``least``: WebRTC begins small and grows."""
    height = min(most, max(video.height, least, 2)) // 2 * 2
    return max(2, round(height * (video.width or 16) / (video.height or 9) / 2) * 2), height


def _steady(rate: str) -> str:
    """The usual rate that a varying one, seen for a moment, most likely stands for."""
    usual = (str(number) for number in STEADY_FRAME_RATES)
    return next((one for one in usual if abs(_number(rate) / float(one) - 1) < 0.03), USUAL_FRAME_RATE)


def _misfit(probe: Probe, most: int, loop: bool, copy: bool) -> str:
    """Why the video cannot be copied into segments of at most ``most`` seconds; empty when it can."""
    video, gop = probe.video, probe.longest_gop
    if not copy:
        return "copying is switched off or has failed"
    if video is None or video.codec != "h264":
        return f"it is {video.codec if video else 'missing'}, not H.264"
    if video.pixel_format not in ("yuv420p", "yuvj420p"):
        return f"browsers do not decode {video.pixel_format or 'its pixel format'}"
    if video.interlaced:
        return "it is interlaced"
    if gop is None:
        return "it shows no IDR picture"
    if gop > most + GOP_SLACK:
        return f"its key frames are up to {gop:.1f} s apart"
    if loop and not probe.container.startswith(SEEKABLE):
        return f"{probe.container.split(',')[0]} loses frames where it loops"
    return ""


def _audio_fits(audio: Audio) -> bool:
    return audio.codec == "aac" and audio.profile in ("", "LC", "HE-AAC", "HE-AACv2")


def frame_rate(video: Video) -> str:
    """As ``-r`` takes it: the input's own within bounds. A slide show at 0.2 fps has no frame to cut at."""
    number = _number(video.frame_rate)
    if number == 0:
        return USUAL_FRAME_RATE
    if number < LEAST_FRAME_RATE:
        return str(LEAST_FRAME_RATE)
    return str(MOST_FRAME_RATE) if number > MOST_FRAME_RATE else video.frame_rate


def _number(rate: str) -> float:
    above, _, below = rate.partition("/")
    return float(above or 0) / float(below or 1)


def arguments(plan: Plan, launch: Launch, version: tuple[int, ...]) -> list[str]:
    """ffmpeg's, without its own name. ``version`` is ffmpeg's, e.g. ``(6, 1)``."""
    return [
        "-hide_banner", "-nostats", "-loglevel", "warning",
        *(plan.encoder.device if plan.video in (Mode.ENCODE, Mode.IF_ANY) else ()),
        *_input(plan, launch, version),
        *outputs(plan, launch.pipes),
    ]  # fmt: skip


def _input(plan: Plan, launch: Launch, version: tuple[int, ...]) -> list[str]:
    source = plan.source
    out: list[str] = []
    if plan.paced:
        out += ["-re"]
        if launch.burst > 0 and version >= BURST_SINCE:
            out += ["-readrate_initial_burst", f"{launch.burst:.3f}"]
    if plan.loop:
        out += ["-stream_loop", "-1"]
    if source.kind is SourceKind.PICTURE:
        return [*out, "-f", "lavfi", "-i", picture.graph(launch.clock)]
    # Live inputs often start without time stamps, or with some that are missing.
    return [*out, "-fflags", "+genpts", "-max_pixels", str(PIXELS), *source.arguments]


def probe_arguments(source: Source, media_seconds: float) -> list[str]:
    """Print what is inside and copy up to ``media_seconds`` of the video, to see its key frames."""
    return [
        "-hide_banner", "-nostats", "-nostdin", "-loglevel", "info",
        "-max_pixels", str(PIXELS), *source.arguments,
        "-t", f"{media_seconds:.0f}", "-map", "0:V:0", "-c", "copy", *source.copying,
        "-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0",
        "-f", "mp4", "-movflags", "+cmaf+frag_keyframe+delay_moov+skip_trailer", "-use_editlist", "0",
        "-frag_duration", str(FRAGMENT), "-flush_packets", "1",
        "pipe:1",
        *(SAY_DURATION if source.secret else ()),
    ]  # fmt: skip
