"""A multivariant playlist for a stream whose writer wrote none (RFC 8216bis §4.4.6)."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seeder.hls.names import quote_path

SUBTITLES = (".vtt", ".webvtt")

ASSUMED_BANDWIDTH = 2_000_000
"""Bit/s, for a media playlist none of whose segments could be measured yet: BANDWIDTH is required."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One media playlist of the stream, as far as its files tell."""

    path: str
    """Relative to the stream."""
    segments: tuple[tuple[int, float], ...]
    """(bytes, seconds) of those that were measured."""
    ended: bool = True
    """Nothing will be added: the measures are final."""
    subtitles: bool = False


def peak(segments: Sequence[tuple[int, float]]) -> int:
    """The largest segment bit rate in bit/s, rounded up to two digits; 0 when nothing was measured.

    Two digits, because a live stream's measure changes with every segment and its playlist should not.
    Segments under half a second say nothing: the last one of a recording may be a few frames.
    """
    rates = [size * 8 / seconds for size, seconds in segments if seconds >= 0.5]
    rates = rates or [size * 8 / seconds for size, seconds in segments if seconds > 0]
    return _up(max(rates, default=0.0))


def average(segments: Sequence[tuple[int, float]]) -> int:
    """All bits ÷ all seconds, rounded up to two digits; 0 when nothing was measured."""
    seconds = math.fsum(s for _, s in segments)
    return _up(sum(size for size, _ in segments) * 8 / seconds) if seconds > 0 else 0


def _up(value: float) -> int:
    if value < 1:
        return 0
    step: int = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step


def make_master(playlists: Sequence[Measured], floor: Mapping[str, int] | None = None) -> str:
    """One variant for each media playlist, the highest bit rate last; subtitles as a rendition of all.

    ``floor`` (path → bit/s) is what was announced before: BANDWIDTH of a live stream only grows.
    """
    variants = sorted(
        ((max(peak(p.segments) or ASSUMED_BANDWIDTH, (floor or {}).get(p.path, 0)), p) for p in playlists),
        key=lambda pair: (pair[0], pair[1].path),
    )
    media = [(rate, p) for rate, p in variants if not p.subtitles]
    texts = [p for _, p in variants if p.subtitles] if media else []
    out = ["#EXTM3U", "#EXT-X-VERSION:4"]
    for number, text in enumerate(texts):
        name = posixpath.splitext(posixpath.basename(text.path))[0].replace('"', "'") or "subtitles"
        default = "YES" if number == 0 else "NO"
        out.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="{name} {number + 1}",'
            f'DEFAULT={default},AUTOSELECT={default},URI="{quote_path(text.path)}"'
        )
    for rate, playlist in media or variants:
        attributes = f"BANDWIDTH={rate}"
        # Of a live stream the average would change with every segment, and the playlist with it.
        if playlist.ended and (mean := average(playlist.segments)):
            attributes += f",AVERAGE-BANDWIDTH={min(mean, rate)}"
        if texts:
            attributes += ',SUBTITLES="subtitles"'
        out += [f"#EXT-X-STREAM-INF:{attributes}", quote_path(playlist.path)]
    return "\n".join(out) + "\n"
