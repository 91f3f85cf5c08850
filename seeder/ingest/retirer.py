"""Deletes files that no playlist lists any more, each when its time has come and nobody holds it open."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

RETIRE_SECONDS = (
    30.0  # for the ``retire`` hook; then the file goes anyway, or a hung hook would fill the disk
)

log = logging.getLogger(__name__)
Retire = Callable[[Path], Awaitable[None]]


class Retirer:
    """``hook`` is awaited before a file is deleted."""

    def __init__(self, hook: Retire | None) -> None:
        self._hook = hook
        self._due: list[tuple[float, Path]] = []  # a heap, bounded by the rate of segments
        self._more = asyncio.Event()

    def later(self, path: Path, seconds: float) -> None:
        heapq.heappush(self._due, (asyncio.get_running_loop().time() + seconds, path))
        self._more.set()

    async def run(self) -> None:
        """Until cancelled; what is not due by then is the next process's."""
        loop = asyncio.get_running_loop()
        while True:
            wait = self._due[0][0] - loop.time() if self._due else None
            if wait is None or wait > 0:
                self._more.clear()
                try:
                    async with asyncio.timeout(wait):
                        await self._more.wait()
                except TimeoutError:
                    pass
                continue
            await self._delete(heapq.heappop(self._due)[1])

    async def _delete(self, path: Path) -> None:
        if self._hook is not None:
            try:
                async with asyncio.timeout(RETIRE_SECONDS):
                    await self._hook(path)
            except Exception as error:  # noqa: BLE001  # a hook's fault must not fill the disk
                log.warning("%s: not let go of before it is deleted (%r)", path.name, error)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be deleted: %s", path, error.strerror or error)
