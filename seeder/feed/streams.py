"""A stream's playlists and assets → what is published of it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seeder.feed.assets import Asset, Want
from seeder.feed.scan import Scan
from seeder.feed.window import hot
from seeder.hls.delivery import edge_of
from seeder.hls.master import SUBTITLES, Measured, make_master, peak
from seeder.hls.names import MASTER, content_type, is_playlist, literal_path, requested_path
from seeder.hls.playlist import MediaPlaylist, MultivariantPlaylist, Playlist, Role
from seeder.model import Edge, Kind, PublishedPlaylist, Resource, Span, StreamView, Torrent

_KINDS = {Role.SEGMENT: Kind.SEGMENT, Role.INIT: Kind.INIT}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a stream is made of at one moment."""

    name: str
    playlists: Mapping[str, Playlist]
    """By path, as published: a looped one already as the live playlist it is played as."""
    assets: Mapping[str, Asset]
    """By path."""
    lingering: Sequence[str]
    """Paths of segments no longer listed but still served."""
    known: frozenset[str]
    """Those of ``lingering`` whose torrents are still known."""
    bandwidths: Mapping[str, int]
    """Path → bit/s announced so far by a master of ours (see :func:`announced`)."""
    written: float = 0.0
    """Unix seconds at which a live playlist was last written, as its file says; 0: there is none."""


def wants(path: str, playlist: Playlist, folder: str, files: Scan, live: bool) -> list[Want]:
    """The files a playlist at ``path`` needs; live ones newest first. What leaves the stream is not in it."""
    found: dict[str, Want] = {}
    cool = _cool(playlist) if live else frozenset()
    spans, ranged = _spans(path, playlist), _ranged(playlist)
    references = playlist.references()
    for reference in reversed(references) if live else references:
        if reference.role is Role.PLAYLIST:
            continue
        asked = requested_path(path, reference.uri)
        if asked is None or is_playlist(asked) or asked in found:
            continue
        file = folder + asked
        if file not in files:
            literal = literal_path(path, reference.uri)
            if literal is not None and folder + literal in files:
                file = (
                    folder + literal
                )  # a writer that does not percent-encode: "50%25.ts" is on disk as such
        kind = _KINDS.get(reference.role, Kind.OTHER)
        kind = Kind.SEGMENT if asked in spans else kind  # an init section may be in the same file
        torrent = kind is Kind.SEGMENT and reference.uri not in ranged
        held = live and reference.uri not in cool
        found[asked] = Want(asked, file, kind, held, torrent, spans.get(asked, frozenset()))
    return list(found.values())


def _cool(playlist: Playlist) -> frozenset[str]:
    """URIs of a live playlist's segments that are so far back that few ask for them."""
    if not isinstance(playlist, MediaPlaylist):
        return frozenset()
    at = max(0, len(playlist.segments) - hot(playlist.playlist_type))
    recent = {segment.uri for segment in playlist.segments[at:]}
    return frozenset(segment.uri for segment in playlist.segments[:at]) - recent


def both(one: Want, two: Want) -> Want:
    """What two playlists want of a file: it whole, ranges of it, an init section in it."""
    kind = two.kind if two.kind is Kind.SEGMENT else one.kind
    torrent, spans = one.torrent or two.torrent, one.spans | two.spans
    same = (kind, torrent, spans) == (one.kind, one.torrent, one.spans)
    return one if same else replace(one, kind=kind, torrent=torrent, spans=spans)


def refused(path: str, playlist: Playlist) -> list[str]:
    """URIs a playlist mentions that try to leave its stream (other origins are not ours to judge)."""
    return [
        r.uri
        for r in playlist.references()
        if requested_path(path, r.uri) is None and "://" not in r.uri and not r.uri.startswith("data:")
    ]


def _ranged(playlist: Playlist) -> set[str]:
    if isinstance(playlist, MultivariantPlaylist):
        return set()
    return {s.uri for s in playlist.segments if s.byterange is not None}


def _spans(path: str, playlist: Playlist) -> dict[str, frozenset[Span]]:
    """By path: the ranges of it that are segments."""
    found: dict[str, set[Span]] = {}
    if isinstance(playlist, MediaPlaylist):
        for asked, span in listed_segments(path, playlist):
            if span is not None:
                found.setdefault(asked, set()).add(span)
    return {asked: frozenset(spans) for asked, spans in found.items()}


def listed_segments(path: str, playlist: MediaPlaylist) -> list[tuple[str, Span | None]]:
    """Path and range of every segment that may have a torrent, in order, each once. Not the frames of an
    I-frame playlist: they are in the segments of others."""
    found: dict[tuple[str, Span | None], None] = {}
    for segment in playlist.segments:
        if segment.byterange is None or (segment.span is not None and not playlist.i_frames_only):
            asked = requested_path(path, segment.uri)
            if asked is not None:
                found[asked, segment.span] = None
    return list(found)


def listed_paths(path: str, playlist: MediaPlaylist) -> list[str]:
    """The segments' paths in order, each once."""
    paths = (requested_path(path, segment.uri) for segment in playlist.segments)
    return list(dict.fromkeys(p for p in paths if p is not None))


def build_view(contents: Contents, last: StreamView | None, version: Callable[[], int]) -> StreamView:
    """The stream's next view; playlists that did not change keep their version."""
    published: dict[str, PublishedPlaylist] = {}
    before = last.playlists if last is not None else {}
    media = {p: m for p, m in contents.playlists.items() if isinstance(m, MediaPlaylist)}
    for path, playlist in contents.playlists.items():
        torrents = _torrents(path, playlist, contents.assets) if path in media else {}
        live = path in media and not media[path].ended
        multivariant = path not in media
        published[path] = publish_playlist(
            before.get(path), path, playlist.text, multivariant, torrents, live, version,
            edge_of(playlist.text, media[path]) if path in media else None,
        )  # fmt: skip
    if MASTER not in published:
        text = _master_text(contents, media)
        published[MASTER] = publish_playlist(before.get(MASTER), MASTER, text, True, {}, False, version)
    live = any(not m.ended for m in media.values())
    return StreamView(
        name=contents.name,
        live=live,
        playlists=published,
        resources=_resources(contents),
        target_duration=max((m.target_duration for m in media.values()), default=0.0),
        segments=sum(len(m.segments) for m in media.values()),
        seconds=max((m.duration for m in media.values() if m.ended != live), default=0.0),
        changed=contents.written,
    )


def publish_playlist(
    before: PublishedPlaylist | None,
    path: str,
    text: str,
    multivariant: bool,
    torrents: Mapping[int, Torrent],
    live: bool,
    version: Callable[[], int],
    edge: Edge | None = None,
) -> PublishedPlaylist:
    """What is published at ``path`` now: ``before`` itself where nothing changed, else with a new version."""
    same = before is not None and before.text == text and before.torrents == torrents
    if same and before is not None and before.live == live:
        return before
    return PublishedPlaylist(path, text, multivariant, torrents, live, version(), edge)


def _torrents(path: str, playlist: Playlist, assets: Mapping[str, Asset]) -> dict[int, Torrent]:
    assert isinstance(playlist, MediaPlaylist)
    found: dict[int, Torrent] = {}
    for segment in playlist.segments:
        asked = requested_path(path, segment.uri)
        asset = assets.get(asked) if asked is not None else None
        torrent = asset.torrent_of(segment.span) if asset is not None else None
        if torrent is not None and (segment.byterange is None) == (segment.span is None):
            found[segment.line] = torrent
    return found


def _resources(contents: Contents) -> dict[str, Resource]:
    resources: dict[str, Resource] = {}
    lingering = set(contents.lingering)
    for path, asset in contents.assets.items():
        torrent = None if path in lingering and path not in contents.known else asset.torrent
        resources[path] = Resource(
            path=path,
            kind=asset.want.kind,
            content_type=content_type(path),
            size=asset.signature.size,
            etag=asset.signature.etag,
            data=asset.data,
            file=None if asset.data is not None else asset.place,
            torrent=torrent,
            parts=asset.parts,
        )
    return resources


def _master_text(contents: Contents, media: Mapping[str, MediaPlaylist]) -> str:
    """The writer's one multivariant playlist under another name, else one of ours."""
    others = [
        (path, playlist)
        for path, playlist in contents.playlists.items()
        if isinstance(playlist, MultivariantPlaylist) and "/" not in path  # deeper, its URIs would differ
    ]
    if len(others) == 1:
        return others[0][1].text
    return make_master([_measure(p, m, contents.assets) for p, m in media.items()], contents.bandwidths)


def _measure(path: str, playlist: MediaPlaylist, assets: Mapping[str, Asset]) -> Measured:
    sizes = []
    for segment in playlist.segments:
        asked = requested_path(path, segment.uri)
        asset = assets.get(asked) if asked is not None else None
        if segment.byterange is not None:
            sizes.append((segment.byterange.length, segment.duration))
        elif asset is not None:
            sizes.append((asset.signature.size, segment.duration))
    suffixes = {posixpath.splitext(s.uri.partition("?")[0])[1].lower() for s in playlist.segments}
    subtitles = bool(suffixes) and suffixes <= set(SUBTITLES)
    return Measured(path, tuple(sizes), playlist.ended, subtitles)


def announced(contents: Contents) -> dict[str, int]:
    """Path → bit/s to announce: what was announced before, or what is measured now if more."""
    media = ((p, m) for p, m in contents.playlists.items() if isinstance(m, MediaPlaylist))
    return {
        p: max(contents.bandwidths.get(p, 0), peak(_measure(p, m, contents.assets).segments))
        for p, m in media
    }


def referenced_playlists(path: str, playlist: Playlist) -> Iterable[str]:
    """Paths of the playlists a multivariant playlist lists."""
    for reference in playlist.references():
        if reference.role is Role.PLAYLIST:
            asked = requested_path(path, reference.uri)
            if asked is not None and is_playlist(asked):
                yield asked
