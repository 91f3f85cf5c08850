"""A stream's poster out of what is published of it."""

from __future__ import annotations

import asyncio

from seeder.errors import FetchError, PlaylistError
from seeder.feed.library import Library
from seeder.hls.names import requested_path
from seeder.hls.playlist import MediaPlaylist, Segment, parse
from seeder.model import Resource, Span, StreamView
from seeder.posters.choice import best, candidates, media_path
from seeder.posters.picture import MOST_INPUT, jpeg


async def make(library: Library, view: StreamView, ffmpeg: str) -> bytes:
    """JPEG; empty when there is no picture, or nothing of it is served from here. IngestError: there is no
    ffmpeg. Cancelling is safe."""
    path = media_path(view)
    if path is None:
        return b""
    try:
        # A day's playlist takes half a second.
        playlist = await asyncio.to_thread(parse, view.playlists[path].text)
    except PlaylistError:
        return b""
    if not isinstance(playlist, MediaPlaylist):
        return b""
    found: list[bytes] = []
    for segment in candidates(playlist, view.live):
        media = await _read(library, view, path, segment)
        picture = await jpeg(ffmpeg, media) if media else b""
        if picture:
            found.append(picture)
            if view.live:
                break
    return found[best([len(each) for each in found])] if found else b""


async def _read(library: Library, view: StreamView, path: str, segment: Segment) -> bytes:
    """The beginning of it, behind its init section; empty: it cannot be had."""
    init = b""
    if segment.map_uri is not None:
        init = await _part(library, view, path, segment.map_uri, segment.map_span)
        if not init:
            return b""
    data = await _part(library, view, path, segment.uri, segment.span)
    return init + data if data else b""


async def _part(library: Library, view: StreamView, path: str, uri: str, span: Span | None) -> bytes:
    asked = requested_path(path, uri)
    # Not library.resource(): that would say that viewers are interested in its torrent.
    resource = None if asked is None else view.resources.get(asked)
    if resource is None:
        return b""
    if span is not None:
        span = Span(span.start, min(span.length, MOST_INPUT))
    try:
        if resource.home:
            return (await library.fetch(view.name, resource, span)).data[:MOST_INPUT]
        return await asyncio.to_thread(_from_here, library, resource, span or Span(0, MOST_INPUT))
    except (OSError, FetchError):
        return b""


def _from_here(library: Library, resource: Resource, span: Span) -> bytes:
    held = library.read(resource)
    if isinstance(held, bytes):
        return span.of(held)
    with held:
        held.seek(span.start)
        return held.read(span.length)
