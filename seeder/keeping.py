"""Rooms as tasks: stopped in their turn, begun again should they crash, and how each of them is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from seeder.errors import LiveTorrentError, cause
from seeder.stats.snapshot import Health

log = logging.getLogger(__name__)

AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until a room that crashed is begun again, the last one over and over: a bug that comes with the
data may go with it, and must not fill the log meanwhile."""
SETTLED = 300.0
"""Seconds after which a crash counts as a first one again."""


class Keeper:
    """Of one run's rooms."""

    def __init__(self) -> None:
        self.health: dict[str, Health] = {}
        """By room."""

    def begin(
        self, room: str, work: Callable[[], Awaitable[None]], group: asyncio.TaskGroup, stack: AsyncExitStack
    ) -> None:
        """Run ``work`` as a task that is stopped when its turn comes, and begun again should it crash."""
        task = group.create_task(self._kept(room, work), name=room)
        stack.push_async_callback(_stopped, task)

    async def _kept(self, room: str, work: Callable[[], Awaitable[None]]) -> None:
        """Our own errors say that there is no point in going on; anything else is a bug: log, begin again."""
        clock = asyncio.get_running_loop().time
        crashes = 0
        while True:
            self.health.setdefault(room, Health(True))
            began = clock()
            try:
                await work()
                return
            except Exception as error:
                named = cause(error)
                task = asyncio.current_task()
                if isinstance(named, LiveTorrentError) or (task is not None and task.cancelling()):
                    raise  # what fails while it is being stopped is not begun again: nobody would stop that
                crashes = 0 if clock() - began > SETTLED else crashes
                delay = AGAIN[min(crashes, len(AGAIN) - 1)]
                crashes += 1
                self.health[room] = Health(False, f"crashed: {type(named).__name__}: {named}")
                log.exception("%s crashed; beginning again in %g s", room, delay)
                await asyncio.sleep(delay)
                self.health[room] = Health(True, f"begun again after {type(named).__name__}: {named}")


async def _stopped(task: asyncio.Task[None]) -> None:
    """Cancel it and wait until it has cleaned up; what it raises is its group's affair."""
    task.cancel()
    await asyncio.wait([task])
