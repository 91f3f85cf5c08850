"""Whether the machine kept up. What plays in real time stalls where nothing gets its time, whatever we do."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from typing import Self, TypeVar

T = TypeVar("T")

WORK = bytes(8 << 20)
"""To be hashed: some 10 ms of a core, which is longer than a scheduler's turn."""
EVERY = 0.4
"""Seconds between two looks."""
ENOUGH = 0.75
"""Share of a core that work got, in the mean: next to browsers on an otherwise idle machine 0.9 and more,
with as much other work as there are cores 0.5."""


class Strain:
    """An async context: how the machine was meanwhile."""

    def __init__(self) -> None:
        self._used = self._took = 0.0
        self._looking: asyncio.Task[None] | None = None

    @property
    def share(self) -> float:
        return self._used / self._took if self._took else 1.0

    @property
    def kept_up(self) -> bool:
        return self.share >= ENOUGH

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look(), name="strain")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._looking is not None
        self._looking.cancel()
        await asyncio.wait([self._looking])

    async def _look(self) -> None:
        while True:
            used, took = await asyncio.to_thread(_work)
            self._used += used
            self._took += took
            await asyncio.sleep(EVERY)


def _work() -> tuple[float, float]:
    """Seconds of CPU and on the clock."""
    used, took = time.thread_time(), time.perf_counter()
    hashlib.sha256(WORK)
    return time.thread_time() - used, time.perf_counter() - took


async def steadily(story: Callable[[], Awaitable[T]], patience: float) -> T:
    """What ``story`` returns. What it asserts is said of programs that get their time: where it fails while
    the machine had too much else to do, it is told again, for as long as there is ``patience`` (seconds)."""
    clock = asyncio.get_running_loop().time
    end = clock() + patience
    while True:
        async with Strain() as strain:
            try:
                return await story()
            except (AssertionError, TimeoutError) as error:
                if strain.kept_up or clock() > end:
                    error.add_note(f"of a core, work got {strain.share:.2f} meanwhile")
                    raise
