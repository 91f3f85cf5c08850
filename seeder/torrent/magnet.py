"""Magnet links (BEP 9, with ``ws`` of BEP 19's web seeds)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from seeder.errors import MetainfoError
from seeder.model import Torrent

_BTIH = re.compile(r"urn:btih:([0-9a-fA-F]{40})")


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link says."""

    infohash: bytes
    """20 bytes."""
    name: str = ""
    length: int | None = None
    """Bytes (``xl``)."""
    trackers: tuple[str, ...] = ()
    web_seeds: tuple[str, ...] = ()


def magnet_of(torrent: Torrent, trackers: Sequence[str], web_seeds: Sequence[str]) -> Magnet:
    return Magnet(torrent.infohash, torrent.name, torrent.length, tuple(trackers), tuple(web_seeds))


def build(magnet: Magnet) -> str:
    """The link. Values are percent-encoded whole, so none can hold a quote, a newline or an ``&``."""
    parts = [f"xt=urn:btih:{magnet.infohash.hex()}"]
    if magnet.name:
        parts.append(f"dn={quote(magnet.name, safe='')}")
    if magnet.length is not None:
        parts.append(f"xl={magnet.length}")
    parts += [f"tr={quote(t, safe='')}" for t in magnet.trackers]
    parts += [f"ws={quote(w, safe='')}" for w in magnet.web_seeds]
    return "magnet:?" + "&".join(parts)


def parse(text: str) -> Magnet:
    """What the link says, unknown parameters skipped; MetainfoError without a v1 infohash in hex."""
    scheme, found, query = text.partition("?")
    if scheme.lower() != "magnet:" or not found:
        raise MetainfoError(f"not a magnet link: {text[:40]!r}")
    values: dict[str, list[str]] = {}
    for part in query.split("&"):
        key, _, value = part.partition("=")
        values.setdefault(key.partition(".")[0].lower(), []).append(unquote(value))
    hashes = [match[1] for match in map(_BTIH.fullmatch, values.get("xt", ())) if match]
    if not hashes:
        raise MetainfoError("the magnet link has no xt=urn:btih: of 40 hex digits")
    length = values.get("xl", [""])[0]
    return Magnet(
        infohash=bytes.fromhex(hashes[0]),
        name=values.get("dn", [""])[0],
        length=int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None,
        trackers=tuple(values.get("tr", ())),
        web_seeds=tuple(values.get("ws", ())),
    )
