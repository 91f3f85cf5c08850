"""What to seed and what to hold in memory, of all the segments there are. Pure.

Both are bounded, and live comes first: its viewers are all at the same place and cannot wait.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

GRACE = 3
"""Segments still seeded after they left the window: who is a little behind may be fetching them."""

HOT = 100
"""Segments at the end of a live playlist that are held in memory and seeded first: more than any window has.
One that lists more lets viewers seek back; what lies there is read from disk, as recordings are."""

HOT_OF_EVENT = 12
"""… of one to whose beginning everything stays (EXT-X-PLAYLIST-TYPE:EVENT): its writer deletes nothing, and
of a recording that grows the same segments are in the live stream, too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One torrent that could be seeded."""

    infohash: bytes
    size: int
    """Bytes of it in the spool."""
    live: bool
    age: int
    """Live: segments listed after it (0: the newest). Recorded: segments listed before it."""


def to_seed(
    candidates: Iterable[Candidate], asked: Mapping[bytes, int], limit: int, spool_bytes: int
) -> list[bytes]:
    """The infohashes to seed, at most ``limit``, the most wanted first.

    Live segments newest first, those of all streams and variants abreast; of what has its copy in the spool,
    up to ``spool_bytes``. Then recorded segments: those asked for (``asked``: infohash →
    rank, 0 the most recent), then the beginnings, where viewers start.
    """
    chosen: dict[bytes, None] = {}
    room = spool_bytes
    everything = sorted(candidates, key=lambda c: _order(c, asked))
    for candidate in everything:
        if len(chosen) >= limit:
            break
        if candidate.infohash in chosen:
            continue
        if candidate.size > room:
            continue
        room -= candidate.size
        chosen[candidate.infohash] = None
    return list(chosen)


def _order(candidate: Candidate, asked: Mapping[bytes, int]) -> tuple[int, int]:
    if candidate.live:
        return (0, candidate.age)
    rank = asked.get(candidate.infohash)
    return (1, rank) if rank is not None else (2, candidate.age)


def hot(playlist_type: str) -> int:
    """How many segments at the end of such a live playlist."""
    return HOT_OF_EVENT if playlist_type == "EVENT" else HOT


def to_keep(sizes: Sequence[tuple[str, int, int]], limit: int) -> set[str]:
    """Which live files stay in memory: the newest whose bytes together fit in ``limit``.

    ``sizes``: (key, bytes, age as in :class:`Candidate`).
    """
    kept: set[str] = set()
    room = limit
    for key, size, _ in sorted(sizes, key=lambda entry: entry[2]):
        if size <= room:
            room -= size
            kept.add(key)
    return kept


def lingering(before: Sequence[str], now: Iterable[str], left: Sequence[str], keep: int) -> list[str]:
    """Segments no longer listed but still to be had, the most recent first.

    ``before`` and ``now`` are the paths a live playlist listed last time (in order) and lists now,
    ``left`` this function's last answer. ``keep`` is how many: RFC 8216bis §6.2.2 wants a removed
    segment available for its own duration plus that of the longest playlist it was in, which is one
    window and one more.
    """
    listed = set(now)
    gone = [path for path in reversed(before) if path not in listed]
    kept = dict.fromkeys((*gone, *(path for path in left if path not in listed)))
    return list(kept)[:keep]
