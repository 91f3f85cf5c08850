"""Swarms of streams that are served elsewhere (baked ones, say) and whose viewers may meet here."""

from __future__ import annotations

from collections.abc import Callable, Collection

ANY = "any"


def with_guests(knows: Callable[[bytes], bool], swarms: Collection[str]) -> Callable[[bytes], bool]:
    """``knows``: of our own infohashes; ``swarms``: infohashes in hex, or ``any``."""
    guests = frozenset(bytes.fromhex(swarm) for swarm in swarms if swarm != ANY)
    if ANY in swarms:
        return lambda infohash: True
    return lambda infohash: knows(infohash) or infohash in guests
