"""The Range header (RFC 9110 §14), as far as players use it; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.ASCII | re.IGNORECASE)
"""At most 18 digits: more is no file, and Python's integers would take any number of them."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes ``start`` to ``stop`` (exclusive); never empty."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Answer 416 with ``Content-Range: bytes */size``."""


def parse_range(header: str | None, size: int) -> Slice | Unsatisfiable | None:
    """What part of ``size`` bytes is asked for; ``None``: all of it.

    Ignored, as §14.2 allows, is what is no single byte range: other units, nonsense, several ranges
    (multipart/byteranges costs more than it saves for a segment).
    """
    match = _SINGLE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last = match[1], match[2]
    if first:
        start = int(first)
        if last and int(last) < start:
            return None  # invalid, hence ignored (§14.1.1)
        stop = min(int(last) + 1, size) if last else size
    elif last:
        start, stop = max(size - int(last), 0), size  # the last so many bytes
    else:
        return None
    return Slice(start, stop) if start < stop else Unsatisfiable()
