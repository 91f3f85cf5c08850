"""What is known of earlier bakes: records ⇄ lines of JSON. Pure.

Lines are added while a bake goes on, the later one counts; so whatever ends it, what was hashed stays known.
Nothing in it is secret: it may lie beside what it is about, on a public server.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seeder.baking.listing import Extent
from seeder.hls.names import is_safe
from seeder.model import Span, Torrent
from seeder.torrent.metainfo import from_hashes, piece_length

VERSION = 1
MAX_IDS = 8
"""Rendezvous remembered of a stream, to know tags of ours by: it changes with the public URL alone."""

Removed = tuple[tuple[int, str], ...]
"""Lines with tags of ours that were there before us (a copy of another server's manifest), by their index."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A segment as it was hashed."""

    size: int
    """Of the file, bytes."""
    mtime_ns: int
    length: int
    """Bytes of the segment."""
    pieces: bytes
    """20 bytes each."""

    def torrent(self, name: str) -> Torrent:
        return from_hashes(name, self.length, [self.pieces])


@dataclass(frozen=True, slots=True)
class Baked:
    """A stream."""

    ids: tuple[str, ...]
    """Its rendezvous in hex, the present one last."""
    page: str | None
    """Path of the page that plays it."""


@dataclass(slots=True)
class State:
    """Grows with the segments of the folder: 200 bytes each, and 20 for every 64 KiB of them."""

    streams: dict[str, Baked] = field(default_factory=dict)
    playlists: dict[str, Removed] = field(default_factory=dict)
    """Those with tags of this folder's bakes."""
    files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Files of ours → SHA-256 of their bytes, in hex; two while one replaces the other."""
    hashed: dict[Extent, Hashed] = field(default_factory=dict)
    lines: int = field(default=0, compare=False)
    """In the file: more than there are records where some were superseded."""

    def __len__(self) -> int:
        """Records."""
        return len(self.streams) + len(self.playlists) + len(self.files) + len(self.hashed)

    def ids(self) -> frozenset[str]:
        return frozenset(identity for baked in self.streams.values() for identity in baked.ids)


def head() -> str:
    return _line({"live-torrent": VERSION, "for": "live-torrent bake; --undo needs it"})


def stream_line(path: str, baked: Baked) -> str:
    return _line({"stream": path, "ids": list(baked.ids), "page": baked.page})


def playlist_line(path: str, removed: Removed) -> str:
    return _line({"playlist": path} | ({"removed": [list(pair) for pair in removed]} if removed else {}))


def file_line(path: str, sha256: tuple[str, ...]) -> str:
    return _line({"file": path, "sha256": list(sha256)})


def segment_line(extent: Extent, hashed: Hashed) -> str:
    where: dict[str, object] = {"segment": extent.path}
    if extent.span is not None:
        where |= {"start": extent.span.start, "length": extent.span.length}
    facts = {"size": hashed.size, "mtime_ns": hashed.mtime_ns, "pieces": b64encode(hashed.pieces).decode()}
    return _line(where | facts)


def lines(state: State) -> Iterator[str]:
    """All of it, to be written anew."""
    yield head()
    for path, baked in sorted(state.streams.items()):
        yield stream_line(path, baked)
    for path, removed in sorted(state.playlists.items()):
        yield playlist_line(path, removed)
    for path, digests in sorted(state.files.items()):
        yield file_line(path, digests)
    for extent, hashed in sorted(state.hashed.items(), key=_place):
        yield segment_line(extent, hashed)


def _place(item: tuple[Extent, Hashed]) -> tuple[str, int, int]:
    extent = item[0]
    return (
        (extent.path, extent.span.start, extent.span.length)
        if extent.span is not None
        else (extent.path, -1, 0)
    )


def read(text: Iterable[str]) -> State:
    """ValueError, with the line's number, for what no version of us wrote."""
    state = State()
    for number, line in enumerate(text, 1):
        try:
            record = json.loads(line)
            if number == 1:
                _check_head(record)
            else:
                _take(state, record)
            state.lines = number
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number}: {error}") from None
    return state


def _check_head(record: Mapping[str, Any]) -> None:
    version = record["live-torrent"]
    if version != VERSION:
        raise ValueError(f"version {version} is not known here: use the live-torrent that wrote it")


def _take(state: State, record: Mapping[str, Any]) -> None:
    if "segment" in record:
        span = Span(int(record["start"]), int(record["length"])) if "start" in record else None
        size, pieces = int(record["size"]), b64decode(record["pieces"], validate=True)
        length = size if span is None else span.length
        if len(pieces) != 20 * -(-length // piece_length(length)):
            raise ValueError("the wrong number of piece hashes")
        hashed = Hashed(size, int(record["mtime_ns"]), length, pieces)
        state.hashed[Extent(_path(record["segment"]), span)] = hashed
    elif "stream" in record:
        page = record["page"]
        ids = tuple(str(identity) for identity in record["ids"])
        state.streams[_path(record["stream"])] = Baked(ids, None if page is None else _path(page))
    elif "playlist" in record:
        removed = tuple((int(index), str(line)) for index, line in record.get("removed", ()))
        state.playlists[_path(record["playlist"])] = removed
    elif "file" in record:
        state.files[_path(record["file"])] = tuple(str(digest) for digest in record["sha256"])
    else:
        raise ValueError("no record that is known here")


def _path(value: object) -> str:
    """These are paths we write to and remove: none may lead out of the folder, whoever wrote the line."""
    if not isinstance(value, str) or not is_safe(value):
        raise ValueError(f"{value!r} is no path in the folder")
    return value


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"
