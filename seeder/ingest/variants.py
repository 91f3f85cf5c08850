"""One list of segments, as each variant's playlist lists it. Pure.

All variants of a stream share MSNs, times and discontinuities, and the names of their files: only the folder
differs. Where a variant has no segment of its own (its rung was given up, or came later), its playlist lists
the nearest other variant's file: a player that is there plays on. Sound and pictures never stand in for each
other, for a player has made its buffers for one of them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from seeder.ingest.playlist import Entry, MediaPlaylist

FOLDER = re.compile(r"([vha])(\d{1,3})")
"""``v0``, ``v1``, … from the best picture, ``h0``, … those in HEVC, ``a0`` for sound alone."""


def is_sound(folder: str) -> bool:
    return folder.startswith("a") and FOLDER.fullmatch(folder) is not None


def _number(folder: str) -> int:
    match = FOLDER.fullmatch(folder)
    return int(match[2]) if match else 0


def rank(folder: str) -> tuple[bool, bool, int, str]:
    """Sorts folders: the best picture first, sound alone last."""
    return is_sound(folder), _is_hevc(folder), _number(folder), folder


def _is_hevc(folder: str) -> bool:
    return folder.startswith("h") and FOLDER.fullmatch(folder) is not None


def home(folder: str, held: Collection[str]) -> str | None:
    """Where the playlist of ``folder`` finds a segment that the folders ``held`` hold: the next lower variant
    rather than a higher one, which the viewer's line may not carry. None: nowhere."""
    if folder in held:
        return folder
    hevc, own = _is_hevc(folder), _number(folder)
    # Who plays HEVC plays H.264 as well, and not the other way round.
    alike = [other for other in held if is_sound(other) == is_sound(folder) and (hevc or not _is_hevc(other))]
    return min(
        alike,
        key=lambda other: (
            _is_hevc(other) != hevc,
            _number(other) < own,
            abs(_number(other) - own),
            other,
        ),
        default=None,
    )


def view(playlist: MediaPlaylist, folder: str) -> MediaPlaylist | None:
    """The playlist of ``folder``. It begins after the last segment that it finds nowhere; None when that is
    the newest one."""
    homes = [home(folder, entry.folders or (folder,)) for entry in playlist.entries]
    if homes and homes[-1] is None:
        return None
    lost = max((number for number, there in enumerate(homes, 1) if there is None), default=0)
    kept = playlist.without(lost)
    entries = tuple(
        _at(entry, there, folder) for entry, there in zip(kept.entries, homes[lost:], strict=True)
    )
    return replace(kept, entries=entries)


def _at(entry: Entry, there: str | None, folder: str) -> Entry:
    if there is None or there == folder:
        return entry
    return replace(entry, uri=f"../{there}/{entry.uri}", init=f"../{there}/{entry.init}")


def names_alone(playlist: MediaPlaylist) -> MediaPlaylist:
    """The inverse as far as it goes: without folders in front of the files' names."""
    entries = tuple(
        replace(entry, uri=_name(entry.uri), init=_name(entry.init)) for entry in playlist.entries
    )
    return replace(playlist, entries=entries)


def _name(uri: str) -> str:
    match = re.fullmatch(rf"\.\./{FOLDER.pattern}/([^/]+)", uri)
    return match[3] if match else uri
