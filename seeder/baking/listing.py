"""One playlist → what planning needs of it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from seeder.hls.names import is_absolute, quote_path, requested_path
from seeder.hls.playlist import MediaPlaylist, Playlist, Role
from seeder.model import Span
from seeder.torrent.metainfo import part_name


@dataclass(frozen=True, slots=True)
class Extent:
    """What one segment is of a file."""

    path: str
    """Relative to the folder, as players ask for it."""
    span: Span | None = None
    """None: all of it."""

    @property
    def name(self) -> str:
        """Its torrent's."""
        name = posixpath.basename(self.path)
        return name if self.span is None else part_name(name, self.span)


@dataclass(frozen=True, slots=True)
class Listing:
    """A playlist."""

    path: str
    multivariant: bool
    ended: bool
    """EXT-X-ENDLIST is there; always true of a multivariant playlist."""
    lists: tuple[str, ...]
    """Paths of the playlists that a multivariant playlist lists, as players ask for them."""
    extents: Mapping[int, Extent]
    """Index of a segment's ``#EXTINF`` line → what gets a torrent."""
    left_out: Mapping[str, str]
    """Reason → the first URI to which it applies: segments and playlists that are not for us."""
    homes: frozenset[str]
    """``scheme://host[:port]`` of what is listed and served by others."""
    segments: int


OUTSIDE = "leads out of the folder"
ELSEWHERE = "is served by others"
NOWHERE = "is a byte range that begins nowhere"


def listing(path: str, playlist: Playlist) -> Listing:
    left_out: dict[str, str] = {}
    homes = frozenset(_homes(playlist))
    if not isinstance(playlist, MediaPlaylist):
        lists: dict[str, None] = {}
        for reference in playlist.references():
            if reference.role is not Role.PLAYLIST:
                continue
            asked = requested_path(path, reference.uri)
            if asked is None:
                left_out.setdefault(_reason(reference.uri), reference.uri)
            else:
                lists[asked] = None
        return Listing(path, True, True, tuple(lists), {}, left_out, homes, 0)
    extents: dict[int, Extent] = {}
    for segment in playlist.segments:
        # RFC 8216bis §4.4.4.7: a gap is said not to be there. The frames of an I-frame playlist are in the
        # segments of others.
        if segment.gap or (segment.span is not None and playlist.i_frames_only):
            continue
        asked = requested_path(path, segment.uri)
        if asked is None:
            left_out.setdefault(_reason(segment.uri), segment.uri)
        elif (segment.byterange is None) == (segment.span is None):
            extents[segment.line] = Extent(asked, segment.span)
        else:
            left_out.setdefault(NOWHERE, segment.uri)
    return Listing(path, False, playlist.ended, (), extents, left_out, homes, len(playlist.segments))


def web_seeds(path: str, playlist: MediaPlaylist, base: str) -> dict[int, str]:
    """``#EXTINF`` line → the segment's absolute URL; ``base``: the folder's, without a slash at its end.
    Not of byte ranges: BEP 19 has a web seed send a whole file."""
    found = {}
    for segment in playlist.segments:
        asked = requested_path(path, segment.uri)
        if asked is not None and segment.byterange is None:
            query = segment.uri.partition("#")[0].partition("?")[2]
            found[segment.line] = f"{base}/{quote_path(asked)}" + (f"?{query}" if query else "")
    return found


def _reason(uri: str) -> str:
    return ELSEWHERE if is_absolute(uri) or uri.startswith("//") else OUTSIDE


def _homes(playlist: Playlist) -> Iterator[str]:
    for reference in playlist.references():
        if is_absolute(reference.uri):
            try:
                parts = urlsplit(reference.uri)
                host, port = parts.hostname, parts.port
            except ValueError:
                continue
            # What stands in a page's policy: nothing that could end the directive.
            if host and host.isascii() and all(c.isalnum() or c in ".-" for c in host):
                yield f"{parts.scheme}://{host}" + (f":{port}" if port else "")
