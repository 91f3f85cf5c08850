"""What is said between us and the process that libtorrent has to itself: a JSON object a line.

To it, first ``{"settings": …, "level": …}``, then orders::

    {"do": "seed", "n": 1, "infohash": …, "info": …, "name": …, "length": …, "piece_length": …,
     "path": …, "trackers": […]}
    {"do": "retire", "n": 2, "infohash": …}
    {"do": "stop"}

From it, ``{"say": …}`` with

    ready      it seeds: ``pending`` (see ``SeedSession``), ``warning``, ``listening``
    failed     it cannot start, ``why``
    done       order ``n`` is; ``error`` is null or a line
    broken     ``infohash``'s file no longer matches
    state      every :data:`STATE_SECONDS`: ``counters``, ``listening``
    log        ``level``, ``text``

Hashes are hexadecimal, bytes base64. Pure.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from seeder.model import Torrent
from seeder.torrent.seeds import SeedCounters

LINE = 256 << 10
"""Bytes of one line: the largest info dictionary is 5 KB, a path 4 KB, an announce URL or two as much again
when every character is escaped."""

STATE_SECONDS = 1.0
"""Who says nothing for much longer hangs."""

TEXT = 400
"""Characters of a line for the log."""

Message = dict[str, Any]


def line(message: Message) -> bytes:
    """ASCII: a file name that is not UTF-8 comes through as escapes."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def message(data: bytes) -> Message:
    """ValueError: that is no line of ours."""
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def seed_order(torrent: Torrent, path: Path, trackers: Sequence[str]) -> Message:
    return {
        "do": "seed",
        "infohash": torrent.infohash.hex(),
        "info": base64.b64encode(torrent.info).decode(),
        "name": torrent.name,
        "length": torrent.length,
        "piece_length": torrent.piece_length,
        "path": str(path),
        "trackers": list(trackers),
    }


def seed_arguments(order: Message) -> tuple[Torrent, Path, list[str]]:
    """Of ``SeedSession.seed``."""
    torrent = Torrent(
        bytes.fromhex(order["infohash"]),
        base64.b64decode(order["info"]),
        order["name"],
        order["length"],
        order["piece_length"],
    )
    return torrent, Path(order["path"]), order["trackers"]


def state(counters: SeedCounters, listening: Iterable[tuple[str, int]]) -> Message:
    return {"say": "state", "counters": asdict(counters), "listening": sorted(listening)}


def counters(said: Message) -> SeedCounters:
    return SeedCounters(**{field.name: int(said["counters"][field.name]) for field in fields(SeedCounters)})


def listening(said: Message) -> set[tuple[str, int]]:
    return {(str(host), int(port)) for host, port in said["listening"]}
