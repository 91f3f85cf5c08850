"""An upstream's playlists and what is held of its segments → what is published here. Pure."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seeder.feed.remote.hold import Held, Wanted, name_of
from seeder.feed.remote.home import home_of, place_of
from seeder.feed.remote.listing import Listing
from seeder.feed.remote.places import bare
from seeder.feed.streams import publish_playlist
from seeder.feed.window import GRACE, lingering
from seeder.hls.master import SUBTITLES, Measured, make_master, peak
from seeder.hls.names import MASTER, content_type, quote_path
from seeder.hls.playlist import MediaPlaylist, Segment
from seeder.hls.rewrite import Rewritten, rewrite
from seeder.model import Elsewhere, Kind, PublishedPlaylist, Resource, StreamView, Torrent

RELAYED = "r"
"""The folder of segments that are served here though they have a home elsewhere."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """What there is of an upstream at one moment."""

    name: str
    root: Rewritten | None
    """The multivariant playlist; None: the upstream is a single media playlist."""
    listings: Mapping[str, Listing]
    """By path here."""
    homes: Mapping[str, Mapping[int, str]]
    """Path → what :func:`homes` says of its listing."""
    places: Mapping[str, str]
    """URL → path here, of playlists; see :func:`seeder.feed.remote.places.also`."""
    imported: Mapping[str, str] = field(default_factory=dict)
    """The multivariant playlist's variables."""
    bandwidths: Mapping[str, int] = field(default_factory=dict)
    """Path → bit/s announced so far, where we wrote the multivariant playlist."""


@dataclass(frozen=True, slots=True)
class Window:
    """A live playlist's segments by their homes."""

    listed: Sequence[str] = ()
    left: Sequence[str] = ()
    """Not listed any more and still of use, the most recent first."""


def slide(before: Window, segments: Sequence[str], live: bool) -> Window:
    """The next window."""
    keep = len(segments) + GRACE if live else 0
    return Window(segments, lingering(before.listed, segments, before.left, keep))


def homes(listing: Listing, imported: Mapping[str, str]) -> dict[int, str]:
    """Index of a segment's URI line → its :func:`home_of`; gaps have none, nor ranges that begin nowhere, nor
    the ranges of an I-frame playlist: those are in the segments of others, a frame each."""
    urls = rewrite(listing.text, listing.base, imported=imported).homes
    return {
        s.uri_line: home_of(urls[s.uri_line], s.span)
        for s in listing.playlist.segments
        if s.uri_line in urls and not s.gap and (s.byterange is None or _shared(s, listing.playlist))
    }


def _shared(segment: Segment, playlist: MediaPlaylist) -> bool:
    return segment.span is not None and not playlist.i_frames_only


def wanted(listings: Iterable[tuple[Listing, Window, Mapping[int, str]]]) -> list[Wanted]:
    """Every segment to have a torrent, the most urgent first: live, newest first, all variants abreast."""
    found: dict[str, Wanted] = {}
    for listing, window, home in listings:
        live = not listing.playlist.ended
        listed = [home[s.uri_line] for s in listing.playlist.segments if s.uri_line in home]
        order = [*reversed(listed), *window.left[:GRACE]] if live else listed
        for age, url in enumerate(order):
            found.setdefault(url, Wanted(url, live, age))
    return sorted(found.values(), key=lambda segment: (not segment.live, segment.age))


def build(
    now: Presentation,
    windows: Mapping[str, Window],
    held: Mapping[str, Held],
    relayed: Mapping[str, str],
    last: StreamView | None,
    version: Callable[[], int],
) -> StreamView:
    """``relayed``: home → path here, of segments that are served from here."""
    before = last.playlists if last is not None else {}
    published: dict[str, PublishedPlaylist] = {}
    elsewhere: dict[bytes, Elsewhere] = {}
    for path, listing in now.listings.items():
        text, torrents = _media(path, listing, now, held, relayed)
        live = not listing.playlist.ended
        published[path] = publish_playlist(
            before.get(path), path, text, False, torrents, live, version, listing.edge
        )
        window = windows.get(path, Window())
        for url in (*window.listed, *window.left[:GRACE]):
            if (segment := held.get(url)) is not None and url not in relayed:
                elsewhere[segment.torrent.infohash] = Elsewhere(segment.torrent, place_of(url)[0])
    text = now.root.text if now.root is not None else _master(now, held)
    published[MASTER] = publish_playlist(before.get(MASTER), MASTER, text, True, {}, False, version)
    media = [listing.playlist for listing in now.listings.values()]
    return StreamView(
        name=now.name,
        live=any(not playlist.ended for playlist in media),
        playlists=published,
        resources={path: _resource(path, held[url]) for url, path in relayed.items() if url in held},
        target_duration=max((playlist.target_duration for playlist in media), default=0.0),
        segments=sum(len(playlist.segments) for playlist in media),
        elsewhere=elsewhere,
    )


def _media(
    path: str, listing: Listing, now: Presentation, held: Mapping[str, Held], relayed: Mapping[str, str]
) -> tuple[str, dict[int, Torrent]]:
    folder = posixpath.dirname(path)

    def place(url: str) -> str | None:
        there = now.places.get(url) or now.places.get(bare(url)) or relayed.get(url)
        return None if there is None else quote_path(posixpath.relpath(there, folder))

    rewritten = rewrite(listing.text, listing.base, place, now.imported)
    torrents = {}
    for segment in listing.playlist.segments:
        home = now.homes[path].get(segment.uri_line)
        found = held.get(home) if home is not None else None
        if found is not None:
            torrents[segment.line] = found.torrent
    return rewritten.text, torrents


def _master(now: Presentation, held: Mapping[str, Held]) -> str:
    return make_master([_measured(path, now, held) for path in now.listings], now.bandwidths)


def announced(now: Presentation, held: Mapping[str, Held]) -> dict[str, int]:
    """Path → bit/s to announce: what was announced before, or what is measured now if more."""
    return {
        path: max(now.bandwidths.get(path, 0), peak(_measured(path, now, held).segments))
        for path in now.listings
    }


def _measured(path: str, now: Presentation, held: Mapping[str, Held]) -> Measured:
    playlist, home = now.listings[path].playlist, now.homes[path]
    sizes = [
        (held[url].torrent.length, segment.duration)
        for segment in playlist.segments
        if (url := home.get(segment.uri_line, "")) in held
    ]
    names = {urlsplit(url).path for url in home.values()}
    subtitles = bool(names) and all(name.endswith(SUBTITLES) for name in names)
    return Measured(path, tuple(sizes), playlist.ended, subtitles)


def relay_path(url: str) -> str:
    """Where a segment is served here: a folder each, for names repeat."""
    return f"{RELAYED}/{hashlib.sha1(url.encode()).hexdigest()[:16]}/{name_of(url)}"


def _resource(path: str, held: Held) -> Resource:
    # Its server's word, if it is one; what it says goes into a header of ours.
    kind = held.content_type if re.fullmatch(r"[\w.+-]+/[\w.+-]+", held.content_type) else content_type(path)
    return Resource(
        path=path,
        kind=Kind.SEGMENT,
        content_type=kind,
        size=held.torrent.length,
        etag=f'"{held.torrent.infohash.hex()}"',
        data=held.data,
        torrent=held.torrent,
    )
