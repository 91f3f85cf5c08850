"""What a tag of audio or video holds (FLV 10.1 §E.4.2, §E.4.3; Enhanced RTMP v2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from seeder.publish.claim import RefusedError

AVC, AAC = 7, 10
_VIDEO = {2: "flv1", 3: "screen", 4: "vp6", 5: "vp6a", 6: "screen2", AVC: "avc"}
_AUDIO = {
    0: "pcm",
    1: "adpcm",
    2: "mp3",
    3: "pcm",
    4: "nelly",
    5: "nelly",
    6: "nelly",
    7: "alaw",
    8: "ulaw",
    AAC: "aac",
    11: "speex",
    14: "mp3",
}
_VIDEO_FOURCC = ("avc1", "hvc1", "av01", "vp09", "vp08")
_AUDIO_FOURCC = ("mp4a", "Opus", "fLaC", "ac-3", "ec-3", ".mp3")
_ENHANCED_AUDIO = 9


class Role(Enum):
    HEADER = "what its decoder needs first"
    KEY = "a frame that a decoder can start with"
    FRAME = "any other"
    NOTHING = "nothing that anybody needs"


@dataclass(frozen=True, slots=True)
class Content:
    codec: str
    role: Role
    headed: bool = False
    """Its decoder needs a header."""


_NOTHING = Content("", Role.NOTHING)


def video(body: bytes) -> Content:
    """Raises :class:`RefusedError` for what ffmpeg does not read out of FLV."""
    if len(body) < 2:
        return _NOTHING
    frame, low = body[0] >> 4 & 0b111, body[0] & 0x0F
    key = Role.KEY if frame == 1 else Role.FRAME
    if frame == 5:  # a message to Flash players
        return _NOTHING
    if body[0] & 0x80:
        return _enhanced("video", body, low, key, _VIDEO_FOURCC)
    if low not in _VIDEO:
        raise RefusedError(f"video codec {low} of FLV cannot be used: send H.264", 415)
    if low != AVC:
        return Content(_VIDEO[low], key)
    return Content("avc", {0: Role.HEADER, 1: key}.get(body[1], Role.NOTHING), headed=True)


def ends(body: bytes) -> bool:
    """Whether video says that nothing follows: AVC's end of sequence, Enhanced RTMP's SequenceEnd."""
    if len(body) < 2:
        return False
    if body[0] & 0x80:
        return body[0] & 0x0F == 2
    return body[0] & 0x0F == AVC and body[1] == 2


def audio(body: bytes) -> Content:
    """Raises :class:`RefusedError` for what ffmpeg does not read out of FLV."""
    if len(body) < 2:
        return _NOTHING
    codec = body[0] >> 4
    if codec == _ENHANCED_AUDIO:
        return _enhanced("audio", body, body[0] & 0x0F, Role.KEY, _AUDIO_FOURCC)
    if codec not in _AUDIO:
        raise RefusedError(f"audio codec {codec} of FLV cannot be used: send AAC", 415)
    if codec != AAC:
        return Content(_AUDIO[codec], Role.KEY)
    return Content("aac", Role.HEADER if body[1] == 0 else Role.KEY, headed=True)


def _enhanced(what: str, body: bytes, packet: int, key: Role, known: tuple[str, ...]) -> Content:
    at = 1
    while packet == 7:  # ModEx: nanoseconds, which a segment can do without, stand before the rest
        size = int.from_bytes(body[at : at + 1], "big") + 1
        at += 1
        if size == 256:
            size = int.from_bytes(body[at : at + 2], "big") + 1
            at += 2
        at += size
        if at >= len(body):
            return _NOTHING
        packet = body[at] & 0x0F
        at += 1
    if packet == (6 if what == "video" else 5):
        raise RefusedError(f"several {what} tracks in one stream cannot be used: send one", 415)
    codec = body[at : at + 4].decode("latin-1")
    if codec not in known or (what == "video" and packet == 5):
        shown = codec if codec.isascii() and codec.isprintable() else "unknown"
        better = "H.264" if what == "video" else "AAC"
        raise RefusedError(f"the {what} codec {shown} cannot be used: send {better}", 415)
    frames = (1, 3) if what == "video" else (1,)
    role = Role.HEADER if packet == 0 else key if packet in frames else Role.NOTHING
    # VP8 and the audio codecs but AAC, Opus and FLAC describe themselves in each frame.
    return Content(codec, role, headed=codec not in ("vp08", "ac-3", "ec-3", ".mp3"))
