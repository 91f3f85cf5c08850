"""Delivery Directives (RFC 8216bis §6.2.5): what is asked of a playlist, and whether it has that. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import MAX_SEQUENCE, MediaPlaylist, split_lines
from seeder.model import Control, Edge

PREFIX = "_HLS_"
"""Of all directives' names; what others begin with it is reserved and means nothing to us."""
ADVANCE = 3.0
"""Seconds of parts, or three parts where each is longer, that may be asked for ahead (Advance Part Limit)."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What a request's query says."""

    msn: int | None = None
    """The answer shall have this segment, or ..."""
    part: int | None = None
    """... this part of it (from 0)."""
    skip: str = ""
    """``YES`` or ``v2``: older segments may be left out."""


def directives(query: str) -> Directives:
    """Of a URL's query; ValueError says what is wrong with it, for people."""
    if PREFIX not in query:
        return Directives()
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
        if found.setdefault(name, value) != value and name.startswith(PREFIX):
            raise ValueError(f"{name} twice")
    msn, part = (_integer(found.get(name), name) for name in ("_HLS_msn", "_HLS_part"))
    if part is not None and msn is None:
        raise ValueError("_HLS_part without _HLS_msn")
    skip = found.get("_HLS_skip", "")
    return Directives(msn, part, skip if skip in ("YES", "v2") else "")


def _integer(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) or int(text) > MAX_SEQUENCE:
        raise ValueError(f"{name} is not a decimal integer")
    return int(text)


def without_directives(url: str) -> str:
    """What they are asked of. (What URIs are relative to has no query anyway, but variables come from it.)"""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and not pair.startswith(PREFIX)]
    return urlunsplit(parts._replace(query="&".join(kept)))


def with_position(url: str, edge: Edge) -> str:
    """The URL that is answered once there is more than ``edge``."""
    parts = urlsplit(url)
    query = f"{parts.query}&" if parts.query else ""
    query += f"_HLS_msn={edge.msn}" + (f"&_HLS_part={edge.parts}" if edge.part_target else "")
    return urlunsplit(parts._replace(query=query))


def edge_of(text: str, playlist: MediaPlaylist, removed: tuple[str, ...] = ()) -> Edge | None:
    """None where nothing is promised, or nothing more will come. ``text`` may have other URIs in it."""
    if playlist.ended or "#EXT-X-SERVER-CONTROL:" not in text:
        return None
    lines = split_lines(text)
    control, part_target = Control(), 0.0
    for line in lines:
        if line.startswith("#EXT-X-SERVER-CONTROL:"):
            attributes = parse_attributes(line.strip().partition(":")[2])
            skip = _seconds(attributes.get("CAN-SKIP-UNTIL", ""))
            # Nearer to the end than that, who is only a little behind would miss segments (§4.4.3.8).
            skip = skip if skip >= 6 * playlist.target_duration else 0.0
            control = Control(attributes.get("CAN-BLOCK-RELOAD") == "YES", skip)
        elif line.startswith("#EXT-X-PART-INF:"):
            part_target = _seconds(parse_attributes(line.strip().partition(":")[2]).get("PART-TARGET", ""))
    if control == Control():
        return None
    ends = [-1, -1, *(segment.uri_line for segment in playlist.segments[-2:])]
    before, last = ends[-2:]
    return Edge(
        control,
        playlist.target_duration,
        playlist.media_sequence + len(playlist.segments),
        _parts(lines[last + 1 :]),
        _parts(lines[before + 1 : last + 1]),
        part_target,
        removed,
    )


def _parts(lines: list[str]) -> int:
    return sum(1 for line in lines if line.startswith("#EXT-X-PART:"))


def _seconds(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{0,9})?", text, re.ASCII) else 0.0


def has(edge: Edge, msn: int, part: int | None) -> bool:
    """Whether a playlist that ends so has the segment, or the part of it, or anything later (§6.2.5.2)."""
    if msn == edge.msn - 1 and part is not None and 0 < edge.parts_before <= part:
        msn, part = edge.msn, 0  # more parts than it came to have: then the next one's first is meant
    return msn < edge.msn or (msn == edge.msn and part is not None and part < edge.parts)


def too_far(edge: Edge, msn: int, part: int | None) -> bool:
    """Whether it is further ahead than a client with this playlist has a reason to ask for (§6.2.5.2).

    RFC 8216bis would have the limit of parts counted from the newest one. hls.js, when not to play with low
    latency, asks for the last part of the next segment: that much is let pass.
    """
    if msn > edge.msn + 1:
        return True
    if part is None or not edge.part_target:
        return False
    whole = math.ceil(edge.target_duration / edge.part_target)
    return part >= 2 * whole + max(3, math.ceil(ADVANCE / edge.part_target))


def went_back(edge: Edge, before: Edge) -> bool:
    """The publisher began anew: what was waited for would be another segment, or never come."""
    return (edge.msn, edge.parts) < (before.msn, before.parts)
