"""The SDP (RFC 8866) of an ANNOUNCE. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from seeder.publish.claim import RefusedError
from seeder.publish.rtp.track import MOST, Track

# RFC 3551's fixed numbers, for which an rtpmap may be missing.
FIXED = {
    0: ("PCMU", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, 1),
    26: ("JPEG", 90000, 1),
}


@dataclass(frozen=True, slots=True)
class Media:
    """One ``m=`` section."""

    control: str
    """What its SETUP's URL ends with; empty when it says none."""
    track: Track | None
    """None for what is neither the first video nor the first audio: it may be sent, and is not used."""


def parse(body: bytes) -> tuple[Media, ...]:
    """Raises :class:`RefusedError`: 400 for what is no SDP, 415 for media that cannot be used."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n")
    if not text.startswith("v=0"):
        raise RefusedError("ANNOUNCE needs an SDP", 400)
    sections = re.split(r"(?m)^m=", text)[1:]
    if not 1 <= len(sections) <= MOST:
        raise RefusedError(f"the SDP has {len(sections)} tracks: 1 to {MOST} are possible", 415)
    found: list[Media] = []
    kinds: set[str] = set()
    for section in sections:
        words = section.partition("\n")[0].split()
        control = re.search(r"(?m)^a=control:(\S{1,1024})\s*$", section)
        track = None
        if words and words[0] not in kinds and (kind := _kind(words[0])):
            track = _track(kind, words, section)
            kinds.add(kind)
        found.append(Media(control[1] if control else "", track))
    if not kinds:
        raise RefusedError("the SDP has neither video nor audio", 415)
    return tuple(found)


def _kind(word: str) -> Literal["video", "audio"] | None:
    return "video" if word == "video" else "audio" if word == "audio" else None


def _track(kind: Literal["video", "audio"], words: list[str], section: str) -> Track:
    if len(words) < 4 or not re.fullmatch(r"RTP/S?AVPF?", words[2]) or not re.fullmatch(r"\d{1,3}", words[3]):
        raise RefusedError(f"{kind} that is not sent by RTP cannot be used", 415)
    number = int(words[3])
    rtpmap = re.search(rf"(?m)^a=rtpmap:{number} +([^\s/]+)/(\d{{1,7}})(?:/(\d))?\s*$", section)
    fmtp = re.search(rf"(?m)^a=fmtp:{number} +(.*?)\s*$", section)
    if rtpmap is None:
        if number not in FIXED:
            raise RefusedError(f"{kind} of payload type {number}, and no word of what that is", 415)
        codec, clock, channels = FIXED[number]
    else:
        codec, clock, channels = rtpmap[1], int(rtpmap[2]), int(rtpmap[3] or 1)
    try:
        return Track(kind, codec, number, clock, fmtp[1] if fmtp else "", channels)
    except RefusedError as error:
        better = "H.264 or VP8" if kind == "video" else "AAC or Opus"
        raise RefusedError(f"{error}: send {better}", 415) from None
