"""What answers a request under ``/live/`` or ``/torrents/``: the decisions, without a byte of I/O.

A path is looked up in what playlists list, as a whole; request text never becomes a file name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from seeder.errors import FetchError
from seeder.hls.delivery import directives, has, too_far
from seeder.hls.names import is_playable, stream_url
from seeder.model import Addresses, Copy, Kind, PublishedPlaylist, Resource, Span, StreamView
from seeder.web.addresses import Reach, addresses
from seeder.web.answer import NEVER, REVALIDATE, Answer
from seeder.web.catalog import Catalog
from seeder.web.conditional import accepts_gzip, not_modified, range_holds
from seeder.web.range import Slice, Unsatisfiable, parse_range
from seeder.web.render import Body, Rendered, Renderer
from seeder.web.security import MEDIA, PREFLIGHT, Headers
from seeder.web.waiting import Verdict, Wait, Waiting

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
"""RFC 8216 §4; the charset is always UTF-8 and needs no parameter."""
TORRENT_TYPE = "application/x-bittorrent"

IMMUTABLE = "public, max-age=600, immutable"
"""A live segment's URI never names other bytes while it is listed. But whoever restarts an encoder of their
own may begin again at ``seg0.ts``: what left the window long ago must not be played then (immutable holds
only while fresh, RFC 8246 §2)."""
RECORDED = "public, max-age=60"
"""A recorded segment is a file that its owner may make anew; a minute spares seeking viewers the question."""


@dataclass(frozen=True, slots=True)
class Far:
    """A resource that has its home elsewhere and is not in memory."""

    stream: str
    resource: Resource
    span: Span | None
    """The part of it that is wanted; None: all."""


FARTHEST = 10**18
LONGEST = 64 << 20
"""Bytes of a range that is fetched for somebody: more than a segment has."""


class Media:
    """Answers requests from a catalog; reads it, never changes it."""

    def __init__(self, catalog: Catalog, renderer: Renderer, reach: Reach) -> None:
        self.waiting = Waiting(catalog, renderer)
        self._catalog = catalog
        self._renderer = renderer
        self.reach = reach
        """May be exchanged: what is rendered is kept by what it says."""

    async def answer(
        self, method: str, path: str, scheme: str, headers: Mapping[str, str], query: str = ""
    ) -> Answer:
        """As :meth:`at_once`, whatever it takes."""
        found = self.at_once(method, path, scheme, headers, query)
        if isinstance(found, Wait):
            verdict = await self.waiting.wait(found)
            found = self.at_once(method, path, scheme, headers, query, verdict)
        if isinstance(found, Far):
            return await self._from_afar(found, headers)
        if isinstance(found, Answer):
            return found
        assert not isinstance(found, Wait), "there was a verdict"
        return _rendered(await self._renderer.render(*found), headers)

    def at_once(
        self,
        method: str,
        path: str,
        scheme: str,
        headers: Mapping[str, str],
        query: str = "",
        verdict: Verdict | None = None,
    ) -> Answer | Wait | Far | tuple[StreamView, PublishedPlaylist, Addresses, str]:
        """The answer, or what to wait for, to fetch, or to render for it apart from the event loop.

        ``path``: percent-decoded, beginning with ``/live/`` or ``/torrents/``; ``headers``: by lower-case
        name; ``scheme``: http or https; ``query``: as sent; ``verdict``: what came of waiting. A HEAD is
        answered like a GET; who sends it leaves the body out.
        """
        if method == "OPTIONS":
            return Answer(204, PREFLIGHT, "other")
        if method not in ("GET", "HEAD"):
            return _refusal(405, "only GET, HEAD and OPTIONS", ("Allow", "GET, HEAD, OPTIONS"))
        if path.startswith("/torrents/"):
            return self._torrent(path.removeprefix("/torrents/"), scheme, headers)
        name, _, rest = path.removeprefix("/live/").partition("/")
        view = self._catalog.stream(name)
        if view is None:
            return _refusal(404, "no such stream")
        playlist = view.playlists.get(rest)
        if playlist is not None:
            found = addresses(self.reach, scheme, headers, view.name)
            if found is None:
                return _refusal(400, "the Host header is not a host")
            skip = ""
            if playlist.edge is not None and query:
                asked = self._asked(view.name, playlist, query, found, verdict)
                if not isinstance(asked, str):
                    return asked
                skip = asked
            rendered = self._renderer.at_once(view, playlist, found, skip)
            return (view, playlist, found, skip) if rendered is None else _rendered(rendered, headers)
        resource = self._catalog.resource(name, rest)
        if resource is None:
            return _refusal(404, "no playlist of this stream lists that")
        if resource.parts:
            self._note(resource, headers.get("range"))
        if method == "HEAD":  # a range is defined for GET alone (RFC 9110 §14.2)
            headers = {name: value for name, value in headers.items() if name != "range"}
        if resource.home and resource.data is None:
            return self._far(Far(name, resource, _span(headers)), headers)
        return resource_answer(resource, headers)

    def _far(self, far: Far, headers: Mapping[str, str]) -> Answer | Far:
        copy = self._catalog.fetched(far.stream, far.resource, far.span)
        return far if copy is None else far_answer(far, copy, headers)

    async def _from_afar(self, far: Far, headers: Mapping[str, str]) -> Answer:
        try:
            copy = await self._catalog.fetch(far.stream, far.resource, far.span)
        except FetchError as error:
            if error.status in (404, 410, 416):
                return _refusal(error.status, "that is what its server says")
            return _refusal(502, "its server does not give it")
        return far_answer(far, copy, headers)

    def _note(self, resource: Resource, wanted: str | None) -> None:
        """Whoever asks for a range that is a segment is interested in its torrent."""
        part = parse_range(wanted, resource.size)
        if isinstance(part, Slice):
            torrent = resource.parts.get(Span(part.start, part.stop - part.start))
            if torrent is not None:
                self._catalog.torrent(torrent.infohash)

    def _asked(
        self, stream: str, playlist: PublishedPlaylist, query: str, found: Addresses, verdict: Verdict | None
    ) -> Answer | Wait | str:
        """What Delivery Directives (RFC 8216bis §6.2.5) come to; a string: as what to skip it is answered."""
        edge = playlist.edge
        assert edge is not None
        try:
            asked = directives(query)
        except ValueError as error:
            return _refusal(400, str(error))
        if verdict is Verdict.LATE:
            return _refusal(503, "the playlist did not go on in time", ("Retry-After", "1"))
        if verdict is Verdict.ANEW:
            return ""  # what the client has is no part of it any more
        if edge.control.blocks and asked.msn is not None and not has(edge, asked.msn, asked.part):
            if too_far(edge, asked.msn, asked.part):
                return _refusal(400, f"too far ahead: segment {edge.msn} comes next")
            if verdict is None and not self.waiting.full:
                return Wait(stream, playlist.path, asked.msn, asked.part, asked.skip, found, edge)
        return asked.skip if edge.control.skip_until else ""

    def _torrent(self, name: str, scheme: str, headers: Mapping[str, str]) -> Answer:
        match = re.fullmatch(r"([0-9a-fA-F]{40})\.torrent", name)
        torrent = self._catalog.torrent(bytes.fromhex(match[1])) if match else None
        if torrent is None:
            return _refusal(404, "no such torrent")
        found = addresses(self.reach, scheme, headers)
        if found is None:
            return _refusal(400, "the Host header is not a host")
        body = torrent_file(torrent.info, found.tracker, self._segment_url(found, torrent.infohash))
        # The body names this host's tracker, hence no immutable.
        more = (("Content-Type", TORRENT_TYPE), ("Cache-Control", REVALIDATE))
        return Answer(200, (*MEDIA, *more), "torrent", body)

    def _segment_url(self, found: Addresses, infohash: bytes) -> str | None:
        """Looked for where it is listed, for .torrent files are rare."""
        for view in self._catalog.streams():
            for resource in view.resources.values():
                if resource.torrent is not None and resource.torrent.infohash == infohash:
                    return stream_url(found.base, view.name, resource.path)
        return None


def _rendered(rendered: Rendered, headers: Mapping[str, str]) -> Answer:
    gzipped = accepts_gzip(headers.get("accept-encoding"))
    return playlist_answer(rendered.gzipped if gzipped else rendered.plain, gzipped, headers)


def playlist_answer(body: Body, gzipped: bool, headers: Mapping[str, str]) -> Answer:
    """A rendered playlist, or 304."""
    common: Headers = (
        *MEDIA,
        ("ETag", body.etag),
        ("Vary", "Accept-Encoding"),
        # A live one changes with each segment, and an early copy is as good as none (RFC 8216 §6.2.1).
        ("Cache-Control", REVALIDATE),
    )
    if not_modified(headers.get("if-none-match"), body.etag):
        return Answer(304, common, "playlist")
    encoding: Headers = (("Content-Encoding", "gzip"),) if gzipped else ()
    return Answer(200, (*common, ("Content-Type", PLAYLIST_TYPE), *encoding), "playlist", body.data)


def resource_answer(resource: Resource, headers: Mapping[str, str]) -> Answer:
    """A segment or whatever else a playlist lists: whole, a range of it, 304 or 416."""
    kind = resource.kind.value
    common: Headers = (
        *MEDIA,
        ("ETag", resource.etag),
        ("Accept-Ranges", "bytes"),
        ("Cache-Control", cache_control(resource)),
    )
    if not_modified(headers.get("if-none-match"), resource.etag):
        return Answer(304, common, kind)
    wanted = headers.get("range") if range_holds(headers.get("if-range"), resource.etag) else None
    part = parse_range(wanted, resource.size)
    if isinstance(part, Unsatisfiable):
        refused = _refusal(416, "the segment is shorter", ("Content-Range", f"bytes */{resource.size}"))
        return replace(refused, kind=kind)
    common = (*common, ("Content-Type", resource.content_type))
    if part is None:
        return Answer(200, common, kind, resource=resource, stop=resource.size)
    content_range = ("Content-Range", f"bytes {part.start}-{part.stop - 1}/{resource.size}")
    return Answer(206, (*common, content_range), kind, resource=resource, start=part.start, stop=part.stop)


def _span(headers: Mapping[str, str]) -> Span | None:
    """The range that is asked for of what nobody here knows the size of, if it says where it ends."""
    part = parse_range(headers.get("range"), FARTHEST)
    if not isinstance(part, Slice) or part.stop == FARTHEST or "if-range" in headers:
        return None
    return Span(part.start, part.stop - part.start) if part.stop - part.start <= LONGEST else None


def far_answer(far: Far, copy: Copy, headers: Mapping[str, str]) -> Answer:
    """``copy`` for who asked for ``far``."""
    kind = copy.content_type.partition(";")[0].strip().lower()
    resource = replace(
        far.resource,
        # What it is called goes into a header of ours, and is not to be called a page.
        content_type=kind if is_playable(kind) else far.resource.content_type,
        size=len(copy.data),
        etag=copy.etag,
        data=copy.data,
    )
    if far.span is None:
        return resource_answer(resource, headers)
    whole = resource_answer(resource, {})
    total = "*" if copy.total is None else copy.total
    content_range = ("Content-Range", f"bytes {far.span.start}-{far.span.stop - 1}/{total}")
    # The tag would be that of all of it (RFC 9110 §8.8.3).
    kept = (field for field in whole.headers if field[0] != "ETag")
    return replace(whole, status=206, headers=(*kept, content_range))


def cache_control(resource: Resource) -> str:
    """Init sections and keys are revalidated: whoever restarts an encoder overwrites them in place."""
    if resource.kind is not Kind.SEGMENT or resource.parts:
        return REVALIDATE  # a file of many segments may have more by now
    return IMMUTABLE if resource.data is not None and not resource.home else RECORDED


def torrent_file(info: bytes, tracker: str, web_seed: str | None) -> bytes:
    """A metainfo file (BEP 3) with the origin as web seed (BEP 19)."""
    parts = [b"d8:announce", bencoded(tracker), b"4:info", info]
    if web_seed is not None:
        parts += [b"8:url-list", bencoded(web_seed)]
    return b"".join([*parts, b"e"])


def bencoded(text: str) -> bytes:
    data = text.encode()
    return b"%d:%s" % (len(data), data)


def _refusal(status: int, text: str, *more: tuple[str, str]) -> Answer:
    headers = (
        *MEDIA,
        ("Content-Type", "text/plain; charset=utf-8"),
        # The next playlist may list what this one does not.
        ("Cache-Control", NEVER),
        *more,
    )
    return Answer(status, headers, "error", f"{text}\n".encode())
