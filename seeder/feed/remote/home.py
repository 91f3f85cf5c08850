"""Where a segment is: its URL and, of a byte range, which bytes of it. Pure.

One string for both, because segments are told apart by it in many places: ``URL#bytes=START-STOP``. A URL as
it is asked for has no fragment (RFC 9110 §4.2.5), so nothing else looks like that.
"""

from __future__ import annotations

import re
from urllib.parse import urldefrag

from seeder.model import Span

_RANGED = re.compile(r"(.*)#bytes=([0-9]+)-([0-9]+)", re.DOTALL)


def home_of(url: str, span: Span | None) -> str:
    bare = urldefrag(url).url
    return bare if span is None else f"{bare}#bytes={span.start}-{span.stop}"


def place_of(home: str) -> tuple[str, Span | None]:
    """The URL and the range of a :func:`home_of`."""
    if (match := _RANGED.fullmatch(home)) is None:
        return home, None
    start, stop = int(match[2]), int(match[3])
    return match[1], Span(start, stop - start)
