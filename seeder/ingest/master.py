"""The multivariant playlist (RFC 8216bis §4.4.6.2), from what was measured. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from seeder.ingest.cmaf import InitSection
from seeder.ingest.moov import Track
from seeder.ingest.playlist import VERSION
from seeder.ingest.segmenter import Cut
from seeder.ingest.variants import is_sound

START_BANDWIDTH = 2_500_000
"""bit/s: the best variant within it is listed first, which is the one that Safari and others start with; most
lines carry it."""

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


@dataclass(frozen=True, slots=True)
class Variant:
    """One as it is listed."""

    uri: str
    tracks: tuple[Track, ...]
    frame_rate: float
    """Frames a second, 0 for no video."""
    rates: Rates
    sound: bool = False


def render(variants: Iterable[Variant]) -> str:
    """The one to start with first, the others from the best, sound alone last."""
    ordered = sorted(variants, key=lambda one: (one.sound, -one.rates.bandwidth))
    start = next((one for one in ordered if one.rates.bandwidth <= START_BANDWIDTH and not one.sound), None)
    if start is not None:
        ordered.remove(start)
        ordered.insert(0, start)
    lines = [f"#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n"]
    lines += [f"#EXT-X-STREAM-INF:{_attributes(one)}\n{one.uri}\n" for one in ordered]
    return "".join(lines)


def _attributes(variant: Variant) -> str:
    attributes = [
        f"BANDWIDTH={variant.rates.bandwidth}",
        f"AVERAGE-BANDWIDTH={variant.rates.average}",
        f'CODECS="{",".join(track.codec for track in variant.tracks)}"',
    ]
    for track in variant.tracks:
        if track.kind == "video":
            attributes.append(f"RESOLUTION={track.width}x{track.height}")
            attributes.append(f"FRAME-RATE={variant.frame_rate:.3f}")
    return ",".join(attributes)


def stated(text: str, uri: str = "v0/index.m3u8") -> tuple[Rates, str]:
    """The rates that an earlier process stated of the variant at ``uri``, so that BANDWIDTH never falls, and
    its RESOLUTION; zeros when there are none."""
    found = re.search(rf"^#EXT-X-STREAM-INF:(.*)\n{re.escape(uri)}$", text, re.MULTILINE)
    line = found[1] if found else ""
    numbers = {
        name: int(value)
        for name, value in re.findall(r"(?<![A-Z])(BANDWIDTH|AVERAGE-BANDWIDTH)=(\d{1,12})", line)
    }
    size = re.search(r"RESOLUTION=(\d+x\d+)", line)
    rates = Rates(numbers.get("BANDWIDTH", 0), numbers.get("AVERAGE-BANDWIDTH", 0))
    return rates, size[1] if size else ""


class Master:
    """What was measured of each variant; ``text`` is what an earlier process stated."""

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._rates: dict[str, tuple[Rates, str]] = {}  # by folder, with the size that they were measured at
        self._inits: dict[str, InitSection] = {}
        self._frame_rates: dict[str, float] = {}

    def begin_run(self, inits: Mapping[str, InitSection]) -> None:
        """These are listed from now on. The rates of a variant that is another size than before are new."""
        self._inits = dict(inits)
        self._frame_rates = {}
        for folder, init in inits.items():
            size = f"{init.lead.width}x{init.lead.height}" if init.lead.kind == "video" else ""
            rates, before = self._rates.get(folder) or stated(self._text, f"{folder}/index.m3u8")
            # A single variant that changes keeps its bound: nothing else tells players that it was higher.
            same = before == size or len(inits) == 1
            self._rates[folder] = (rates if same else Rates(), size)

    def observe(self, folder: str, cut: Cut, duration: float, target_duration: int) -> None:
        rates, size = self._rates[folder]
        self._rates[folder] = (rates.observe(len(cut.data), duration, target_duration), size)
        if folder not in self._frame_rates and self._inits[folder].lead.kind == "video":
            self._frame_rates[folder] = cut.frames / cut.duration

    def render(self) -> str:
        return render(
            Variant(
                f"{folder}/index.m3u8", init.tracks, self._frame_rates.get(folder, 0.0),
                self._rates[folder][0], is_sound(folder),
            )
            for folder, init in self._inits.items()
        )  # fmt: skip
