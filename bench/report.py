"""One table on stdout and the same rows as JSON in ``bench/out/``."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path(__file__).resolve().parent / "out"


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    goal: float | None = None
    """The most it should be; ``None``: only for information."""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "ok" if self.value <= self.goal else "OVER"


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest-rank percentile: ``share`` 0.5 is the median, 0.99 the 99th; ``values`` not empty."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def report(bench: str, figures: Sequence[Figure], note: str = "") -> None:
    """Print and write; ``note`` says how it was measured."""
    print(f"\n{bench}" + (f"  ({note})" if note else ""))
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        goal = f"goal ≤ {figure.goal:g}" if figure.goal is not None else ""
        line = f"  {figure.name:<{width}}  {figure.value:>10.3f} {figure.unit:<6} {goal:<14} {figure.verdict}"
        print(line.rstrip())
    OUT.mkdir(parents=True, exist_ok=True)
    document = {
        "bench": bench,
        "note": note,
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in figures],
    }
    (OUT / f"{bench}.json").write_text(json.dumps(document, indent=1) + "\n")
