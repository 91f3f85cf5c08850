"""Tracks of RTP, and the SDP (RFC 8866) that tells ffmpeg of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from seeder.publish.claim import RefusedError

MOST = 8
"""Tracks of one publisher; we use two of them."""
FMTP = 4096
"""Characters: H.264's and H.265's parameter sets in base64. ffmpeg reads 16 KiB of SDP."""
CODECS = {
    "video": {"h264", "h265", "vp8", "vp9", "av1", "mp4v-es", "jpeg"},
    "audio": {"mpeg4-generic", "mp4a-latm", "opus", "pcmu", "pcma", "mpa", "l16", "g722"},
}
"""Names of payload formats, lower case, that ffmpeg reads; others would be refused by it after a wait."""


@dataclass(frozen=True, slots=True)
class Track:
    """One RTP session, in the words of SDP. Raises :class:`RefusedError` (415) for what ffmpeg is not to see:
    all of it comes from a publisher."""

    kind: Literal["video", "audio"]
    codec: str
    """The payload format's name, in any case: ``H264``, ``VP8``, ``opus``, ``MPEG4-GENERIC``, …"""
    payload_type: int
    clock: int
    """Hz."""
    fmtp: str = ""
    """Format parameters, without the payload type: ``packetization-mode=1; sprop-parameter-sets=…``."""
    channels: int = 1
    """Of audio."""

    def __post_init__(self) -> None:
        if self.codec.lower() not in CODECS[self.kind]:
            raise RefusedError(f"{self.kind} as {printable(self.codec)} cannot be used", 415)
        if not (0 <= self.payload_type < 128 and 1 <= self.channels <= 8 and 1 <= self.clock <= 1_000_000):
            raise RefusedError(f"{self.codec}: a payload type, clock rate or channels that cannot be", 415)
        if len(self.fmtp) > FMTP or not re.fullmatch(r"[\x20-\x7e]*", self.fmtp):
            raise RefusedError(f"{self.codec}: format parameters that are too long or not text", 415)


def printable(text: str) -> str:
    """A stranger's ``text`` for an error or a log."""
    return re.sub(r"[^\x21-\x7e]", "?", text[:40]) or "nothing"


def describe(tracks: Sequence[Track], ports: Sequence[int], sender: str) -> bytes:
    """The SDP: each track comes from the IPv4 address ``sender`` to its port, its RTCP to the one above."""
    lines = ["v=0", f"o=- 0 0 IN IP4 {sender}", "s=-", f"c=IN IP4 {sender}", "t=0 0"]
    for track, port in zip(tracks, ports, strict=True):
        number = track.payload_type
        channels = f"/{track.channels}" if track.kind == "audio" else ""
        lines += [
            f"m={track.kind} {port} RTP/AVP {number}",
            f"a=rtpmap:{number} {track.codec}/{track.clock}{channels}",
        ]
        if track.fmtp:
            lines.append(f"a=fmtp:{number} {track.fmtp}")
    return "".join(f"{line}\r\n" for line in lines).encode()
