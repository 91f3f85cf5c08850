"""An upstream's playlists and what is held of its segments → what is published here. Pure."""

from __future__ import annotations

import hashlib
import posixpath
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
from seeder.hls.names import MASTER, content_type, is_playable, quote_path
from seeder.hls.playlist import MediaPlaylist, Segment
from seeder.hls.rewrite import Rewritten, nowhere, rewrite
from seeder.model import Elsewhere, Kind, PublishedPlaylist, Resource, Span, StreamView, Torrent

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
    texts: Mapping[str, Text]
    """The same as they are served here."""
    bandwidths: Mapping[str, int] = field(default_factory=dict)
    """Path → bit/s announced so far, where we wrote the multivariant playlist."""


@dataclass(frozen=True, slots=True)
class Text:
    """A listing as it is served here, and where its segments are."""

    rewritten: Rewritten
    homes: Mapping[int, str]
    """Index of a segment's URI line → its :func:`home_of`; gaps have none, nor ranges that begin nowhere, nor
    the ranges of an I-frame playlist: those are in the segments of others, a frame each."""


@dataclass(frozen=True, slots=True)
class Window:
    """A live playlist's segments by their homes."""

    listed: Sequence[str] = ()
    left: Sequence[str] = ()
    """Not listed any more and still of use, the most recent first."""


def slide(before: Window, playlist: MediaPlaylist, homes: Mapping[int, str]) -> Window:
    """The next window."""
    segments = list(dict.fromkeys(homes[s.uri_line] for s in playlist.segments if s.uri_line in homes))
    keep = 0 if playlist.ended else len(segments) + GRACE
    return Window(segments, lingering(before.listed, segments, before.left, keep))


def renamed(before: tuple[Listing, Text], now: tuple[Listing, Text]) -> dict[str, str]:
    """Old home → new home, of segments that are listed under another URL than a moment ago."""
    (last, old), (listing, new) = before, now
    homes = {s.msn: (s, home) for s in last.playlist.segments if (home := old.homes.get(s.uri_line))}
    found = {}
    for segment in listing.playlist.segments:
        home = new.homes.get(segment.uri_line)
        if home is not None and segment.msn in homes:
            same, earlier = homes[segment.msn]
            if earlier != home and same.span == segment.span:
                found[earlier] = home
    return found


def moved(window: Window, names: Mapping[str, str]) -> Window:
    """The window under its segments' new homes."""
    return Window([names.get(h, h) for h in window.listed], [names.get(h, h) for h in window.left])


def text_of(
    path: str, listing: Listing, places: Mapping[str, str], imported: Mapping[str, str], relay: bool
) -> Text:
    """``places``: URL → path here, of playlists (:func:`seeder.feed.remote.places.also`); ``imported``: the
    multivariant playlist's variables; ``relay``: all that it lists is served from here."""
    folder = posixpath.dirname(path)

    def place(url: str) -> str | None:
        there = places.get(url) or places.get(bare(url)) or (relay_path(url) if relay else None)
        return None if there is None else quote_path(posixpath.relpath(there, folder))

    found = rewrite(listing.text, listing.base, place, imported, place if relay else nowhere)
    homes = {
        s.uri_line: home_of(found.homes[s.uri_line], s.span)
        for s in listing.playlist.segments
        if s.uri_line in found.homes and not s.gap and (s.byterange is None or _shared(s, listing.playlist))
    }
    return Text(found, homes)


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
    relayed: Mapping[str, Kind] | None,
    last: StreamView | None,
    version: Callable[[], int],
) -> StreamView:
    """``relayed``: URLs of what is served from here; None: nothing is."""
    before = last.playlists if last is not None else {}
    published: dict[str, PublishedPlaylist] = {}
    elsewhere: dict[bytes, Elsewhere] = {}
    for path, listing in now.listings.items():
        text = now.texts[path].rewritten.text
        torrents = {
            segment.line: found.torrent
            for segment in listing.playlist.segments
            if (found := held.get(now.texts[path].homes.get(segment.uri_line, ""))) is not None
        }
        live = not listing.playlist.ended
        published[path] = publish_playlist(
            before.get(path), path, text, False, torrents, live, version, listing.edge
        )
        window = windows.get(path, Window())
        for url in (*window.listed, *window.left[:GRACE]):
            if (segment := held.get(url)) is not None and relayed is None:
                elsewhere[segment.torrent.infohash] = Elsewhere(segment.torrent, place_of(url)[0])
    text = now.root.text if now.root is not None else _master(now, held)
    published[MASTER] = publish_playlist(before.get(MASTER), MASTER, text, True, {}, False, version)
    media = [listing.playlist for listing in now.listings.values()]
    return StreamView(
        name=now.name,
        live=any(not playlist.ended for playlist in media),
        playlists=published,
        resources={} if relayed is None else _resources(relayed, held),
        target_duration=max((playlist.target_duration for playlist in media), default=0.0),
        segments=sum(len(playlist.segments) for playlist in media),
        elsewhere=elsewhere,
    )


def _master(now: Presentation, held: Mapping[str, Held]) -> str:
    return make_master([_measured(path, now, held) for path in now.listings], now.bandwidths)


def announced(now: Presentation, held: Mapping[str, Held]) -> dict[str, int]:
    """Path → bit/s to announce: what was announced before, or what is measured now if more."""
    return {
        path: max(now.bandwidths.get(path, 0), peak(_measured(path, now, held).segments))
        for path in now.listings
    }


def _measured(path: str, now: Presentation, held: Mapping[str, Held]) -> Measured:
    playlist, home = now.listings[path].playlist, now.texts[path].homes
    sizes = [
        (held[url].torrent.length, segment.duration)
        for segment in playlist.segments
        if (url := home.get(segment.uri_line, "")) in held
    ]
    names = {urlsplit(url).path for url in home.values()}
    subtitles = bool(names) and all(name.endswith(SUBTITLES) for name in names)
    return Measured(path, tuple(sizes), playlist.ended, subtitles)


def relay_path(url: str) -> str:
    """Where something is served here: a folder each, for names repeat."""
    return f"{RELAYED}/{hashlib.sha1(url.encode()).hexdigest()[:16]}/{name_of(url)}"


_KINDS = {"EXT-X-MAP": Kind.INIT}


def listed(texts: Iterable[Rewritten], windows: Iterable[Window]) -> dict[str, Kind]:
    """URL → kind, of all that playlists list now, and of the segments that left them a moment ago."""
    found: dict[str, Kind] = {}
    for text in texts:
        found |= {url: _KINDS.get(tag, Kind.OTHER) for url, tag in text.asides.items()}
    for text in texts:
        if not text.playlists:
            found |= dict.fromkeys(text.homes.values(), Kind.SEGMENT)
    for window in windows:
        found |= dict.fromkeys((place_of(home)[0] for home in window.left), Kind.SEGMENT)
    return found


def _resources(relayed: Mapping[str, Kind], held: Mapping[str, Held]) -> dict[str, Resource]:
    parts: dict[str, dict[Span, Torrent]] = {}
    for home, segment in held.items():
        url, span = place_of(home)
        if span is not None:
            parts.setdefault(url, {})[span] = segment.torrent
    found = (_resource(url, kind, held.get(url), parts.get(url, {})) for url, kind in relayed.items())
    return {resource.path: resource for resource in found}


def _resource(url: str, kind: Kind, held: Held | None, parts: Mapping[Span, Torrent]) -> Resource:
    path = relay_path(url)
    if held is None or held.data is None:
        torrent = None if held is None else held.torrent
        return Resource(path, kind, content_type(path), 0, "", torrent=torrent, parts=parts, home=url)
    # Its server's word, if it is one of media: what it says goes into a header of ours.
    word = held.content_type if is_playable(held.content_type) else content_type(path)
    return Resource(
        path=path,
        kind=kind,
        content_type=word,
        size=held.torrent.length,
        etag=f'"{held.torrent.infohash.hex()}"',
        data=held.data,
        torrent=held.torrent,
        parts=parts,
    )
