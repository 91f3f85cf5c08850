"""ffmpeg's arguments for what comes out: fragmented MP4 (CMAF boxes, video and audio together), a new
fragment at every key frame, on one pipe for each variant. Pure.

The input is decoded once, whatever the number of variants. Each has its own scaler, encoder and muxer; all of
them see the same frames and force key frames by the same rule, so that segments can be cut alike.
"""

from __future__ import annotations

import math

from seeder.ingest.encoders import HEVC, NO_OTHERS
from seeder.ingest.plan import Mode, Plan
from seeder.ingest.sources import SourceKind
from seeder.ingest.steps import Step
from seeder.ladder import CODECS

# µs: a GOP arrives in pieces, so that one too long is noticed before it ends. A segment is complete once the
# piece after it is here: a GOP later where that is one piece, 130 ms after its last frame with these, which
# cost 11 kbit/s more.
FRAGMENT = 100_000
SOUND_FRAGMENT = 85_333  # µs: four frames of AAC, so that sound alone is cut within 43 ms of the pictures
TIME_BASE = "1:90000"  # fine enough for a frame's own time, where it is not the number of a frame
OFFSET = 10  # seconds at which a ladder's media time begins: no encoder's delay reaches below 0
PICTURE_AUDIO, USUAL_AUDIO = 96_000, 128_000  # bit/s


def outputs(plan: Plan, pipes: tuple[int, ...]) -> list[str]:
    """One output for each of ``pipes``."""
    if not plan.steps:
        bits = PICTURE_AUDIO if plan.source.kind is SourceKind.PICTURE else USUAL_AUDIO
        return [*_single_video(plan), *_audio(plan, plan.audio, bits), *_muxer(plan, pipes[0])]
    out: list[str] = []
    for step, pipe in zip(plan.steps, pipes, strict=True):
        mode = plan.audio
        if mode is Mode.COPY and step.audio_bitrate != USUAL_AUDIO:
            mode = Mode.ENCODE
        out += [
            *(() if step.sound else _step_video(plan, step)),
            *_audio(plan, mode, step.audio_bitrate),
            *_muxer(plan, pipe, step),
        ]
    return out


def _map(plan: Plan) -> list[str]:
    # V leaves out cover pictures.
    return ["-map", "0:V:0?" if plan.video is Mode.IF_ANY else "0:V:0"]


def _single_video(plan: Plan) -> list[str]:
    if plan.video is Mode.NONE:
        return []
    if plan.video is Mode.COPY:
        return [*_map(plan), "-c:v", "copy", *plan.source.copying]
    out = [*_map(plan), *_codec(plan)]
    if plan.source.kind is SourceKind.PICTURE:
        out += _filters(plan, [])
    else:
        out += _filters(plan, _scaled(plan, plan.max_height))
        # A constant frame rate fills the gaps of a live input, so that there is always a frame to cut at.
        out += ["-fps_mode", "cfr", "-r", plan.frame_rate]
    # From key frame to key frame: counting from 0 (n_forced) drifts where a loop's seam makes extra ones.
    return [*out, *_rates(plan.bitrate), "-force_key_frames", _every(plan.segment_seconds)]


def _step_video(plan: Plan, step: Step) -> list[str]:
    if step.copied:
        return [*_map(plan), "-c:v", "copy", *plan.source.copying]
    out, upload = [*_map(plan), *_codec(plan, step.codec)], step.codec == CODECS[0]
    scaled = _scaled(plan, step.height)
    if plan.video is Mode.COPY:
        # The frames keep the times that they have where they are copied, and so do the key frames.
        out += [*_filters(plan, scaled, upload), "-fps_mode", "passthrough", "-enc_time_base", TIME_BASE]
        return [*out, *_rates(step.bitrate), "-force_key_frames", "source"]
    slowest = max(one.every for one in plan.steps)
    if slowest == 1:
        out += [*_filters(plan, scaled, upload), "-fps_mode", "cfr", "-r", plan.frame_rate]
        return [*out, *_rates(step.bitrate), "-force_key_frames", _every(plan.segment_seconds)]
    # One grid of frames for all, of which the slower leave some out; key frames where the slowest has one.
    grid = [f"fps={plan.frame_rate}", *([f"framestep={step.every}"] if step.every > 1 else [])]
    above, _, below = plan.frame_rate.partition("/")
    frame = slowest * float(below or 1) / float(above)
    interval = math.ceil(plan.segment_seconds / frame - 0.01) * frame
    out += [
        *_filters(plan, [*grid, *scaled], upload),
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        TIME_BASE,
    ]
    return [*out, *_rates(step.bitrate), "-force_key_frames", _every(interval)]


def _codec(plan: Plan, codec: str = CODECS[0]) -> list[str]:
    if codec != CODECS[0]:
        return ["-c:v", HEVC.name, *HEVC.options, *NO_OTHERS, "-pix_fmt", HEVC.pixel_format]
    encoder = plan.encoder
    out = ["-c:v", encoder.name, *encoder.options, *NO_OTHERS]
    if encoder.reorders:
        out += ["-profile:v", "main" if plan.source.kind is SourceKind.PICTURE else "high"]
        if plan.source.kind is SourceKind.PICTURE:
            out += ["-tune", "zerolatency"]  # it compresses well enough without B frames and look-ahead
        elif not plan.reorders:
            out += ["-bf", "0"]
    return [*out, "-pix_fmt", encoder.pixel_format] if encoder.pixel_format else out


def _scaled(plan: Plan, most: int) -> list[str]:
    if plan.frame is not None:
        height = min(most, plan.frame[1]) // 2 * 2
        into = f"{round(plan.frame[0] * height / plan.frame[1] / 2) * 2}:{height}"
        scaled = [f"scale={into}:force_original_aspect_ratio=decrease", f"pad={into}:-1:-1", "setsar=1"]
    else:
        lines, columns = f"trunc(min({most},ih)/2)*2", f"trunc(min(1,{most}/ih)*iw*sar/2)*2"
        scaled = [f"scale=w='{columns}':h='{lines}'", "setsar=1"]
    return ["yadif=deint=interlaced", *scaled] if plan.interlaced else scaled


def _filters(plan: Plan, filters: list[str], upload: bool = True) -> list[str]:
    chain = [*filters, *([plan.encoder.upload] if upload and plan.encoder.upload else [])]
    return ["-vf", ",".join(chain)] if chain else []


def _rates(bits: int) -> list[str]:
    return ["-b:v", str(bits), "-maxrate", str(bits * 6 // 5), "-bufsize", str(bits * 6 // 5)]


def _every(seconds: float) -> str:
    return f"expr:if(isnan(prev_forced_t),1,gte(t-prev_forced_t,{seconds - 0.001:.3f}))"


def _audio(plan: Plan, mode: Mode, bits: int) -> list[str]:
    if mode is Mode.NONE:
        return []
    out = ["-map", "0:a:0?" if mode is Mode.IF_ANY else "0:a:0"]
    if mode is Mode.COPY:
        return [*out, "-c:a", "copy", "-bsf:a", "aac_adtstoasc"]  # a no-op for AAC that came in MP4
    # Stereo at 48 kHz whatever the input does, and silence where a live input has gaps.
    return [
        *out, "-c:a", "aac", "-b:a", str(bits), "-ac", "2", "-ar", "48000",
        "-af", "aresample=async=1:first_pts=0",
    ]  # fmt: skip


def _muxer(plan: Plan, pipe: int, step: Step | None = None) -> list[str]:
    out: list[str] = []
    flags = "+cmaf+frag_keyframe+delay_moov+skip_trailer"
    if step is not None and step.sound:
        out = ["-frag_duration", str(SOUND_FRAGMENT)]
    elif plan.video in (Mode.NONE, Mode.IF_ANY):  # without video nothing else ends a fragment
        out = ["-frag_duration", str(round(plan.segment_seconds * 1_000_000))]
    else:
        out = ["-frag_duration", str(FRAGMENT)]
    if step is not None:
        # The same moment has the same time in all variants: else each would begin at 0, its delay included.
        out += ["-avoid_negative_ts", "disabled", "-output_ts_offset", str(OFFSET)]
        flags += "+frag_discont"
    return [
        *out,
        # No chapters, metadata or time code: each would become a track or a box of its own.
        "-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0",
        # delay_moov: AAC from MPEG-TS has no decoder configuration before its first frame. No edit lists:
        # players of HLS disagree on them, so time stamps carry the encoder's delay instead.
        "-f", "mp4", "-movflags", flags, "-use_editlist", "0",
        "-flush_packets", "1",
        f"pipe:{pipe}",
    ]  # fmt: skip
