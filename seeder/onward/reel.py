"""A published playlist as pieces of media, in order, as they are published."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from seeder.errors import FetchError, PlaylistError
from seeder.feed.library import Library
from seeder.hls.names import requested_path
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import PublishedPlaylist, Resource, Span, StreamView
from seeder.onward.choice import UnfitError, choose
from seeder.onward.follow import Follow

LONG = 64 << 10
"""Characters of a playlist that take a thread to parse: a day's stops the event loop for half a second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    init: bytes
    """Its init section; empty where it needs none."""
    data: bytes
    """One segment."""
    fresh: bool
    """Another ffmpeg begins with it."""
    hole: float
    """Seconds of media missing before it."""
    seconds: float
    """Its own length."""


def check(view: StreamView, wanted: str) -> PublishedPlaylist:
    """What would be sent on; :class:`UnfitError` where that shows before any of it is read."""
    published = view.playlists[choose(view, wanted)]
    if not published.live and not published.torrents and not view.resources:
        raise UnfitError("the stream's segments are served elsewhere: play its playlist", 406)
    return published


async def pieces(library: Library, stream: str, wanted: str = "") -> AsyncGenerator[Piece, None]:
    """From the newest segment on, of a recording from the first one on, until the stream ends or is gone.

    Close it (``aclosing``). Raises :class:`UnfitError` for what cannot be sent on.
    """
    path, follow, seen = "", Follow(), -1
    init: tuple[tuple[str | None, Span | None], bytes | None] = ((None, None), b"")
    async with aclosing(library.changes()) as changes:
        while (view := library.stream(stream)) is not None:
            if not path or not _goes_on(view, path):
                before, path = path, choose(view, wanted)
                # A ladder that lost a rung goes on with the next one, at the edge.
                if path != before:
                    follow, seen = Follow(whole=not view.live), -1
            published = view.playlists[path]
            if published.version != seen:
                seen = published.version
                playlist = await _parsed(published)
                for step in follow.advance(playlist):
                    segment = step.segment
                    where = (segment.map_uri, segment.map_span)
                    if step.fresh or where != init[0]:  # a new encoder may write it anew under the old name
                        found = await _read(library, stream, path, *where) if where[0] else b""
                        init = (where, found)
                    data = await _read(library, stream, path, segment.uri, segment.span)
                    if data is None or init[1] is None:
                        follow.lost()
                        init = ((None, None), b"")
                    else:
                        yield Piece(init[1], data, step.fresh, step.hole, segment.duration)
                if playlist.ended and not _other(library.stream(stream), path, wanted):
                    return
            async for name in changes:
                if name == stream:
                    break


def _goes_on(view: StreamView, path: str) -> bool:
    published = view.playlists.get(path)
    return published is not None and (published.live or not view.live)


def _other(view: StreamView | None, path: str, wanted: str) -> bool:
    """Whether the stream goes on in another playlist than the one at ``path``, which has ended."""
    if view is None or not view.live or wanted:
        return False
    try:
        other = choose(view)
    except UnfitError:
        return False
    return other != path and view.playlists[other].live


async def _parsed(published: PublishedPlaylist) -> MediaPlaylist:
    try:
        if len(published.text) < LONG:
            playlist = parse(published.text)
        else:
            playlist = await asyncio.to_thread(parse, published.text)
    except PlaylistError:
        raise UnfitError("the stream's playlist cannot be read", 406) from None
    if not isinstance(playlist, MediaPlaylist):
        raise UnfitError("that is a playlist of playlists", 406)
    return playlist


async def _read(library: Library, stream: str, path: str, uri: str | None, span: Span | None) -> bytes | None:
    """None: it is not there (any more)."""
    asked = None if uri is None else requested_path(path, uri)
    view = library.stream(stream)
    # Not library.resource(): that would say that viewers are interested in its torrent.
    resource = None if view is None or asked is None else view.resources.get(asked)
    if resource is None:
        if asked is None:
            raise UnfitError("the stream's segments are served elsewhere: play its playlist", 406)
        return None
    if resource.data is not None:
        return resource.data if span is None else span.of(resource.data)
    try:
        if resource.home:
            return (await library.fetch(stream, resource, span)).data
        return await asyncio.to_thread(_from_file, library, resource, span)
    except (OSError, FetchError) as error:
        log.info("%s/%s is not sent on: %s", stream, asked, error)
        return None


def _from_file(library: Library, resource: Resource, span: Span | None) -> bytes:
    held = library.read(resource)
    if isinstance(held, bytes):
        return held if span is None else span.of(held)
    with held:
        if span is not None:
            held.seek(span.start)
        return held.read(resource.size if span is None else span.length)
