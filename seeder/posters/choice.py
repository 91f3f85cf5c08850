"""Which of a stream's pictures is its poster. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seeder.errors import PlaylistError
from seeder.hls.names import MASTER, requested_path
from seeder.hls.playlist import MediaPlaylist, MultivariantPlaylist, Segment, Variant, parse
from seeder.model import StreamView

ENOUGH = 360
"""Lines: a poster is no larger, and a variant with more is more to decode."""
PLACES = (0.1, 0.3, 0.5)
"""Where along what has ended candidates are: beyond the titles, and three, for one may be black."""
_SOUND = ("mp4a", "ac-3", "ec-3", "opus", "fLaC", "mp3")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


def media_path(view: StreamView) -> str | None:
    """Path of the media playlist to take it from: of the smallest variant that has :data:`ENOUGH` lines, else
    of the best one. ``None``: there is none with a picture here."""
    master = view.playlists.get(MASTER)
    if master is None:
        return None
    try:
        playlist = parse(master.text)
    except PlaylistError:
        return None
    if not isinstance(playlist, MultivariantPlaylist):
        return MASTER
    found: list[tuple[bool, int, str]] = []
    for variant in playlist.variants:
        path = requested_path(MASTER, variant.uri)
        if path is None or path not in view.playlists:
            continue
        if variant.tag == "EXT-X-STREAM-INF" and _has_picture(variant):
            enough, bits = _lines(variant) >= ENOUGH, _bandwidth(variant)
            found.append((not enough, bits if enough else -bits, path))
    return min(found)[2] if found else None


def _has_picture(variant: Variant) -> bool:
    codecs = [name.strip() for name in variant.attributes.get("CODECS", "").split(",")]
    return not any(codecs) or any(name and not name.startswith(_SOUND) for name in codecs)


def _lines(variant: Variant) -> int:
    size = _SIZE.fullmatch(variant.attributes.get("RESOLUTION", ""))
    return min(int(size[1]), int(size[2])) if size else 0


def _bandwidth(variant: Variant) -> int:
    text = variant.attributes.get("BANDWIDTH", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def candidates(playlist: MediaPlaylist, live: bool) -> tuple[Segment, ...]:
    """The segments to look at, the best place first. Of a live stream the newest, and the one before it
    should that be gone."""
    if playlist.i_frames_only:
        return ()
    usable = [segment for segment in playlist.segments if segment.key_uri is None and not segment.gap]
    if live or not usable:
        return tuple(reversed(usable[-2:]))
    places = [place * sum(segment.duration for segment in usable) for place in PLACES]
    found: dict[int, Segment] = {}
    end = 0.0
    for segment in usable:
        end += segment.duration
        while places and end > places[0]:
            places.pop(0)
            found[segment.msn] = segment
    return tuple(found.values()) or (usable[0],)


def best(sizes: Sequence[int]) -> int:
    """Index of the poster among candidates, by their bytes as JPEG, which tell how much there is to see: the
    first that is not much plainer than the others. A black picture is a tenth of any other."""
    return next(index for index, size in enumerate(sizes) if size * 2 >= max(sizes))
