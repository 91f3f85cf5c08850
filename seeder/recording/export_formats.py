"""What goes into a file of which format, as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seeder.errors import LiveTorrentError


class ExportError(LiveTorrentError):
    """It cannot be exported; the message is for who asked. ``status`` as HTTP would say it: 400 it was asked
    wrongly, 404 there is none, 409 not of this recording (now), 507 there is no room."""

    exit_code = 4

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Format:
    name: str
    """And the file's suffix."""
    shown: str
    content_type: str
    codecs: frozenset[str]
    """As ffmpeg calls them."""
    arguments: tuple[str, ...]
    """Of ffmpeg's muxer."""


FORMATS = {
    "mp4": Format(
        "mp4",
        "MP4",
        "video/mp4",
        frozenset("h264 hevc av1 vp9 mpeg4 aac mp3 ac3 eac3 opus flac alac".split()),
        # The index in front: it plays while it is being downloaded.
        ("-f", "mp4", "-movflags", "+faststart", "-strict", "experimental"),
    ),
    "webm": Format(
        "webm",
        "WebM",
        "video/webm",
        frozenset("vp8 vp9 av1 opus vorbis".split()),
        ("-f", "webm", "-cues_to_front", "1"),
    ),
}

_SHOWN = {
    "h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "aac": "AAC", "mp3": "MP3",
    "opus": "Opus", "vorbis": "Vorbis", "ac3": "AC-3", "eac3": "E-AC-3", "flac": "FLAC", "alac": "ALAC",
}  # fmt: skip

_TAGS = (
    ("avc", "h264"), ("hvc", "hevc"), ("hev", "hevc"), ("dvh", "hevc"), ("av01", "av1"), ("vp09", "vp9"),
    ("vp9", "vp9"), ("vp08", "vp8"), ("vp8", "vp8"), ("mp4a.6b", "mp3"), ("mp4a.69", "mp3"), ("mp4a", "aac"),
    ("ac-3", "ac3"), ("ec-3", "eac3"), ("opus", "opus"), ("flac", "flac"), ("alac", "alac"),
)  # fmt: skip
"""How a name in CODECS (RFC 6381) begins → ffmpeg's."""


def format_of(name: str) -> Format:
    found = FORMATS.get(name)
    if found is None:
        raise ExportError(f"the format must be one of {', '.join(FORMATS)}", 400)
    return found


def listed(codecs: str) -> tuple[str, ...]:
    """What a playlist's CODECS names, in ffmpeg's words; what nobody here knows is left out."""
    names = (name.strip().lower() for name in codecs.split(","))
    return tuple(
        dict.fromkeys(next((to for tag, to in _TAGS if name.startswith(tag)), "") for name in names if name)
    )


def check(wanted: Format, codecs: Iterable[str]) -> None:
    """Whether all of them (ffmpeg's names; empty: not known) go into it; :class:`ExportError`."""
    known = [codec for codec in codecs if codec]
    for codec in known:
        if codec in wanted.codecs:
            continue
        others = [one.name for one in FORMATS.values() if one is not wanted and one.codecs.issuperset(known)]
        remedy = f": ask for {others[0]}" if others else ", nor into any other format here"
        raise ExportError(f"its {_SHOWN.get(codec, codec)} does not go into {wanted.shown}{remedy}")
