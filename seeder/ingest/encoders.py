"""The H.264 encoders that can be asked for, and their arguments. Pure.

Of all of them only libx264 was seen at work by those who wrote this; the others' arguments follow ffmpeg's
documentation, and each is tried on this machine before it is used (``trial``).
"""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
SOFTWARE = "libx264"
NO_B = ("-bf", "0")  # B frames delay what the variants' sound is cut by
NO_OTHERS = ("-g", "10000", "-flags", "+cgop")  # key frames where they are forced alone: each ends a segment


@dataclass(frozen=True, slots=True)
class Encoder:
    """``options`` make every forced key frame an IDR picture and no other."""

    name: str
    options: tuple[str, ...]
    device: tuple[str, ...] = ()
    """Global options, before the input."""
    upload: str = ""
    """Filter that hands frames to the device."""
    pixel_format: str = "yuv420p"
    """Empty where frames are the device's own."""
    reorders: bool = False
    """It makes B frames unless told not to; the others are told."""


_HARDWARE = (
    Encoder("h264_nvenc", ("-preset", "p4", "-rc", "vbr", "-forced-idr", "1", "-no-scenecut", "1", *NO_B)),
    Encoder("h264_qsv", ("-preset", "veryfast", "-forced_idr", "1", *NO_B), pixel_format="nv12"),
    Encoder("h264_videotoolbox", ("-realtime", "1", *NO_B)),
    Encoder("h264_vaapi", NO_B, ("-vaapi_device", "/dev/dri/renderD128"), "format=nv12,hwupload", ""),
    Encoder("h264_v4l2m2m", NO_B),
)
ENCODERS = {
    encoder.name: encoder
    for encoder in (
        Encoder(
            SOFTWARE,
            ("-preset", "veryfast", "-forced-idr", "1", "-sc_threshold", "0"),
            reorders=True,
        ),
        *_HARDWARE,
    )
}

HEVC = Encoder(
    "libx265",
    (
        "-preset", "superfast", "-forced-idr", "1", "-tag:v", "hvc1", *NO_B,
        "-x265-params", "scenecut=0:open-gop=0:rc-lookahead=10:log-level=warning",
    ),
)  # fmt: skip
"""Of rungs in HEVC. The tag is the one that Safari plays: parameter sets in the init section alone."""


def candidates(asked: str) -> tuple[Encoder, ...]:
    """What to try for ``asked``, in this order: the first that works is taken."""
    return (*_HARDWARE, ENCODERS[SOFTWARE]) if asked == AUTO else (ENCODERS[asked],)


def trial_arguments(encoder: Encoder) -> list[str]:
    """A few frames, encoded for nothing; ffmpeg's exit code tells whether it can."""
    return [
        "-hide_banner", "-nostats", "-nostdin", "-loglevel", "error",
        *encoder.device,
        "-f", "lavfi", "-i", "testsrc2=size=320x192:rate=30:duration=0.3",
        *(("-vf", encoder.upload) if encoder.upload else ()),
        "-c:v", encoder.name, *encoder.options, *NO_OTHERS,
        *(("-pix_fmt", encoder.pixel_format) if encoder.pixel_format else ()),
        "-b:v", "300000",
        "-f", "null", "-",
    ]  # fmt: skip
