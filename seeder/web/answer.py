"""A response decided, not yet sent: what ``media`` and ``pages`` decide and everybody sends."""

from __future__ import annotations

from dataclasses import dataclass

from seeder.model import Resource
from seeder.web.security import Headers

REVALIDATE = "no-cache"
"""Cache-Control: kept, but asked about at every use. The ETag makes the question cheap."""
NEVER = "no-store"
"""Cache-Control: of refusals, for what is not there may be in a moment."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    kind: str
    """For the counters: playlist, segment, init, other, torrent, error, page."""
    body: bytes = b""
    resource: Resource | None = None
    """When set, the body is its bytes ``start`` to ``stop``, from memory or file."""
    start: int = 0
    stop: int = 0

    @property
    def length(self) -> int:
        return self.stop - self.start if self.resource else len(self.body)

    @property
    def held(self) -> bytes | memoryview | None:
        """The body, where it is in memory."""
        if self.resource is None:
            return self.body
        data = self.resource.data
        if data is None or self.length == len(data):
            return data
        return memoryview(data)[self.start : self.stop]
