"""Which container it is, by its first bytes: recorders' types say one thing and another. Pure."""

from __future__ import annotations

from typing import Protocol

from seeder.publish.browser.frames import Event
from seeder.publish.browser.mp4 import Mp4
from seeder.publish.browser.webm import MAGIC, WebM
from seeder.publish.claim import RefusedError


class Reader(Protocol):
    @property
    def stride(self) -> int:
        """µs by which the frames of one track may come before those of the other."""

    def feed(self, data: bytes) -> list[Event]:
        """What is complete now. Raises :class:`RefusedError`."""


class Container:
    """One recorder's file, as it comes."""

    def __init__(self) -> None:
        self._first = b""
        self._reader: Reader | None = None

    @property
    def stride(self) -> int:
        return 0 if self._reader is None else self._reader.stride

    def feed(self, data: bytes) -> list[Event]:
        """What is complete now. Raises :class:`RefusedError`."""
        if self._reader is not None:
            return self._reader.feed(data)
        self._first += data
        if len(self._first) < 8:
            return []
        if self._first.startswith(MAGIC):
            self._reader = WebM()
        elif self._first[4:8] == b"ftyp":
            self._reader = Mp4()
        else:
            raise RefusedError("this is neither WebM nor MP4", 415)
        first, self._first = self._first, b""
        return self._reader.feed(first)
