"""Where a listener listens, and how it is begun."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from seeder.publish.desk import Desk


@dataclass(frozen=True, slots=True)
class Place:
    host: str
    port: int
    """0 takes a free one."""
    tls: ssl.SSLContext | None = None
    """The server's certificate, for protocols that want one."""


Serve = Callable[[Desk, Place], AbstractAsyncContextManager[int]]
"""Takes publishers while the block lasts, and tells them when it ends; gives the port that it listens at.
:class:`~seeder.errors.ServeError` when it cannot have that."""
