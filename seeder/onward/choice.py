"""Which of a stream's playlists is sent on. Pure."""

from __future__ import annotations

import posixpath

from seeder.errors import LiveTorrentError, PlaylistError
from seeder.hls.names import MASTER, requested_path
from seeder.hls.playlist import MultivariantPlaylist, Variant, parse
from seeder.model import StreamView


class UnfitError(LiveTorrentError):
    """A stream, or a variant of it, cannot be sent on; the message is safe to send to whoever asked.
    ``status`` as HTTP would say it: 404 there is none, 406 it is not made for that, 503 not now."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def choose(view: StreamView, wanted: str = "") -> str:
    """The path of the media playlist to send on: of the variant called ``wanted`` (its playlist's path, or
    the folder that is in), else of the one with the highest BANDWIDTH. Raises :class:`UnfitError`."""
    master = view.playlists.get(MASTER)
    if master is None:
        raise UnfitError("the stream has no playlist yet", 503)
    try:
        playlist = parse(master.text)
    except PlaylistError:
        raise UnfitError("the stream's playlist cannot be read", 406) from None
    if not isinstance(playlist, MultivariantPlaylist):
        paths = [MASTER]
        best = [MASTER]
    else:
        variants = [variant for variant in playlist.variants if variant.tag == "EXT-X-STREAM-INF"]
        best = [
            path
            for variant in sorted(variants, key=_bandwidth, reverse=True)
            if (path := requested_path(MASTER, variant.uri)) is not None and path in view.playlists
        ]
        # Any playlist can be asked for by name: a rendition of audio alone, say.
        paths = [path for path, each in view.playlists.items() if not each.multivariant]
    if wanted:
        named = [path for path in paths if wanted in (path, posixpath.dirname(path))]
        if not named:
            raise UnfitError("the stream has no such variant", 404)
        return named[0]
    if not best:
        raise UnfitError("the stream's variants are not served from here", 406)
    return best[0]


def _bandwidth(variant: Variant) -> int:
    text = variant.attributes.get("BANDWIDTH", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
