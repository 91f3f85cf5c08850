"""Bytes by source over time as a picture: a row per contestant, a column per setting. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from bench.swarm.contestants import Contestant
from bench.swarm.metrics import Bin

WIDTH, HEIGHT = 360, 96
"""Of one plot, px."""
LEFT, TOP, GAP = 170, 64, 26
PEERS, ORIGIN, TEXT, SOFT, LINE = "#1f9d6b", "#d9822b", "#1d2127", "#5f6772", "#d8dce2"


def picture(
    settings: Sequence[str], contestants: Sequence[Contestant], plots: Mapping[tuple[str, str], Sequence[Bin]]
) -> str:
    """``plots``: (setting's title, contestant's key) → bins; what is missing stays empty."""
    width = LEFT + len(settings) * (WIDTH + GAP) + GAP
    height = TOP + len(contestants) * (HEIGHT + GAP) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="12" fill="{TEXT}">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<rect x="16" y="14" width="12" height="12" rx="3" fill="{PEERS}"/>',
        '<text x="34" y="24">from peers</text>',
        f'<rect x="116" y="14" width="12" height="12" rx="3" fill="{ORIGIN}"/>',
        '<text x="134" y="24">from the origin (Mbit/s, all viewers together, over seconds)</text>',
    ]
    for column, setting in enumerate(settings):
        x = LEFT + column * (WIDTH + GAP)
        # The same scale for all contestants of a setting: they are there to be compared.
        shown = [plots.get((setting, contestant.key), ()) for contestant in contestants]
        most = max((b.origin + b.peers for bins in shown for b in bins), default=0.0) or 1.0
        span = max((bins[-1].at + _step(bins) for bins in shown if bins), default=1.0)
        out.append(f'<text x="{x}" y="{TOP - 12}" font-weight="600">{escape(setting)}</text>')
        for row, bins in enumerate(shown):
            y = TOP + row * (HEIGHT + GAP)
            out += _plot(bins, x, y, most, span)
    for row, contestant in enumerate(contestants):
        y = TOP + row * (HEIGHT + GAP) + HEIGHT // 2
        out.append(f'<text x="16" y="{y}">{escape(contestant.name)}</text>')
    return "\n".join([*out, "</svg>", ""])


def _plot(bins: Sequence[Bin], x: float, y: float, most: float, span: float) -> list[str]:
    out = [f'<path d="M{x} {y}v{HEIGHT}h{WIDTH}" fill="none" stroke="{LINE}"/>']
    if not bins:
        return out
    wide = _step(bins) / span * WIDTH
    for colour, low, high in (
        (ORIGIN, [0.0] * len(bins), [b.origin for b in bins]),
        (PEERS, [b.origin for b in bins], [b.origin + b.peers for b in bins]),
    ):
        bars = "".join(
            f"M{x + b.at / span * WIDTH:.1f} {y + HEIGHT * (1 - top / most):.1f}h{wide:.1f}"
            f"V{y + HEIGHT * (1 - bottom / most):.1f}h-{wide:.1f}z"
            for b, bottom, top in zip(bins, low, high, strict=True)
            if top > bottom
        )
        out.append(f'<path d="{bars}" fill="{colour}"/>')
    out += [
        f'<text x="{x - 6}" y="{y + 9}" text-anchor="end" fill="{SOFT}">{most * 8 / 1e6:.1f}</text>',
        f'<text x="{x + WIDTH}" y="{y + HEIGHT + 14}" text-anchor="end" fill="{SOFT}">{span:.0f}</text>',
    ]
    return out


def _step(bins: Sequence[Bin]) -> float:
    return bins[1].at - bins[0].at if len(bins) > 1 else 1.0
