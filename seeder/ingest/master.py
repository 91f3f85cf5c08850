"""The multivariant playlist of one variant (RFC 8216bis §4.4.6.2), from what was measured. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from seeder.ingest.moov import Track
from seeder.ingest.playlist import VERSION

STEP = 50_000  # bit/s: figures are rounded to this, so that the playlist changes seldom
HEADROOM = 1.1  # stated peak ÷ measured peak: BANDWIDTH is an upper bound of what is still to come
DRIFT = 0.1  # the stated average follows when it is wrong by more than this
MEMORY = 300.0  # seconds over which the average is taken: long enough to be calm, short enough to follow


@dataclass(frozen=True, slots=True)
class Rates:
    """Bit rates in bit/s; 0 until something was measured."""

    bandwidth: int = 0
    """As stated: peak segment bit rate, never falling."""
    average: int = 0
    """As stated."""
    bits: float = 0.0
    seconds: float = 0.0

    def observe(self, size: int, duration: float, target_duration: int) -> Rates:
        """After a segment of ``size`` bytes; under half a Target Duration it is no peak (§4.4.6.2)."""
        fade = MEMORY / (MEMORY + duration) if self.seconds >= MEMORY else 1.0
        bits, seconds = self.bits * fade + size * 8, self.seconds * fade + duration
        bandwidth, mean = self.bandwidth, bits / seconds
        if duration >= target_duration / 2 and size * 8 / duration > bandwidth:
            bandwidth = _up(size * 8 / duration * HEADROOM)
        bandwidth = max(bandwidth, _up(mean))
        average = self.average
        if abs(mean - average) > DRIFT * average:
            average = min(_up(mean), bandwidth)
        return replace(self, bandwidth=bandwidth, average=average, bits=bits, seconds=seconds)


def _up(rate: float) -> int:
    return math.ceil(rate / STEP) * STEP


def render(uri: str, tracks: tuple[Track, ...], frame_rate: float, rates: Rates) -> str:
    """``frame_rate`` in frames per second, 0 for no video."""
    attributes = [
        f"BANDWIDTH={rates.bandwidth}",
        f"AVERAGE-BANDWIDTH={rates.average}",
        f'CODECS="{",".join(track.codec for track in tracks)}"',
    ]
    for track in tracks:
        if track.kind == "video":
            attributes.append(f"RESOLUTION={track.width}x{track.height}")
            attributes.append(f"FRAME-RATE={frame_rate:.3f}")
    return (
        f"#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        f"#EXT-X-STREAM-INF:{','.join(attributes)}\n{uri}\n"
    )


def stated(text: str) -> Rates:
    """The rates an earlier process stated, so that BANDWIDTH never falls; zeros when there are none."""
    found = {
        name: int(value)
        for name, value in re.findall(r"(?<![A-Z])(BANDWIDTH|AVERAGE-BANDWIDTH)=(\d{1,12})", text)
    }
    return Rates(found.get("BANDWIDTH", 0), found.get("AVERAGE-BANDWIDTH", 0))
