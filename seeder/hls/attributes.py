"""Attribute lists (RFC 8216bis §4.2): what follows the colon of most tags."""

from __future__ import annotations

import re

_ATTRIBUTE = re.compile(r'\s*([A-Z0-9-]+)\s*=\s*(?:"([^"\r\n]*)"|([^",\r\n]*))\s*(?:,|$)')


def parse_attributes(text: str) -> dict[str, str]:
    """Name → value, quoted strings without their quotes; the first of a repeated name counts.

    What is not an attribute is skipped: a player does the same, and the text is served as it came.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None:
            comma = text.find(",", at)
            if comma < 0:
                break
            at = comma + 1
            continue
        name, quoted, bare = match.groups()
        found.setdefault(name, quoted if quoted is not None else bare.strip())
        at = match.end()
    return found


def quoted(value: str) -> str:
    """``value`` as a quoted-string; ValueError for the three characters that cannot be in one."""
    if any(c in value for c in '"\r\n'):
        raise ValueError(f"cannot stand in a quoted-string: {value!r}")
    return f'"{value}"'
