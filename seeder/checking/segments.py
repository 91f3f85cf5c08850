"""What playlists list, fetched: is it there, is it what it should be, does it stay so?"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import urljoin

from seeder.errors import FetchError
from seeder.fetch.fetched import Fetched
from seeder.fetch.source import Source
from seeder.hls.check import Finding
from seeder.hls.check.delivery import Response, served_segment
from seeder.hls.check.presentation import segment_key
from seeder.hls.playlist import Segment
from seeder.model import Span, Torrent
from seeder.torrent.metainfo import mismatch

MAX_SEGMENT = 256 << 20
"""Bytes, as in torrents of ours."""
REMEMBERED = 4096
"""Digests kept to notice changed bytes: two hours of 2 s segments."""


class Segments:
    """One presentation's."""

    def __init__(self, source: Source) -> None:
        self.fetched = 0
        self.bytes = 0
        self.sizes: dict[str, int] = {}
        """Bytes by :func:`segment_key`; as many as are looked at."""
        self._source = source
        self._digests: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._sides: dict[str, bool] = {}

    async def look(
        self,
        where: str,
        base: str,
        segment: Segment,
        torrents: Mapping[int, Torrent],
    ) -> list[Finding]:
        """``where``: the playlist as findings name it; ``base``: what its URIs are relative to."""
        found = [f async for f in self._beside(where, base, segment)]
        if segment.gap:
            return found  # §4.4.4.7: it is said not to be there
        span = segment.span
        url = urljoin(base, segment.uri)
        try:
            answer = await self._source.get(url, limit=MAX_SEGMENT, timeout=60.0, span=span)
        except FetchError as error:
            return [*found, missing(error, where, segment.uri_line + 1)]
        self.fetched += 1
        self.bytes += len(answer.data)
        self.sizes[segment_key(where, segment.uri, span)] = len(answer.data)
        return [*found, *self._judge(where, url, segment, span, answer, torrents)]

    def _judge(
        self,
        where: str,
        url: str,
        segment: Segment,
        span: Span | None,
        answer: Fetched,
        torrents: Mapping[int, Torrent],
    ) -> Iterator[Finding]:
        if answer.headers.keys() - {"etag"}:  # over HTTP
            response = Response(answer.url, answer.status, answer.headers, answer.data)
            if span is None or span.start == 0:
                yield from served_segment(response, segment, where)
        digest = hashlib.sha256(answer.data).digest()
        key = url, span.start if span else 0
        if self._digests.setdefault(key, digest) != digest:
            text = f"{segment.uri} has other bytes than before"
            yield Finding("bytes-changed", segment.uri_line + 1, text, where=where)
        self._digests.move_to_end(key)
        while len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
        torrent = torrents.get(segment.line)
        if torrent is not None and (wrong := mismatch(torrent, answer.data)) is not None:
            yield Finding("piece-mismatch", segment.line + 1, f"{segment.uri}: {wrong}", where=where)

    async def _beside(self, where: str, base: str, segment: Segment) -> AsyncIterator[Finding]:
        """Its init section and key, each once; keys of other schemes are a player's affair."""
        for uri, span in ((segment.map_uri, segment.map_span), (segment.key_uri, None)):
            url = urljoin(base, uri) if uri is not None else ""
            if not url.startswith(("http:", "https:", "file:")) or url in self._sides:
                continue
            self._sides[url] = True
            try:
                self.bytes += len((await self._source.get(url, limit=MAX_SEGMENT, span=span)).data)
            except FetchError as error:
                yield missing(error, where, segment.uri_line + 1)


def missing(error: FetchError, where: str, line: int = 0) -> Finding:
    """What could not be had; a private address, which we do not ask, is another matter."""
    rule = "private-address" if error.private else "not-delivered"
    return Finding(rule, line, str(error) if line else error.reason, where=where)
