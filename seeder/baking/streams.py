"""Playlists → streams, and which of them can be baked. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seeder.baking.listing import Listing

USUAL = frozenset(
    {"master", "main", "index", "playlist", "manifest", "prog_index", "stream", "chunks", "out"}
)
"""Playlists of these names say nothing about what they play: their folder's name does."""

PAGE = "watch.html"


@dataclass(frozen=True, slots=True)
class Stream:
    """One presentation."""

    path: str
    """Its multivariant playlist, or its only one."""
    playlists: tuple[str, ...]
    """All of them, media playlists first: the one that names the others is the last to be replaced."""

    def title(self, folder: str) -> str:
        """For people; ``folder``: the name of the folder that all is in."""
        stem = posixpath.splitext(posixpath.basename(self.path))[0]
        if stem.lower() not in USUAL:
            return stem
        return posixpath.basename(posixpath.dirname(self.path)) or folder


def streams(listings: Mapping[str, Listing]) -> list[Stream]:
    """Playlists that a multivariant playlist lists belong to it; multivariant playlists that share some are
    one stream, for their viewers can share those segments. By path."""
    parents = {path: path for path in listings}

    def top(path: str) -> str:
        while parents[path] != path:
            parents[path] = path = parents[parents[path]]
        return path

    for path, listing in listings.items():
        for listed in listing.lists:
            if listed in parents:
                parents[top(listed)] = top(path)
    groups: dict[str, list[str]] = {}
    for path in sorted(listings):
        groups.setdefault(top(path), []).append(path)
    return sorted((_stream(paths, listings) for paths in groups.values()), key=lambda stream: stream.path)


def _stream(paths: list[str], listings: Mapping[str, Listing]) -> Stream:
    masters = [path for path in paths if listings[path].multivariant]
    media = [path for path in paths if not listings[path].multivariant]
    named = min(masters or media, key=lambda path: (path.count("/"), _stem(path) != "master", path))
    return Stream(named, (*(path for path in (*media, *masters) if path != named), named))


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0].lower()


def unfinished(stream: Stream, listings: Mapping[str, Listing]) -> str | None:
    """The first of its playlists that can still grow: bake is for what has ended."""
    return next((path for path in stream.playlists if not listings[path].ended), None)


def empty(stream: Stream, listings: Mapping[str, Listing]) -> bool:
    """Nothing in it to play."""
    return not any(listings[path].segments for path in stream.playlists)


def page_of(stream: Stream, taken: Callable[[str], bool]) -> str | None:
    """Where the stream's page goes, beside its playlist; ``taken``: whether a path is somebody else's."""
    folder = posixpath.dirname(stream.path)
    stem = posixpath.splitext(posixpath.basename(stream.path))[0]
    names = (PAGE, f"watch-{stem}.html")
    places = (posixpath.join(folder, name) for name in names)
    return next((place for place in places if not taken(place)), None)
