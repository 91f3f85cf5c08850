"""A playlist that lives elsewhere, made fit to be served from here. Pure.

Every URI is made absolute to its home (RFC 3986 §5), but for what is served from here: that gets the path it
has here. All else stays byte for byte: a line whose URI does not change does not change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

from seeder.hls.attributes import parse_attributes
from seeder.hls.playlist import split_lines

URI_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "EXT-X-KEY": ("URI",),
    "EXT-X-MAP": ("URI",),
    "EXT-X-PART": ("URI",),
    "EXT-X-PRELOAD-HINT": ("URI",),
    "EXT-X-RENDITION-REPORT": ("URI",),
    "EXT-X-MEDIA": ("URI",),
    "EXT-X-I-FRAME-STREAM-INF": ("URI",),
    "EXT-X-SESSION-DATA": ("URI",),
    "EXT-X-SESSION-KEY": ("URI",),
    "EXT-X-CONTENT-STEERING": ("SERVER-URI",),
    "EXT-X-DATERANGE": ("X-ASSET-URI", "X-ASSET-LIST"),
}
"""Tag → attributes that hold a URI (RFC 8216bis §4.4; the last two are HLS interstitials', appendix D)."""

_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")
_IN_URLS = "%:/?#[]@!$&'()*+,;=-._~"
ORDINARY = 2048
"""Characters of URLs that are remembered; four thousand of them are 20 MB at the very most."""
_OPAQUE = ("data:", "skd:", "urn:", "com.apple.")
"""URIs that name nothing relative: keys of DRM systems, inline data."""

ASIDE = frozenset(
    {"EXT-X-KEY", "EXT-X-MAP", "EXT-X-PART", "EXT-X-PRELOAD-HINT", "EXT-X-SESSION-DATA", "EXT-X-SESSION-KEY"}
)
"""Tags whose resources are needed to play what is listed, and are neither segments nor playlists."""

Place = Callable[[str], str | None]
"""The absolute URL of something → the path it has here, as written into the playlist; None: none."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A playlist as it is served here."""

    text: str
    homes: Mapping[int, str] = field(default_factory=dict)
    """Index of a URI line in ``split_lines(text)`` → the absolute URL it stands for."""
    playlists: tuple[str, ...] = ()
    """Absolute URLs of the playlists that a multivariant playlist lists, each once, in order."""
    asides: Mapping[str, str] = field(default_factory=dict)
    """Absolute URL → tag, of what :data:`ASIDE` tags name."""


def nowhere(url: str) -> None:
    """The :data:`Place` of what stays where it is."""


def rewrite(
    text: str,
    base: str,
    place: Place = nowhere,
    imported: Mapping[str, str] | None = None,
    aside: Place = nowhere,
) -> Rewritten:
    """``base``: where it was fetched; ``imported``: variables of the multivariant playlist above it;
    ``place``: of segments and playlists; ``aside``: of what :data:`ASIDE` tags name."""
    lines = split_lines(text)
    variables = variables_of(text, base, imported or {})
    out: list[str] = []
    homes: dict[int, str] = {}
    playlists: dict[str, None] = {}
    asides: dict[str, str] = {}
    stream = False
    for index, raw in enumerate(lines):
        line = raw.strip()
        tag, _, value = line[1:].partition(":") if line.startswith("#EXT") else ("", "", "")
        if tag in URI_ATTRIBUTES:
            for name in URI_ATTRIBUTES[tag]:
                uri = parse_attributes(value).get(name)
                url = None if uri is None else absolute(uri, base, variables)
                if uri is None or url is None:
                    continue
                if tag in ("EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF"):
                    playlists[url] = None
                if tag in ASIDE:
                    asides.setdefault(url, tag)
                raw = _replaced(raw, name, uri, (aside if tag in ASIDE else place)(url) or url)
        elif tag == "EXT-X-STREAM-INF":
            stream = True
        elif line and not line.startswith("#"):
            url = absolute(line, base, variables)
            if url is not None:
                homes[index] = url
                if stream:
                    playlists[url] = None
                raw = raw.replace(line, place(url) or url, 1)
            stream = False
        out.append(raw)
    return Rewritten("".join(out), homes, tuple(playlists), asides)


def absolute(uri: str, base: str, variables: Mapping[str, str]) -> str | None:
    """The URL a URI in a playlist stands for; None where it is none, or a variable in it is not known."""
    unknown = [name for name in _VARIABLE.findall(uri) if name not in variables]
    if unknown or uri.startswith(_OPAQUE):
        return None
    uri = _VARIABLE.sub(lambda match: variables[match[1]], uri)
    return _remembered(uri, base) if len(uri) + len(base) < ORDINARY else _joined(uri, base)


def _joined(uri: str, base: str) -> str | None:
    try:
        url = urljoin(base, uri)
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", "file") or any(ord(c) < 32 or ord(c) == 127 for c in url):
        return None
    # Writers who do not encode blanks and letters mean what players make of them (RFC 3986 §2.1).
    return quote(url, safe=_IN_URLS)


_remembered = lru_cache(4096)(_joined)
"""With each reload all of a window comes again but for what is new."""


def variables_of(text: str, base: str, imported: Mapping[str, str]) -> dict[str, str]:
    """What EXT-X-DEFINE defines (§4.4.2.3): by value, from the playlist above, from the URL's query."""
    found: dict[str, str] = {}
    query = dict(parse_qsl(urlsplit(base).query, keep_blank_values=True))
    for line in split_lines(text):
        if not line.startswith("#EXT-X-DEFINE:"):
            continue
        attributes = parse_attributes(line.strip().partition(":")[2])
        if (name := attributes.get("NAME")) is not None and "VALUE" in attributes:
            found[name] = attributes["VALUE"]
        elif (name := attributes.get("IMPORT")) in imported:
            found[name or ""] = imported[name or ""]
        elif (name := attributes.get("QUERYPARAM")) in query:
            found[name or ""] = query[name or ""]
    return found


def _replaced(raw: str, name: str, old: str, new: str) -> str:
    """The line with one attribute's quoted value exchanged: that attribute's, wherever else it may stand."""
    pattern = re.compile(rf'((?:^|[:,])\s*{re.escape(name)}\s*=\s*"){re.escape(old)}"')
    return pattern.sub(lambda match: f'{match[1]}{new}"', raw, count=1)
