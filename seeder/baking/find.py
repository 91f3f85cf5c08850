"""The playlists of a folder, read; what is left alone, and why."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from seeder.baking.listing import Listing, listing
from seeder.baking.state import Removed
from seeder.baking.store import Folder
from seeder.errors import FeedError, PlaylistError
from seeder.hls.manifest import split_tags, swarm_id
from seeder.hls.names import is_playlist, is_safe
from seeder.hls.playlist import decode, parse

MAX_PLAYLISTS = 100_000
"""A large library. More is the root of a disk."""

PACKED = (".gz", ".br", ".zst")
"""Servers send these instead of the playlist beside them."""

Say = Callable[[str, str], None]
"""Tells a person of something, and why it is left alone."""


@dataclass(frozen=True, slots=True)
class Original:
    """A playlist as its writer left it, out of what is there now."""

    text: str
    ours: bool
    """There were tags of this folder's bakes in it."""
    removed: Removed
    """Tags of others."""
    data: bytes
    """What is there now."""


def find(
    folder: Folder, ids: Collection[str], say: Say, tick: Callable[[], None] = lambda: None
) -> dict[str, Listing]:
    """Every playlist beneath the folder, by path. ``ids``: the rendezvous that earlier bakes gave;
    ``tick`` is called now and then, and may raise to stop it."""
    found: dict[str, Listing] = {}
    pending = _walk(folder.root, say, tick)
    known = set(pending)
    while pending:
        path = pending.pop()
        tick()
        try:
            original = read(folder, path, ids)
            if original is None:
                say(path, "is no playlist (too large, or gone): left alone")
                continue
            told = listing(path, parse(original.text))
        except (PlaylistError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            say(path, f"cannot be used ({reason}): left alone")
            continue
        found[path] = told = _real(folder, told, say)
        # A multivariant playlist may list some that are not called .m3u8.
        new = [listed for listed in told.lists if listed not in known]
        known.update(new)
        pending += new
    return found


def read(folder: Folder, path: str, ids: Collection[str]) -> Original | None:
    """None: no such file. PlaylistError, OSError."""
    data = folder.read(path)
    if data is None:
        return None
    text = decode(data)
    kept, tags = split_tags(text)
    ours = bool(tags) and swarm_id(text) in ids
    return Original(kept, ours, () if ours else tags, data)


def packed(folder: Folder, path: str) -> str | None:
    """A compressed copy beside a playlist that is older than it."""
    written = folder.signature(path)
    for end in PACKED:
        copy = folder.signature(path + end)
        if copy is not None and written is not None and copy.mtime_ns < written.mtime_ns:
            return path + end
    return None


def _real(folder: Folder, told: Listing, say: Say) -> Listing:
    """With the paths of listed playlists as they are without symlinks: of one file there is one path."""
    lists = []
    for asked in told.lists:
        place = folder.place(asked)
        if place is None:
            say(f"{told.path} lists {asked!r}, which", "is not there")
        elif is_safe(path := folder.relative(place)):
            lists.append(path)
    return Listing(
        told.path, told.multivariant, told.ended, tuple(lists), told.extents, told.left_out, told.homes,
        told.segments,
    )  # fmt: skip


def _walk(root: Path, say: Say, tick: Callable[[], None]) -> list[str]:
    """Files that are called playlists; no symlink is followed, for what it leads to is found where it is."""
    found: list[str] = []
    pending = [""]
    while pending:
        prefix = pending.pop()
        tick()
        try:
            entries = sorted(os.scandir(root / prefix), key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise FeedError(f"cannot read {root}: {error.strerror or error}") from None
            say(prefix, f"cannot be read ({error.strerror or error}): left alone")
            continue
        for entry in entries:
            path = posixpath.join(prefix, entry.name)
            if not is_safe(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(path)
            elif is_playlist(path) and entry.is_file(follow_symlinks=False):
                found.append(path)
            elif is_playlist(path) and entry.is_symlink() and _leads_out(root, Path(entry.path)):
                say(path, "is a symlink out of the folder: left alone")
        if len(found) > MAX_PLAYLISTS:
            raise FeedError(f"more than {MAX_PLAYLISTS} playlists in {root}: is that the right folder?")
    return found[::-1]


def _leads_out(root: Path, link: Path) -> bool:
    try:
        return not link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return True
