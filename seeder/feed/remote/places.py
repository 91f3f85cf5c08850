"""Where an upstream playlist is served here: ``v0/index.m3u8`` and so on, the same while we run. Pure."""

from __future__ import annotations

from collections import Counter
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
    """URL → path; only grows, so that what a player has read stays true.

    A query holds tokens that run out: a playlist that another one differs from only there is the same one,
    unless both are listed at once.
    """

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._now: dict[str, str] = {}

    def arrange(self, listed: Mapping[str, str]) -> dict[str, str]:
        """URL → path, for the playlists listed now (URL → kind: a tag, or a rendition's TYPE)."""
        names = Counter(bare(url) for url in listed)
        self._now = {
            url: path
            for url, kind in listed.items()
            if (path := self._path(bare(url) if names[bare(url)] == 1 else url, kind)) is not None
        }
        return dict(self._now)

    def _path(self, name: str, kind: str) -> str | None:
        found = self._paths.get(name)
        if found is None and len(self._paths) < MOST:
            folder = _FOLDERS.get(kind, "m")
            number = self._counts.get(folder, 0)
            self._counts[folder] = number + 1
            found = self._paths[name] = f"{folder}{number}/index.m3u8"
        return found

    @property
    def paths(self) -> Mapping[str, str]:
        """URL → path, as listed last."""
        return MappingProxyType(self._now)


def also(paths: Mapping[str, str], bases: Mapping[str, str]) -> dict[str, str]:
    """URL → path for all that playlists may call each other by (EXT-X-RENDITION-REPORT): also without their
    tokens, and where redirects led (``bases``: path → URL); a name that would be two playlists' is none's."""
    names: dict[str, set[str]] = {}
    for url, path in (*paths.items(), *((url, path) for path, url in bases.items())):
        names.setdefault(url, set()).add(path)
        names.setdefault(bare(url), set()).add(path)
    return {name: next(iter(found)) for name, found in names.items() if len(found) == 1} | dict(paths)


def bare(url: str) -> str:
    """Without its query."""
    return url.partition("?")[0]


def kind_of(variant: Variant) -> str:
    """What :meth:`Places.add` wants to know of a playlist."""
    return variant.attributes.get("TYPE", "") if variant.tag == "EXT-X-MEDIA" else variant.tag


def kinds(playlist: MultivariantPlaylist) -> dict[str, str]:
    """URI → kind, the first mention counts."""
    found: dict[str, str] = {}
    for variant in playlist.variants:
        found.setdefault(variant.uri, kind_of(variant))
    return found
