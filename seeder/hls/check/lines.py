"""A playlist's lines as a checker reads them: nothing is forgiven, everything keeps its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from seeder.hls.playlist import split_lines

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s][^",]*)')


@dataclass(frozen=True)
class Line:
    """A tag or a URI; blank lines and comments are none."""

    number: int
    """From 1."""
    tag: str
    """``EXTINF``, without ``#``; empty for a URI."""
    value: str
    """What follows the tag's colon; the URI."""
    bare: bool
    """A tag without a colon."""

    @cached_property
    def attributes(self) -> Attributes:
        """Of a tag whose value is a list of them (RFC 8216bis §4.2)."""
        return read_attributes(self.value)

    def get(self, name: str) -> str | None:
        """An attribute's value without its quotes."""
        value = self.attributes.values.get(name)
        return None if value is None else value.strip('"')


@dataclass(frozen=True, slots=True)
class Attributes:
    """NAME → value as written, quotes included."""

    values: dict[str, str]
    repeated: tuple[str, ...]
    rest: str
    """From where it is no list any more; empty when all of it is one."""


def read_attributes(text: str) -> Attributes:
    values: dict[str, str] = {}
    repeated: list[str] = []
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None:
            return Attributes(values, tuple(repeated), text[at:])
        name, value = match.groups()
        if values.setdefault(name, value) is not value:
            repeated.append(name)
        at = match.end()
        if at < len(text):
            if text[at] != "," or at + 1 == len(text):
                return Attributes(values, tuple(repeated), text[at:])
            at += 1
    return Attributes(values, tuple(repeated), "")


def read_lines(text: str) -> Sequence[Line]:
    """The tags and URIs behind ``#EXTM3U``."""
    found = []
    for number, raw in enumerate(split_lines(text), 1):
        line = raw.strip()
        if not line or number == 1:
            continue
        if not line.startswith("#"):
            found.append(Line(number, "", line, False))
        elif line.startswith("#EXT"):
            tag, colon, value = line[1:].partition(":")
            found.append(Line(number, tag, value.strip(), not colon))
    return found
