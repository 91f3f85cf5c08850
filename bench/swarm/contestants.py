"""Who is measured, and the page its viewers open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Backend(Enum):
    """What stands behind nginx."""

    FILES = "files"
    """The packager's folder as it is."""
    TRACKER = "tracker"
    """Likewise, and bittorrent-tracker's server at /tracker."""
    OURS = "ours"
    """``live-torrent serve`` on the packager's folder."""


@dataclass(frozen=True, slots=True)
class Contestant:
    key: str
    """On the command line and in the JSON."""
    name: str
    """In the table."""
    backend: Backend
    path: str
    """What its viewers open, from the site's root."""


ALL: tuple[Contestant, ...] = (
    Contestant("hlsjs", "plain hls.js 1.7.4", Backend.FILES, "/bench/hlsjs.html"),
    Contestant("ours", "live-torrent", Backend.OURS, "/watch/show"),
    Contestant("p2pml", "p2p-media-loader 2.3.1", Backend.TRACKER, "/bench/p2pml.html"),
    Contestant("p2pml-1", "… window 1 s", Backend.TRACKER, "/bench/p2pml.html?window=1"),
    Contestant("p2pml-3", "… window 3 s", Backend.TRACKER, "/bench/p2pml.html?window=3"),
)
"""Plain hls.js comes first: it is what the others' start-up, latency and CPU are compared with."""

BASELINE = "hlsjs"
KEYS = tuple(contestant.key for contestant in ALL)


def chosen(keys: Iterable[str]) -> tuple[Contestant, ...]:
    """In the order of :data:`ALL`; every key is one of :data:`KEYS`."""
    wanted = set(keys)
    return tuple(contestant for contestant in ALL if contestant.key in wanted)
