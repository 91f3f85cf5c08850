"""What is copied of a recording, in which order and with which headers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seeder.hls.manifest import annotate
from seeder.hls.names import MASTER, content_type
from seeder.model import Addresses, Kind, Resource, StreamView

FOR_EVER = "public, max-age=31536000, immutable"
"""Of segments and init sections: no name of ours is used for other bytes."""
A_WHILE = "public, max-age=300"
"""Of playlists, which may be written again: with another tracker, say."""


@dataclass(frozen=True, slots=True)
class Text:
    """A playlist as it is to lie there."""

    path: str
    data: bytes


def media(view: StreamView) -> tuple[Resource, ...] | None:
    """Everything that is no playlist, init sections first. ``None``: not all of it is hashed yet, or here."""
    found = sorted(view.resources.values(), key=lambda one: (one.kind is Kind.SEGMENT, one.path))
    for one in found:
        here = one.data is not None or one.file is not None
        hashed = one.kind is not Kind.SEGMENT or one.torrent is not None or one.parts
        if not here or not hashed:
            return None
    return tuple(found)


def playlists(view: StreamView, addresses: Addresses | None) -> tuple[Text, ...]:
    """The master last. ``addresses``: where viewers meet, and the recording's folder in the store (with no
    ``base``); ``None``: no tracker is known to those who load them there, so they are plain HLS."""
    ordered = sorted(
        view.playlists.values(), key=lambda one: (one.path == MASTER, one.multivariant, one.path)
    )
    return tuple(
        Text(
            one.path,
            (
                one.text if addresses is None else annotate(one, view.rendezvous, addresses, view.name)
            ).encode(),
        )
        for one in ordered
    )


def headers(path: str) -> dict[str, str]:
    """An object's, by its path."""
    kind = content_type(path)
    playlist = path.endswith((".m3u8", ".m3u"))
    return {"Content-Type": kind, "Cache-Control": A_WHILE if playlist else FOR_EVER}


def missing(
    wanted: tuple[Resource, ...], there: Mapping[str, tuple[int, str]], digests: Mapping[str, str]
) -> tuple[Resource, ...]:
    """Those of ``wanted`` that are not ``there`` (path: bytes and entity tag). ``digests``: MD5 of those
    whose tag may be one."""
    out = []
    for one in wanted:
        size, tag = there.get(one.path, (-1, ""))
        same = size == one.size and digests.get(one.path, tag) == tag
        if not same:
            out.append(one)
    return tuple(out)
