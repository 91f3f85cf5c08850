"""The whole feed at a glance: every file with its signature, and what differs between two glances."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seeder.feed.beneath import Signature, signature_of
from seeder.hls.names import is_playlist, is_safe, speakable

MAX_DEPTH = 6
"""Folders below the feed: stream, variant and some grouping. Deeper is a mistake (the root of a disk)."""

MAX_FILES = 500_000
"""Some 100 MB of memory, and more than a scan every few seconds can stat anyway."""

Scan = Mapping[str, Signature]
"""POSIX path relative to the feed → signature; hidden and temporary files are not in it."""


@dataclass(frozen=True, slots=True)
class StreamFiles:
    """Where one stream's playlists lie."""

    name: str
    folder: str
    """Relative to the feed, ending in ``/``; empty for a playlist that lies in the feed itself."""
    playlists: tuple[str, ...]
    """Relative to ``folder``, sorted."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A feed that is one stream, whatever its folders are called."""

    name: str
    playlist: str | None = None
    """Only this one (and those that it lists) of all that lie there."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One scan's result."""

    files: dict[str, Signature]
    refused: frozenset[str]
    """Symlinks that lead out of the feed."""
    unspeakable: frozenset[str]
    """Files and folders whose names no URL can hold."""


def scan(root: Path) -> Glance:
    """Every visible regular file under ``root``; what cannot be read is left out, as if it were not there.

    A symlink counts as what it leads to when that lies beneath ``root``. Blocking.
    """
    found: dict[str, Signature] = {}
    refused: set[str] = set()
    unspeakable: set[str] = set()
    pending = [("", 0)]
    while pending:
        prefix, depth = pending.pop()
        try:
            entries = list(os.scandir(root / prefix))
        except OSError:
            continue
        for entry in entries:
            path = prefix + entry.name
            if not is_safe(path):
                if not speakable(entry.name):
                    unspeakable.add(path)
                continue
            try:
                if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
                    refused.add(path)
                elif entry.is_dir():
                    # A link to a folder above itself ends here too, with the depth.
                    if depth < MAX_DEPTH:
                        pending.append((path + "/", depth + 1))
                elif entry.is_file():
                    found[path] = signature_of(entry.stat())
            except (OSError, RuntimeError):  # vanished meanwhile; a loop of symlinks
                continue
            if len(found) >= MAX_FILES:
                pending.clear()
                break
    return Glance(found, frozenset(refused), frozenset(unspeakable))


def differences(before: Scan, after: Scan) -> set[str]:
    """Paths that came, went or changed."""
    changed = {path for path, signature in after.items() if before.get(path) != signature}
    return changed | (before.keys() - after.keys())


def streams_of(files: Scan, alone: Alone | None = None) -> dict[str, StreamFiles]:
    """The streams of a feed: a folder with a playlist somewhere in it, or a playlist in the feed itself.

    When a folder and a playlist want the same name, the folder has it.
    """
    if alone is not None:
        mine = sorted(path for path in files if is_playlist(path) and alone.playlist in (None, path))
        return {alone.name: StreamFiles(alone.name, "", tuple(mine))} if mine else {}
    folders: dict[str, list[str]] = {}
    single: dict[str, str] = {}
    for path in files:
        if not is_playlist(path):
            continue
        name, slash, inner = path.partition("/")
        if slash:
            folders.setdefault(name, []).append(inner)
        else:
            stem = name.rpartition(".")[0]
            if stem:
                single[stem] = max(name, single.get(stem, ""))  # foo.m3u8 before foo.m3u, if both are there
    streams = {stem: StreamFiles(stem, "", (name,)) for stem, name in single.items()}
    streams.update((n, StreamFiles(n, n + "/", tuple(sorted(inner)))) for n, inner in folders.items())
    return streams
