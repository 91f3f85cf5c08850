"""Which files are being written just now. Pure: the time is an argument."""

from __future__ import annotations

QUIET_SEGMENT = 3.0
"""Seconds without a write after which a segment counts as written although nobody saw it closed: longer
than writers buffer at low bit rates, and one scan where there are no events."""

QUIET_PLAYLIST = 0.3
"""Seconds, for playlists: they are written in one go, and some writers keep theirs open for ever."""


class Settling:
    """Paths written to and not yet closed; bounded by the writers there are, as quiet ones leave."""

    def __init__(self) -> None:
        self._written: dict[str, float] = {}

    def written(self, path: str, now: float) -> None:
        self._written[path] = now

    def closed(self, path: str) -> None:
        self._written.pop(path, None)

    def settled(self, path: str, now: float, quiet: float) -> bool:
        return now - self._written.get(path, float("-inf")) >= quiet

    def expire(self, now: float) -> None:
        """Forget those that have been quiet for long enough."""
        for path in [p for p, at in self._written.items() if now - at >= QUIET_SEGMENT]:
            del self._written[path]
