"""A plan for an input, and the ffmpeg arguments that carry it out. Pure.

The output is always the same: fragmented MP4 (CMAF boxes, video and audio together) on standard output, a new
fragment at every key frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from seeder.errors import IngestError
from seeder.ingest import picture
from seeder.ingest.config import IngestConfig
from seeder.ingest.probe import DURATION_KEY, Audio, Probe, Video
from seeder.ingest.sources import Source, SourceKind

GOP_SLACK = 0.25  # seconds by which a GOP may exceed the Target Duration; EXTINF would round up from 0.5
GOP_STRETCH = (
    1.5  # × the wished segment: copying a longer GOP would cost more latency than encoding costs CPU
)
COPY_FRAGMENT = 500_000  # µs: a copied GOP arrives in pieces, so that one too long is noticed before it ends
BITS_PER_PIXEL = 0.1  # x264 veryfast looks good from here on
LEAST_BITRATE, MOST_BITRATE = 400_000, 6_000_000
PICTURE_BITRATE = 1_200_000  # the test picture's noise would show blocks below
LEAST_FRAME_RATE, MOST_FRAME_RATE, USUAL_FRAME_RATE = 10, 60, "30"
STEADY_FRAME_RATES = (24, 25, 30, 50, 60)
BURST_SINCE = (6, 1)  # the ffmpeg version that brought -readrate_initial_burst
# The concat demuxer keeps the duration of what it reads to itself, but for a mark on each packet.
SAY_DURATION = (
    "-map", "0:V:0", "-vf", rf"select=eq(n\,0),metadata=print:key={DURATION_KEY}", "-frames:v", "1",
    "-f", "null", "-",
)  # fmt: skip
SEEKABLE = ("mov", "matroska")  # demuxers that loop without losing frames at the seam; MPEG-TS does lose some


class Mode(StrEnum):
    COPY = "copy"
    ENCODE = "encode"
    NONE = "none"
    IF_ANY = "encode if there is any"  # the input could not be probed


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does."""

    source: Source
    video: Mode
    audio: Mode
    segment_seconds: float
    target_duration: int
    paced: bool
    """ffmpeg reads at the input's own pace, since nothing else slows it down."""
    loop: bool
    frame_rate: str = USUAL_FRAME_RATE
    interlaced: bool = False
    max_height: int = 720
    frame: tuple[int, int] | None = None
    """Width and height that the picture is fitted into, should it change; None: it does not."""
    bitrate: int = LEAST_BITRATE
    why: str = ""
    """Why the video is not copied; empty when it is, or when there is none to copy."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What differs from run to run."""

    burst: float = 0.0
    """Seconds of media a paced input gives at once, to fill the timeline up to now."""
    clock: float = 0.0
    """Seconds after midnight at media time 0, for the test picture."""


def make_plan(
    source: Source, probe: Probe | None, config: IngestConfig, target_duration: int | None, copy: bool = True
) -> Plan:
    """``probe`` is None when the source cannot be opened twice, ``target_duration`` when the stream is new;
    ``copy`` is False once copying has failed.

    A stream that exists keeps its Target Duration for life, so a longer wished segment is shortened to it.
    Raises :class:`IngestError` for an input without video and audio.
    """
    seconds = min(config.segment_seconds, target_duration or math.inf)
    encoding_td = target_duration or math.ceil(seconds)
    if source.kind is SourceKind.PICTURE:
        rate = str(picture.FRAME_RATE)
        bits = config.video_bitrate or PICTURE_BITRATE
        return Plan(source, Mode.ENCODE, Mode.ENCODE, seconds, encoding_td, True, False, rate, bitrate=bits)
    if probe is None:
        return Plan(
            source, Mode.IF_ANY, Mode.IF_ANY, seconds, encoding_td, False, False,
            max_height=config.max_height, bitrate=config.video_bitrate or _bitrate(1280, 720, 30),
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
        config.max_height, frame, config.video_bitrate or _bitrate(width, height, _number(rate)), why,
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


def _bitrate(width: int, height: int, rate: float) -> int:
    return int(min(MOST_BITRATE, max(LEAST_BITRATE, width * height * rate * BITS_PER_PIXEL)))


def arguments(plan: Plan, launch: Launch, version: tuple[int, ...]) -> list[str]:
    """ffmpeg's, without its own name. ``version`` is ffmpeg's, e.g. ``(6, 1)``."""
    return [
        "-hide_banner", "-nostats", "-loglevel", "warning",
        *_input(plan, launch, version),
        *_video(plan),
        *_audio(plan),
        *_output(plan),
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
    return [*out, "-fflags", "+genpts", *source.arguments]


def _video(plan: Plan) -> list[str]:
    if plan.video is Mode.NONE:
        return []
    # V leaves out cover pictures.
    out = ["-map", "0:V:0?" if plan.video is Mode.IF_ANY else "0:V:0"]
    if plan.video is Mode.COPY:
        return [*out, "-c:v", "copy"]
    out += ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high" if plan.source.target else "main"]
    if plan.source.kind is SourceKind.PICTURE:
        out += ["-tune", "zerolatency"]  # it compresses well enough without B frames and look-ahead
    else:
        height = f"trunc(min({plan.max_height},ih)/2)*2"
        width = f"trunc(min(1,{plan.max_height}/ih)*iw*sar/2)*2"
        filters = f"scale=w='{width}':h='{height}',setsar=1"
        if plan.frame is not None:
            into = f"{plan.frame[0]}:{plan.frame[1]}"
            filters = f"scale={into}:force_original_aspect_ratio=decrease,pad={into}:-1:-1,setsar=1"
        out += ["-vf", f"yadif=deint=interlaced,{filters}" if plan.interlaced else filters]
        # A constant frame rate fills the gaps of a live input, so that there is always a frame to cut at.
        out += ["-fps_mode", "cfr", "-r", plan.frame_rate]
    bits = plan.bitrate
    # From key frame to key frame: counting from 0 (n_forced) drifts where a loop's seam makes extra ones.
    forced = f"expr:if(isnan(prev_forced_t),1,gte(t-prev_forced_t,{plan.segment_seconds - 0.001:.3f}))"
    return [
        *out,
        "-pix_fmt", "yuv420p",
        "-b:v", str(bits), "-maxrate", str(bits * 6 // 5), "-bufsize", str(bits * 6 // 5),
        "-force_key_frames", forced, "-forced-idr", "1", "-sc_threshold", "0",
        "-g", "10000", "-flags", "+cgop",  # no others: every key frame ends a segment
    ]  # fmt: skip


def _audio(plan: Plan) -> list[str]:
    if plan.audio is Mode.NONE:
        return []
    out = ["-map", "0:a:0?" if plan.audio is Mode.IF_ANY else "0:a:0"]
    if plan.audio is Mode.COPY:
        return [*out, "-c:a", "copy", "-bsf:a", "aac_adtstoasc"]  # a no-op for AAC that came in MP4
    bits = "96k" if plan.source.kind is SourceKind.PICTURE else "128k"
    # Stereo at 48 kHz whatever the input does, and silence where a live input has gaps.
    return [
        *out,
        "-c:a",
        "aac",
        "-b:a",
        bits,
        "-ac",
        "2",
        "-ar",
        "48000",
        "-af",
        "aresample=async=1:first_pts=0",
    ]


def _output(plan: Plan) -> list[str]:
    out: list[str] = []
    if plan.video in (Mode.NONE, Mode.IF_ANY):  # without video nothing else ends a fragment
        out = ["-frag_duration", str(round(plan.segment_seconds * 1_000_000))]
    elif plan.video is Mode.COPY:
        out = ["-frag_duration", str(COPY_FRAGMENT)]
    return [
        *out,
        # No chapters, metadata or time code: each would become a track or a box of its own.
        "-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0",
        # delay_moov: AAC from MPEG-TS has no decoder configuration before its first frame. No edit lists:
        # players of HLS disagree on them, so time stamps carry the encoder's delay instead.
        "-f", "mp4", "-movflags", "+cmaf+frag_keyframe+delay_moov+skip_trailer", "-use_editlist", "0",
        "-flush_packets", "1",
        "pipe:1",
    ]  # fmt: skip


def probe_arguments(source: Source, media_seconds: float) -> list[str]:
    """Print what is inside and copy up to ``media_seconds`` of the video, to see its key frames."""
    return [
        "-hide_banner", "-nostats", "-nostdin", "-loglevel", "info",
        *source.arguments,
        "-t", f"{media_seconds:.0f}", "-map", "0:V:0", "-c", "copy",
        "-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0",
        "-f", "mp4", "-movflags", "+cmaf+frag_keyframe+delay_moov+skip_trailer", "-use_editlist", "0",
        "-frag_duration", str(COPY_FRAGMENT), "-flush_packets", "1",
        "pipe:1",
        *(SAY_DURATION if source.secret else ()),
    ]  # fmt: skip
