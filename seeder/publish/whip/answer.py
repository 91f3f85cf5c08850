"""Which codecs we take of an offer, and the SDP that says so. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from seeder.publish.claim import RefusedError
from seeder.publish.whip.offer import TWCC, Codec, Media, Offer

VIDEO, AUDIO = ("h264", "vp8"), ("opus",)
FEEDBACK = ("nack", "nack pli", "ccm fir", "transport-cc")
START_KBITS = 1500
"""Chromium's own guess is 300, from which it begins with a postage stamp and grows for half a minute. A hint
of its own (``x-google-start-bitrate``), which others ignore; what the network cannot carry it takes back."""


@dataclass(frozen=True, slots=True)
class Track:
    """A stream of RTP to come."""

    media: Media
    codec: Codec
    rtx: int | None
    """The payload type of its retransmissions."""


@dataclass(frozen=True, slots=True)
class Local:
    """Our end."""

    ufrag: str
    password: str
    fingerprint: str
    """SHA-256, with colons."""
    candidates: tuple[tuple[str, int], ...]
    """Addresses and ports at which we can be reached, best first."""


def choose(offer: Offer) -> tuple[Track, ...]:
    """One codec a medium, the client's favourite of those that we take. Raises :class:`RefusedError`: nothing
    is taken by halves (RFC 9725 §4.4.3)."""
    return tuple(_choose(media) for media in offer.media)


def _choose(media: Media) -> Track:
    wanted = VIDEO if media.kind == "video" else AUDIO
    for codec in media.codecs:
        if codec.name not in wanted or not _fits(codec):
            continue
        again = f"apt={codec.payload}"
        rtx = next(
            (c.payload for c in media.codecs if c.name == "rtx" and again in c.options.split(";")), None
        )
        return Track(media, codec, rtx)
    names = {"h264": "H.264", "vp8": "VP8", "opus": "Opus"}
    raise RefusedError(
        f"the {media.kind} must be offered as {' or '.join(names[name] for name in wanted)}", 422
    )


def _fits(codec: Codec) -> bool:
    # Packets of a picture each (mode 0) would need fragments of IP; interleaved ones (2) nobody sends.
    return codec.name != "h264" or "packetization-mode=1" in codec.options.replace(" ", "").split(";")


def write(offer: Offer, tracks: tuple[Track, ...], local: Local) -> str:
    """The answer: ICE lite, recvonly, all in one bundle. We are the client of DTLS only for who must be its
    server."""
    mids = " ".join(track.media.mid for track in tracks)
    lines = [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        *((f"a=group:BUNDLE {mids}",)),
        "a=ice-lite",
        "a=msid-semantic: WMS *",
    ]
    for index, track in enumerate(tracks):
        lines += _section(track, local, "active" if offer.passive else "passive", index == 0)
    return "\r\n".join(lines) + "\r\n"


def candidates(local: Local) -> list[str]:
    """As lines of SDP. IPv4 first: ffmpeg takes the first that it sees."""
    out = []
    for index, (address, port) in enumerate(local.candidates):
        priority = (126 << 24) | ((65535 - index) << 8) | 255
        out.append(f"a=candidate:{index + 1} 1 udp {priority} {address} {port} typ host")
    return [*out, "a=end-of-candidates"]


def ice(local: Local) -> list[str]:
    return [f"a=ice-ufrag:{local.ufrag}", f"a=ice-pwd:{local.password}"]


def _section(track: Track, local: Local, setup: str, first: bool) -> list[str]:
    media, codec = track.media, track.codec
    address, port = local.candidates[0]
    family = ipaddress.ip_address(address).version
    formats = f"{codec.payload}" if track.rtx is None else f"{codec.payload} {track.rtx}"
    channels = "/2" if codec.name == "opus" else ""
    lines = [
        f"m={media.kind} {port} {media.protocol} {formats}",
        f"c=IN IP{family} {address}",
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        f"a=mid:{media.mid}",
        "a=recvonly",
        *ice(local),
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        f"a=rtpmap:{codec.payload} {_NAMES[codec.name]}/{codec.rate}{channels}",
    ]
    options = _options(codec)
    lines += [f"a=fmtp:{codec.payload} {options}"] if options else []
    lines += [f"a=rtcp-fb:{codec.payload} {ask}" for ask in FEEDBACK if ask in codec.feedback]
    if track.rtx is not None:
        lines += [f"a=rtpmap:{track.rtx} rtx/{codec.rate}", f"a=fmtp:{track.rtx} apt={codec.payload}"]
    if media.twcc is not None and "transport-cc" in codec.feedback:
        lines.append(f"a=extmap:{media.twcc} {TWCC}")
    return [*lines, *candidates(local)] if first else lines


_NAMES = {"h264": "H264", "vp8": "VP8", "opus": "opus"}


def _options(codec: Codec) -> str:
    if codec.name == "opus":
        return "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
    start = f"x-google-start-bitrate={START_KBITS}"
    if codec.name == "vp8":
        return start
    profile = re.search(r"profile-level-id=([0-9A-Fa-f]{6})", codec.options)
    level = f"profile-level-id={profile[1]};" if profile else ""
    return f"{level}level-asymmetry-allowed=1;packetization-mode=1;{start}"
