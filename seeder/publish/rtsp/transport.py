"""By which way a track comes: the Transport header (RFC 2326 section 12.39). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Between the requests."""

    channels: tuple[int, int] | None
    """For RTP and RTCP; None leaves the choice to us."""


@dataclass(frozen=True, slots=True)
class Udp:
    client: tuple[int, int]
    """The publisher's ports for RTP and RTCP."""


def wanted(header: str) -> Interleaved | Udp | None:
    """The first way offered that we have, None for none of them."""
    for offer in header.split(","):
        protocol, *parameters = (part.strip() for part in offer.split(";"))
        match = re.fullmatch(r"RTP/AVPF?(?:/(UDP|TCP))?", protocol, re.IGNORECASE)
        values = {
            name.strip().lower(): value.strip().strip('"')
            for name, _, value in (part.partition("=") for part in parameters)
        }
        if match is None or "multicast" in values or values.get("mode", "record").lower() == "play":
            continue
        if (match[1] or "UDP").upper() == "TCP":
            channels = _pair(values.get("interleaved", ""), 255)
            if channels is not None or "interleaved" not in values:
                return Interleaved(channels)
        elif (client := _pair(values.get("client_port", ""), 65535)) is not None:
            return Udp(client)
    return None


def _pair(text: str, most: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text)
    if match is None:
        return None
    first = int(match[1])
    second = first + 1 if match[2] is None else int(match[2])
    return (first, second) if max(first, second) <= most and first != second else None
