"""Figures as a table for the terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.swarm.contestants import Contestant
from bench.swarm.metrics import Figures

ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("offload", lambda f: _known(f.offload, "z.3f")),
    ("  the bound", lambda f: f"{f.bound:.3f}"),
    ("  offload ÷ bound", lambda f: _known(f.offload / f.bound if f.bound and f.offload else None, "z.3f")),
    ("copies per segment, mean", lambda f: f"{f.copies_mean:.2f}"),
    ("  most", lambda f: f"{f.copies_max:.2f}"),
    ("start-up, median ms", lambda f: f"{f.start_ms:.0f}"),
    ("  slowest", lambda f: f"{f.start_max_ms:.0f}"),
    ("stalls", lambda f: str(f.stalls)),
    ("  ms", lambda f: f"{f.stalled_ms:.0f}"),
    ("jumps", lambda f: str(f.jumps)),
    ("latency at the end, s", lambda f: _known(f.latency)),
    ("  worst viewer", lambda f: _known(f.latency_max)),
    ("  drift", lambda f: _known(f.drift, "+.2f")),
    ("upload per viewer, Mbit/s", lambda f: f"{f.upload_mbps:.2f}"),
    ("  highest ÷ mean", lambda f: _known(f.fairness)),
    ("peer connections, per viewer", lambda f: f"{f.connections:.1f}"),
    ("  most", lambda f: str(f.connections_max)),
    ("CPU per viewer, % of a core", lambda f: f"{f.cpu * 100:.1f}"),
    ("  of it, its page", lambda f: f"{f.cpu_pages * 100:.1f}"),
    ("page memory, MiB", lambda f: f"{f.memory:.0f}"),
    ("  JavaScript heap", lambda f: f"{f.heap:.1f}"),
    ("manifest, kbit/s per viewer", lambda f: f"{f.manifest_kbps:.1f}"),
    ("signalling, kbit/s per viewer", lambda f: f"{f.signalling_kbps:.2f}"),
    ("pages and scripts, KB per viewer", lambda f: f"{f.page_kb:.0f}"),
    ("segments measured", lambda f: str(f.segments)),
    ("viewers that played", lambda f: str(f.started)),
)


def _known(value: float | None, spec: str = ".2f") -> str:
    return "–" if value is None else format(value, spec)


def table(title: str, results: Mapping[str, Figures], contestants: Sequence[Contestant]) -> str:
    """A column per contestant that has figures, in the order given."""
    columns = [contestant for contestant in contestants if contestant.key in results]
    head = ["", *(contestant.name for contestant in columns)]
    body = [[name, *(show(results[c.key]) for c in columns)] for name, show in ROWS]
    widths = [max(len(row[k]) for row in (head, *body)) for k in range(len(head))]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in (head, *body)
    ]
    return "\n".join([title, *(line.rstrip() for line in lines)])
