"""FLV's tags, read and written (Adobe Flash Video File Format 10.1, annex E). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from seeder.publish.claim import RefusedError

AUDIO, VIDEO, SCRIPT = 8, 9, 18
MOST_BODY = 8 << 20
"""Bytes of one tag: a key frame at 500 Mbit/s."""
_HEADER = 9
_BEFORE = 11
_BEHIND = 4


class Tag(NamedTuple):
    """Its timestamp is in milliseconds, without a sign, and wraps at 2³²."""

    kind: int
    timestamp: int
    body: bytes


def header(*, audio: bool = True, video: bool = True) -> bytes:
    """What a file begins with (E.2)."""
    return b"FLV\x01" + bytes((audio << 2 | video,)) + _HEADER.to_bytes(4, "big") + bytes(_BEHIND)


def written(tag: Tag) -> bytes:
    """With the size of the tag behind it, as files have it (E.3)."""
    size = len(tag.body)
    time = tag.timestamp & 0xFFFFFFFF
    return b"".join(
        (
            bytes((tag.kind,)),
            size.to_bytes(3, "big"),
            (time & 0xFFFFFF).to_bytes(3, "big"),
            bytes((time >> 24, 0, 0, 0)),
            tag.body,
            (size + _BEFORE).to_bytes(4, "big"),
        )
    )


def unpacked(data: bytes) -> Iterator[Tag]:
    """The tags of an RTMP aggregate message (RTMP 1.0 §7.1.6): a file's, without its header.

    What is cut off at the end is left out."""
    at = 0
    while len(data) - at >= _BEFORE:
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        if len(data) - at < _BEFORE + size:
            return
        yield _tag(data, at, size)
        at += _BEFORE + size + _BEHIND


def _tag(data: bytes | bytearray, at: int, size: int) -> Tag:
    time = int.from_bytes(data[at + 4 : at + 7], "big") | data[at + 7] << 24
    return Tag(data[at] & 0x1F, time, bytes(data[at + _BEFORE : at + _BEFORE + size]))


class TagReader:
    """Tags out of a file that comes in pieces."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._begun = False

    def feed(self, data: bytes) -> list[Tag]:
        """What is complete now. Raises :class:`RefusedError` for what is no FLV."""
        self._data += data
        if not self._begun and not self._begin():
            return []
        found = []
        at = 0
        while len(self._data) - at >= _BEFORE:
            kind, size = self._data[at], int.from_bytes(self._data[at + 1 : at + 4], "big")
            # The reserved bits are 0, and encrypted tags (0x20) are for players with a licence.
            if kind not in (AUDIO, VIDEO, SCRIPT):
                raise RefusedError("this is no FLV: it has a tag of an unknown kind", 400)
            if size > MOST_BODY:
                raise RefusedError(f"a tag is longer than {MOST_BODY >> 20} MiB", 413)
            if len(self._data) - at < _BEFORE + size + _BEHIND:
                break
            found.append(_tag(self._data, at, size))
            at += _BEFORE + size + _BEHIND
        del self._data[:at]
        return found

    def _begin(self) -> bool:
        """Past the file's header."""
        if not b"FLV\x01".startswith(self._data[:4]):
            raise RefusedError("this is no FLV", 400)
        if len(self._data) < _HEADER:
            return False
        size = int.from_bytes(self._data[5:9], "big")
        if not _HEADER <= size <= 64:  # version 1 says 9
            raise RefusedError("this is no FLV: its header has a strange size", 400)
        if len(self._data) < size + _BEHIND:
            return False
        del self._data[: size + _BEHIND]
        self._begun = True
        return True
