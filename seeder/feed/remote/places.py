"""Where an upstream playlist is served here: ``v0/index.m3u8`` and so on, the same while we run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from seeder.hls.playlist import MultivariantPlaylist, Variant

MOST = 128
"""Playlists of one presentation; more would be a test of us."""
_FOLDERS = {
    "EXT-X-STREAM-INF": "v",
    "AUDIO": "a",
    "SUBTITLES": "s",
    "EXT-X-I-FRAME-STREAM-INF": "i",
}


class Places:
    """URL → path; only grows, so that what a player has read stays true."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, url: str, kind: str = "EXT-X-STREAM-INF") -> str | None:
        """The path of a playlist of that kind (a tag or a rendition's TYPE); None: there are too many."""
        found = self._paths.get(url)
        if found is None and len(self._paths) < MOST:
            folder = _FOLDERS.get(kind, "m")
            number = self._counts.get(folder, 0)
            self._counts[folder] = number + 1
            found = self._paths[url] = f"{folder}{number}/index.m3u8"
        return found

    @property
    def paths(self) -> Mapping[str, str]:
        return MappingProxyType(self._paths)


def kind_of(variant: Variant) -> str:
    """What :meth:`Places.add` wants to know of a playlist."""
    return variant.attributes.get("TYPE", "") if variant.tag == "EXT-X-MEDIA" else variant.tag


def kinds(playlist: MultivariantPlaylist) -> dict[str, str]:
    """URI → kind, the first mention counts."""
    found: dict[str, str] = {}
    for variant in playlist.variants:
        found.setdefault(variant.uri, kind_of(variant))
    return found
