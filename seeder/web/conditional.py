"""Conditional requests and content negotiation (RFC 9110 §13, §12.5.3), as far as we need them; pure."""

from __future__ import annotations

import re

_TAG = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|$)')


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the client holds what ``etag`` names; compared weakly (§13.1.2), as proxies weaken tags."""
    if not if_none_match:
        return False
    if if_none_match.strip() == "*":
        return True
    at = 0
    while match := _TAG.match(if_none_match, at):
        if match[1] == etag:
            return True
        at = match.end()
        if at == len(if_none_match):
            break
    return False


def range_holds(if_range: str | None, etag: str) -> bool:
    """Whether a Range still means the bytes the client has the rest of (§13.1.5).

    Only our strong tag does; a date never does, for we send none to compare with.
    """
    return if_range is None or if_range.strip() == etag


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether gzip is acceptable; what the header does not name is not."""
    named: dict[str, bool] = {}
    for item in (accept_encoding or "").split(","):
        coding, _, parameters = item.partition(";")
        named[coding.strip().lower()] = not re.fullmatch(r"\s*q\s*=\s*0(?:\.0*)?\s*", parameters)
    return named.get("gzip", named.get("*", False))
