"""AAC as MP4A-LATM (RFC 6416) made into AAC as MPEG4-GENERIC (RFC 3640). Pure.

GStreamer sends the first; ffmpeg reads both, but what it makes of the first it does not copy, for no frame of
it is marked as one to start with.
"""

from __future__ import annotations

import re
from dataclasses import replace

from seeder.publish.claim import RefusedError
from seeder.publish.rtp.track import Track

MOST = 8191
"""Bytes of a frame, for which there are 13 bits."""
_REFUSED = (
    "AAC as MP4A-LATM, but not one track of single frames with its configuration in the SDP: send AAC or Opus"
)


def generic(track: Track) -> Track:
    """The same as MPEG4-GENERIC. Raises :class:`RefusedError` (415)."""
    given = dict(re.findall(r"([\w-]+)=([^;\s]*)", track.fmtp.lower()))
    config = given.get("config", "")
    if given.get("cpresent") != "0" or not re.fullmatch(r"([0-9a-f]{2}){4,128}", config):
        raise RefusedError(_REFUSED, 415)
    # StreamMuxConfig: version 0, same framing, no more sub-frames, programs and layers; then ours.
    bits = int(config, 16)
    size = 4 * len(config)
    if bits >> (size - 15) != 0b0_1_000000_0000_000:
        raise RefusedError(_REFUSED, 415)
    ours = (bits << 15) & ((1 << size) - 1)
    fmtp = (
        "streamtype=5; mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; "
        f"config={ours:0{len(config)}x}"
    )
    return replace(track, codec="MPEG4-GENERIC", fmtp=fmtp)


class Repacker:
    """One track's packets."""

    def __init__(self) -> None:
        self._begun = b""  # of a frame that takes several packets

    def repack(self, packet: bytes) -> bytes | None:
        """None where a frame goes on, or is broken."""
        payload = self._begun + _payload(packet)
        self._begun = b""
        if not packet[1] & 0x80:  # the marker: a frame ends here
            self._begun = payload if len(payload) <= 4 * MOST else b""
            return None
        frames = []
        at = 0
        while at < len(payload):
            size = 0
            while at < len(payload) and payload[at] == 255:
                size, at = size + 255, at + 1
            size, at = size + (payload[at] if at < len(payload) else MOST), at + 1
            if size > min(MOST, len(payload) - at):
                return None
            frames.append(payload[at : at + size])
            at += size
        sizes = b"".join((len(frame) << 3).to_bytes(2, "big") for frame in frames)
        head = bytes([0x80, packet[1]]) + packet[2:12]
        return head + (8 * len(sizes)).to_bytes(2, "big") + sizes + b"".join(frames)


def _payload(packet: bytes) -> bytes:
    """RFC 3550 section 5.1; empty for a broken one."""
    at = 12 + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    end = len(packet) - (packet[-1] if packet[0] & 0x20 else 0)
    return packet[at:end]
