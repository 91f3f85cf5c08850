"""What is worth saying while it runs: first segments, viewers at a calm pace. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from seeder.model import StreamView

PACE = 10.0
"""Seconds between two lines about one stream's viewers: a full hall is entered by hundreds a minute."""


@dataclass(slots=True)
class _Said:
    viewers: int
    at: float
    """When, in seconds of the caller's clock."""


class Progress:
    """Ask :meth:`lines` whenever something may have changed; bounded by the streams there are."""

    def __init__(self, viewers: Callable[[bytes], int]) -> None:
        self._viewers = viewers
        """Peers of a rendezvous swarm now."""
        self._said: dict[str, _Said] = {}

    def plays(self, name: str) -> bool:
        """The stream has had its first segment."""
        return name in self._said

    def lines(self, streams: Iterable[StreamView], now: float) -> list[str]:
        """What is new since the last call."""
        playing = {view.name: view for view in streams if view.segments}
        news = []
        self._said = {name: said for name, said in self._said.items() if name in playing}
        for name, view in playing.items():
            said = self._said.get(name)
            viewers = self._viewers(view.rendezvous)
            if said is None:
                first = (
                    "first segment ready" if view.live else f"{_count(view.segments, 'segment')}, recorded"
                )
                news.append(f"{name}: {first}")
                self._said[name] = _Said(0, now - PACE)
            elif viewers != said.viewers and now - said.at >= PACE:
                news.append(f"{name}: {_count(viewers, 'viewer')}")
                self._said[name] = _Said(viewers, now)
        return news


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
