"""The SDP that a WHIP client sends (RFC 9725 §4.2, RFC 8866), read for what we need of it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seeder.publish.claim import RefusedError

MAX_LINES = 4000
"""Chromium's longest offer has some 300; a hundred candidates add a hundred."""
DIGESTS = ("sha-256", "sha-384", "sha-512")
"""For a certificate's fingerprint; SHA-1 and MD5 prove nothing any more."""
TWCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

_TOKEN = re.compile(r"[A-Za-z0-9+/]+")
_NUMBER = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Codec:
    payload: int
    name: str
    """Lower case: ``h264``, ``vp8``, ``opus``, ``rtx``, …"""
    rate: int
    options: str = ""
    """Of its ``a=fmtp``."""
    feedback: tuple[str, ...] = ()
    """``nack``, ``nack pli``, ``transport-cc``, …"""


@dataclass(frozen=True, slots=True)
class Media:
    """One ``m=`` section."""

    kind: str
    """``audio`` or ``video``."""
    mid: str
    protocol: str
    formats: str
    codecs: tuple[Codec, ...]
    """In the order of preference."""
    twcc: int | None
    """The number of the header extension that counts the transport's packets; ``None``: not there."""


@dataclass(frozen=True, slots=True)
class Offer:
    ufrag: str
    password: str
    """Of its ICE agent; we never ask it anything, so it stays unused."""
    fingerprints: tuple[tuple[str, str], ...]
    """Of its certificate: digest and value in lower case without colons; one of them at least."""
    active: bool
    """It wants to be the client of DTLS; else it can be the server."""
    passive: bool
    """It wants to be the server."""
    media: tuple[Media, ...]


def parse(text: str) -> Offer:
    """Raises :class:`RefusedError`: 400 for what is no SDP, 422 for what we cannot take (RFC 9725 §4.4.3)."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "v=0" or len(lines) > MAX_LINES:
        raise RefusedError("that is no SDP offer", 400)
    session, sections = _split(lines)
    if not sections:
        raise RefusedError("the offer has no media", 422)
    if len(sections) > 1:
        _check_bundle(session, sections)
    tagged = [*sections[0], *session]  # what all share stands in the first section, or above all
    fingerprints = tuple(_fingerprint(line) for line in _all(tagged, "fingerprint"))
    fingerprints = tuple(one for one in fingerprints if one[0] in DIGESTS)
    ufrag, password = _first(tagged, "ice-ufrag"), _first(tagged, "ice-pwd")
    if not _ice(ufrag, 4) or not _ice(password, 22):
        raise RefusedError("the offer has no usable ice-ufrag and ice-pwd", 400)
    if not fingerprints:
        raise RefusedError("the offer has no fingerprint of its certificate (SHA-256 or longer)", 400)
    setup = _first(tagged, "setup") or "actpass"
    if setup not in ("actpass", "active", "passive"):
        raise RefusedError("the offer's setup is none of actpass, active and passive", 400)
    media = tuple(_media(section, session) for section in sections)
    if len({one.kind for one in media}) < len(media):
        raise RefusedError("one audio and one video track at most can be published", 422)
    if len({one.mid for one in media}) < len(media):
        raise RefusedError("two media sections have the same mid", 400)
    return Offer(ufrag, password, fingerprints, setup != "passive", setup == "passive", media)


def fragment(text: str) -> tuple[str, str] | None:
    """The ``ice-ufrag`` and ``ice-pwd`` of a trickled SDP fragment (RFC 8840), ``None`` when it names none.
    Raises :class:`RefusedError` (400) for what is no fragment."""
    lines = text.splitlines()
    if not lines or len(lines) > MAX_LINES or not all(re.match(r"[a-z]=", line) for line in lines if line):
        raise RefusedError("that is no SDP fragment", 400)
    ufrag, password = _first(lines, "ice-ufrag"), _first(lines, "ice-pwd")
    if not ufrag and not password:
        return None
    if not _ice(ufrag, 4) or not _ice(password, 22):
        raise RefusedError("the fragment has no usable ice-ufrag and ice-pwd", 400)
    return ufrag, password


def _split(lines: list[str]) -> tuple[list[str], list[list[str]]]:
    session: list[str] = []
    sections: list[list[str]] = []
    for line in lines:
        if not line.strip():
            continue
        if not re.match(r"[a-z]=", line):
            raise RefusedError("that is no SDP offer", 400)
        if line.startswith("m="):
            sections.append([])
        (sections[-1] if sections else session).append(line)
    return session, sections


def _check_bundle(session: list[str], sections: list[list[str]]) -> None:
    groups = [set(group.split()[1:]) for group in _all(session, "group") if group.startswith("BUNDLE ")]
    mids = {_first(section, "mid") for section in sections}
    if not any(mids <= group for group in groups):
        raise RefusedError("the offer's media must be one BUNDLE (RFC 9725, section 4.4.1)", 422)


def _media(lines: list[str], session: list[str]) -> Media:
    words = lines[0][2:].split()
    if len(words) < 4 or not _NUMBER.fullmatch(words[1]):
        raise RefusedError("a media section cannot be read", 400)
    kind, _, protocol, *formats = words
    if kind not in ("audio", "video"):
        raise RefusedError(f"only audio and video can be published, not {kind[:20]}", 422)
    if protocol not in ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"):
        raise RefusedError("the media must be sent with DTLS and SRTP (UDP/TLS/RTP/SAVPF)", 422)
    directions = {"sendrecv", "sendonly", "recvonly", "inactive"} & {line[2:].strip() for line in lines}
    if directions & {"recvonly", "inactive"}:
        raise RefusedError(f"the {kind} is not to be sent: offer it as sendonly", 422)
    if not any(line.strip() == "a=rtcp-mux" for line in lines):
        raise RefusedError("the offer lacks rtcp-mux", 422)
    mid = _first(lines, "mid") or "0"
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}", mid):
        raise RefusedError("a media section's mid cannot be used", 400)
    twcc = None
    for entry in _all([*lines, *session], "extmap"):
        number, _, uri = entry.partition(" ")
        number = number.partition("/")[0]
        if uri.strip().split(" ")[0] == TWCC and _NUMBER.fullmatch(number) and 1 <= int(number) <= 255:
            twcc = int(number)
    return Media(kind, mid, protocol, " ".join(formats), _codecs(lines, formats), twcc)


def _codecs(lines: list[str], formats: list[str]) -> tuple[Codec, ...]:
    maps = dict(_numbered(_all(lines, "rtpmap")))
    options = dict(_numbered(_all(lines, "fmtp")))
    feedback: dict[str, list[str]] = {}
    for number, value in _numbered(_all(lines, "rtcp-fb")):
        feedback.setdefault(number, []).append(value.strip())
    found: list[Codec] = []
    for number in formats:
        match = re.match(r"([A-Za-z0-9._-]+)/([0-9]{1,6})", maps.get(number, ""))
        if match is None or not _NUMBER.fullmatch(number) or int(number) > 127:
            continue
        asks = (*feedback.get(number, ()), *feedback.get("*", ()))
        found.append(
            Codec(int(number), match[1].lower(), int(match[2]), options.get(number, "").strip(), asks)
        )
    return tuple(found)


def _numbered(values: list[str]) -> list[tuple[str, str]]:
    return [(number, value) for number, _, value in (entry.partition(" ") for entry in values)]


def _all(lines: list[str], name: str) -> list[str]:
    return [line.strip().partition(":")[2] for line in lines if line.startswith(f"a={name}:")]


def _first(lines: list[str], name: str) -> str:
    return next(iter(_all(lines, name)), "").strip()


def _ice(value: str, least: int) -> bool:
    return least <= len(value) <= 256 and bool(_TOKEN.fullmatch(value))


def _fingerprint(entry: str) -> tuple[str, str]:
    digest, _, value = entry.strip().partition(" ")
    return digest.lower(), value.strip().replace(":", "").lower()
