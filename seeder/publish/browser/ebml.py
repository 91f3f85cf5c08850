"""EBML (RFC 8794) as it comes: elements out of bytes that are cut anywhere. Pure.

It trusts no length: what is kept whole has a bound, what nobody needs is skipped without being held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from seeder.publish.claim import RefusedError

UNKNOWN = -1
"""The size of an element whose end nobody knows yet."""


def _id(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    """The element's id at ``at``, marker included, and where it ends; None: it is not all there."""
    if at >= len(data):
        return None
    first = data[at]
    length = 9 - first.bit_length()
    if length > 4:  # RFC 8794 §11.2.4: EBMLMaxIDLength is 4
        raise RefusedError("this is no WebM: there is no element where one should be", 415)
    if at + length > len(data):
        return None
    return int.from_bytes(data[at : at + length], "big"), at + length


def _size(data: bytes | bytearray, at: int) -> tuple[int, int] | None:
    if at >= len(data):
        return None
    first = data[at]
    length = 9 - first.bit_length()
    if length > 8:
        raise RefusedError("this is no WebM: an element has no size", 415)
    if at + length > len(data):
        return None
    most = (1 << 7 * length) - 1
    found = int.from_bytes(data[at : at + length], "big") & most
    return (UNKNOWN if found == most else found), at + length


class Elements:
    """``entered``: ids of elements whose children come out in their place; ``kept``: those that come out
    whole, with their bounds in bytes. Every other is skipped."""

    def __init__(self, entered: Collection[int], kept: dict[int, int]) -> None:
        self._entered = entered
        self._kept = kept
        self._data = bytearray()  # at most one element that is kept: bounded by what is
        self._skip = 0  # bytes still to come of an element that nobody needs
        self.read = 0
        """Bytes fed so far."""
        self.position = 0
        """… up to where the content of the last element begins."""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(id, content) of each element that is complete now; empty content for one that is entered. Raises
        :class:`RefusedError`. To be read to its end."""
        self.read += len(data)
        if self._skip:
            passed = min(self._skip, len(data))
            self._skip -= passed
            data = data[passed:]
        self._data += data
        at = 0
        try:
            while (found := self._next(at)) is not None:
                ident, start, size = found
                self.position = self.read - len(self._data) + start
                if ident in self._entered:
                    at = start
                    yield ident, b""
                elif ident in self._kept:
                    if start + size > len(self._data):
                        break
                    at = start + size
                    yield ident, bytes(self._data[start:at])
                else:
                    self._skip = max(0, start + size - len(self._data))
                    at = min(start + size, len(self._data))
        finally:
            del self._data[:at]

    def _next(self, at: int) -> tuple[int, int, int] | None:
        """Of the element at ``at``: its id, where its content begins, its size."""
        ident = _id(self._data, at)
        size = None if ident is None else _size(self._data, ident[1])
        if ident is None or size is None:
            return None
        if ident[0] not in self._entered:
            if size[0] == UNKNOWN:
                raise RefusedError("this is no WebM that we can read: an element has no end", 415)
            most = self._kept.get(ident[0])
            if most is not None and size[0] > most:
                raise RefusedError(f"an element of the WebM is longer than {most} bytes", 413)
        return ident[0], size[1], size[0]


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, content) of each element in ``data``. Raises :class:`RefusedError` where one overruns it."""
    at = 0
    while at < len(data):
        ident = _id(data, at)
        size = None if ident is None else _size(data, ident[1])
        if ident is None or size is None or size[0] == UNKNOWN or size[1] + size[0] > len(data):
            raise RefusedError("this is no WebM that we can read: an element overruns its parent", 415)
        yield ident[0], data[size[1] : size[1] + size[0]]
        at = size[1] + size[0]
