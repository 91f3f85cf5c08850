"""What is known of one task; frozen, JSON both ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class State(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self not in (State.WAITING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Task:
    """One piece of work."""

    id: str
    """Random: whoever knows it may ask for it."""
    kind: str
    about: str
    """The recording or stream it is for."""
    state: State
    created: float
    """Unix seconds, as of the next two."""
    started: float | None = None
    ended: float | None = None
    progress: float | None = None
    """0 to 1; ``None``: not known."""
    detail: str = ""
    """What it does now, a line."""
    error: str = ""
    """Why it failed, a line."""
    request: Mapping[str, object] = field(default_factory=dict)
    """What was asked for; it can begin again from that. JSON values, shown to nobody."""
    result: Mapping[str, object] = field(default_factory=dict)
    """What came of it. JSON values."""
    begun: int = 0
    """How often its work was begun: more than once after restarts."""


class Job(Protocol):
    """A task as its work sees it."""

    @property
    def task(self) -> Task: ...

    @property
    def folder(self) -> Path:
        """Empty, on the feed's file system, and gone when the task has ended."""

    def tell(self, progress: float | None, detail: str = "") -> None:
        """How far it is."""


Work = Callable[[Job], Awaitable[Mapping[str, object]]]
"""Does a task, and gives its result. Cancelled when the task is, or the server stops; begun again from the
request after a restart. A :class:`~seeder.errors.LiveTorrentError` is told to who asked."""
