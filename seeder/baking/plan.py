"""What a bake has to do. Pure: listings and signatures in, work out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from seeder.baking.hashing import unusable
from seeder.baking.listing import Extent, Listing
from seeder.baking.state import Baked, Hashed
from seeder.baking.streams import Stream, empty, streams, unfinished
from seeder.feed.beneath import Signature


class Remarks:
    """What people should know, each kind once with how often: a mistake stands in every line."""

    def __init__(self) -> None:
        self._kinds: dict[str, tuple[str, int]] = {}
        """Reason → (to what it first applied, how often)."""

    def add(self, what: str, reason: str) -> None:
        first, count = self._kinds.get(reason, (what, 0))
        self._kinds[reason] = first, count + 1

    def lines(self) -> list[str]:
        return [
            f"{first} {reason}" + (f" ({count - 1} more like it)" if count > 1 else "")
            for reason, (first, count) in self._kinds.items()
        ]


@dataclass(frozen=True, slots=True)
class Work:
    """One bake."""

    streams: tuple[Stream, ...]
    todo: tuple[Extent, ...]
    """To be hashed, each once, stream after stream."""
    todo_bytes: int
    known: frozenset[Extent]
    """Hashed before, and not changed since."""
    segments: Mapping[str, int] = field(default_factory=dict)
    """Stream → segments it lists, over all its playlists."""


def plan(
    listings: Mapping[str, Listing],
    hashed: Mapping[Extent, Hashed],
    signature: Callable[[str], Signature | None],
    remarks: Remarks,
) -> Work:
    """``signature``: of the file at a path; None where there is none."""
    chosen = [stream for stream in streams(listings) if _may(stream, listings, remarks)]
    todo: dict[Extent, None] = {}
    known: set[Extent] = set()
    useless: set[Extent] = set()
    total = 0
    for stream in chosen:
        for path in stream.playlists:
            for why, uri in listings[path].left_out.items():
                shown = uri.partition("?")[0]  # queries hold tokens
                remarks.add(f"{path} lists {shown!r}, which", f"{why}: no magnet for it")
            for extent in listings[path].extents.values():
                if extent in todo or extent in known or extent in useless:
                    continue
                found = signature(extent.path)
                reason = "is not there" if found is None else unusable(extent, found.size)
                if found is None or reason is not None:
                    useless.add(extent)
                    remarks.add(extent.path, f"{reason}: no magnet for it")
                elif fresh(hashed.get(extent), found):
                    known.add(extent)
                else:
                    todo[extent] = None
                    total += found.size if extent.span is None else extent.span.length
    segments = {s.path: sum(listings[path].segments for path in s.playlists) for s in chosen}
    return Work(tuple(chosen), tuple(todo), total, frozenset(known), segments)


def fresh(hashed: Hashed | None, found: Signature) -> bool:
    """Nobody wrote the file since, as far as size and time tell."""
    return hashed is not None and (hashed.size, hashed.mtime_ns) == (found.size, found.mtime_ns)


def rendezvous(known: Baked | None, derived: str | None, dice: Callable[[], str]) -> str:
    """Where a stream's viewers meet, in hex. ``derived``: from its public address, the same wherever it is
    baked; without one what it was before, or thrown by ``dice``."""
    return derived or (known.ids[-1] if known is not None and known.ids else dice())


def _may(stream: Stream, listings: Mapping[str, Listing], remarks: Remarks) -> bool:
    growing = unfinished(stream, listings)
    if growing is not None:
        remarks.add(growing, "has no EXT-X-ENDLIST: bake is for what has ended, its stream is left alone")
        return False
    if empty(stream, listings):
        remarks.add(stream.path, "has no segments: left alone")
        return False
    return True
