"""Where a listener listens, and how it is begun."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from seeder.publish.desk import Desk
from seeder.publish.door import Door


@dataclass(frozen=True, slots=True)
class Place:
    host: str
    port: int
    """0 takes a free one."""
    tls: ssl.SSLContext | None = None
    """The server's certificate, for protocols that want one."""
    door: Door = field(default_factory=Door)
    """For protocols that speak HTTP."""
    reached: str = ""
    """The host by which the operator says that others reach us; empty: ``host`` is all we know."""
    segment_seconds: float = 2.0
    ffmpeg: str | Path | None = None
    """The path of it; see :class:`~seeder.ingest.config.IngestConfig`."""
    passphrase: Callable[[str], str | None] = lambda stream: None
    """What SRT publishers of a stream encrypt with; None when they do not."""
    senders: Mapping[str, str] = field(default_factory=dict)
    """Streams by the addresses from which MPEG-TS is taken for them without a key."""


def senders(given: Iterable[str]) -> dict[str, str]:
    """:attr:`Place.senders` out of ``ADDRESS=STREAM``."""
    return {address: stream for address, _, stream in (pair.partition("=") for pair in given)}


Serve = Callable[[Desk, Place], AbstractAsyncContextManager[int]]
"""Takes publishers while the block lasts, and tells them when it ends; gives the port that it listens at.
:class:`~seeder.errors.ServeError` when it cannot have that."""
