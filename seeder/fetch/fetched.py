"""What a source gives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STALL = 10.0
"""Seconds without a byte, where whoever asks does not expect more."""


@dataclass(frozen=True, slots=True)
class Validators:
    """What an answer is marked with, to ask whether it still holds (RFC 9110 §13)."""

    etag: str = ""
    modified: str = ""

    def headers(self) -> dict[str, str]:
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes at a URL."""

    asked: str
    url: str
    """Where they were in the end: relative URIs in them are relative to it."""
    status: int
    """200, 206 or 304."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    data: bytes = b""
    """Decoded."""
    seconds: float = 0.0

    @property
    def validators(self) -> Validators:
        return Validators(self.headers.get("etag", ""), self.headers.get("last-modified", ""))
