"""Which codecs we take, what ffmpeg calls them, and what silence is in them. Pure."""

from __future__ import annotations

from seeder.ingest.probe import Audio, Video
from seeder.publish.browser.frames import VIDEO, Track
from seeder.publish.claim import RefusedError

H264 = "V_MPEG4/ISO/AVC"
_VIDEO = {H264: "h264", "V_VP8": "vp8", "V_VP9": "vp9", "V_AV1": "av1", "V_MPEGH/ISO/HEVC": "hevc"}
_AUDIO = {
    "A_OPUS": "opus", "A_AAC": "aac", "A_VORBIS": "vorbis", "A_FLAC": "flac",
    "A_PCM/FLOAT/IEEE": "pcm_f32le", "A_PCM/INT/LIT": "pcm_s16le",
}  # fmt: skip
_PLAIN = (66, 77, 88, 100)
"""H.264's profiles of 8 bits and 4:2:0, which browsers decode (ITU-T H.264 annex A)."""
_AAC = {2: "LC", 5: "HE-AAC", 29: "HE-AACv2"}
SLICE = 20_000
"""µs of silence at once, where the codec does not say."""


def check(track: Track) -> None:
    """Raises :class:`RefusedError` for what is not taken."""
    known = _VIDEO if track.kind == VIDEO else _AUDIO
    if track.codec not in known:
        shown = track.codec if track.codec.isascii() and track.codec.isprintable() else "an unknown codec"
        better = "VP8, VP9, AV1, H.264" if track.kind == VIDEO else "Opus, AAC"
        raise RefusedError(f"{track.kind} as {shown[:32]} cannot be used: {better}", 415)


def picture(track: Track, frame_rate: str) -> Video:
    """As ffmpeg would see it."""
    plain = track.codec != H264 or track.private[1:2] in [bytes((one,)) for one in _PLAIN]
    return Video(_VIDEO[track.codec], "", "yuv420p" if plain else "", *track.size, frame_rate)


def sound(track: Track) -> Audio:
    """As ffmpeg would see it."""
    name = _AUDIO[track.codec]
    return Audio(name, _AAC.get(track.private[0] >> 3, "other") if name == "aac" and track.private else "")


def silence(track: Track) -> tuple[bytes, int] | None:
    """A frame in which nothing is to be heard, and its µs; None where there is no telling."""
    name, channels = _AUDIO.get(track.codec), track.channels
    if name == "opus" and len(track.private) >= 19 and track.private[18] == 0:
        return b"\xf8\xff\xfe", 20_000  # CELT, full band, mono, nothing in it (RFC 6716 §3.1)
    if name == "aac" and track.private[:1] and track.private[0] >> 3 == 2 and channels in (1, 2):
        # Raw blocks (ISO/IEC 14496-3 §4.4.2.1) of one or a pair of channels without a spectrum.
        frame = b"\x00\xc8\x00\x80\x23\x80" if channels == 1 else b"\x21\x00\x49\x90\x02\x19\x00\x23\x80"
        return frame, round(1024 * 1_000_000 / track.rate)
    if name is not None and name.startswith("pcm_") and track.bits in (16, 24, 32):
        return bytes(round(track.rate * SLICE / 1_000_000) * channels * track.bits // 8), SLICE
    return None
