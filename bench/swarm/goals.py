"""What ours is to reach, beside what it reached. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.swarm.contestants import BASELINE
from bench.swarm.metrics import Figures
from bench.swarm.settings import Setting

OURS = "ours"
EQUAL = 0.005
"""Two offloads this close are the same: half a segment's worth of noise at N = 6."""

AUDIENCE = 6
"""Copies from the origin are judged from this many viewers on: fewer leave less to share out."""


@dataclass(frozen=True, slots=True)
class Goal:
    name: str
    value: float
    limit: float
    at_least: bool = False

    @property
    def reached(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "ok" if self.reached else "MISSED"
        return f"  {self.name:<40} {self.value:8.3f}  {sign} {self.limit:.3f}  {verdict}"


def goals(results: Mapping[str, Figures], setting: Setting) -> Iterator[Goal]:
    """Those that can be told from the contestants that were measured; none without ours."""
    ours, plain = results.get(OURS), results.get(BASELINE)
    if ours is None or ours.offload is None:
        return
    if ours.bound > 0:
        share = 0.90 if setting.links.shaped else 0.97
        yield Goal("offload", ours.offload, share * ours.bound, at_least=True)
        others = [(f.offload, f) for key, f in results.items() if key not in (OURS, BASELINE)]
        tuned = [(offload, f) for offload, f in others if offload is not None]
        if tuned:
            best, theirs = max(tuned, key=lambda pair: pair[0])
            yield Goal("offload beside p2p-media-loader's best", ours.offload, best - EQUAL, at_least=True)
            equal = abs(ours.offload - best) <= EQUAL
            if equal and ours.fairness is not None and theirs.fairness is not None:
                # Equal offload is enough only with the fairer load.
                yield Goal("highest upload ÷ mean, beside its", ours.fairness, theirs.fairness)
        if setting.viewers >= AUDIENCE:
            yield Goal("copies per segment", ours.copies_mean, 1.1)
        if ours.fairness is not None:
            yield Goal("highest upload ÷ mean", ours.fairness, 2.0)
    yield Goal("stalls", ours.stalls, 0)
    if plain is not None and plain.started:
        yield Goal("start-up ÷ plain hls.js", ours.start_ms / plain.start_ms, 1.15)
        yield Goal("CPU per viewer ÷ plain hls.js", ours.cpu / plain.cpu if plain.cpu else 0.0, 1.25)
        if ours.latency is not None and plain.latency is not None:
            yield Goal("latency less plain hls.js's, s", ours.latency - plain.latency, 0.5)
    if ours.drift is not None:
        # "Not drifting": less than what one sample of a 2 s segment stream moves by itself.
        yield Goal("latency's drift, s", ours.drift, 0.5)
