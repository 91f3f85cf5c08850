"""Has the tasks: a few of them work at once, the others wait in their order; all outlive the server."""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from seeder.errors import LiveTorrentError, cause
from seeder.events import Events
from seeder.tasks.store import Store
from seeder.tasks.task import State, Task, Work

AT_ONCE = 2
"""Tasks that work at once, of each kind one: they compete with what is live for disk and cores, and a long
import is not to keep a short export waiting."""
MOST = 100
"""Tasks that wait or work: hours of work already. One more is refused."""
REMEMBERED = 200
"""Tasks that are over and still told of, the newest: a page to look at, and small files."""
TRIES = 3
"""Beginnings of one task: what takes the server with it each time is not to do so for ever."""
TELL = 1.0
"""Seconds between two events of a task's progress."""
AGAIN = 2.0
"""Seconds until a folder that could not be had is tried again."""
PATIENCE = 10.0
"""Seconds that who cancels waits for the work to let go: it ends its processes and removes its files."""

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class FullError(LiveTorrentError):
    """No further task can be taken now; the message is for who asked."""


class Tasks:
    """One server's. Lives on the event loop's thread."""

    def __init__(
        self,
        folder: Path,
        kinds: Mapping[str, Work],
        events: Events,
        *,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``folder``: made when needed, on the feed's file system; ``kinds``: what does each, may be filled
        until :meth:`run`; ``clock``: Unix seconds."""
        self.warning = ""
        """Why there are no tasks now; a line."""
        self._store = Store(folder)
        self._kinds = kinds
        self._events = events
        self._at_once = at_once
        self._clock = clock
        self._tasks: dict[str, Task] = {}
        """By id, the oldest first."""
        self._working: dict[str, asyncio.Task[None]] = {}
        self._unwanted: set[str] = set()
        """Working, and cancelled by somebody: not by the server's end."""
        self._told: dict[str, float] = {}
        """When the last event of those that work was sent."""
        self._ready = asyncio.Event()
        self._wake = asyncio.Event()
        # One: what becomes of a task is written in the order in which it became so.
        self._disk = ThreadPoolExecutor(1, "tasks")

    # --- asking ------------------------------------------------------------------------------------

    async def ready(self) -> None:
        """What an earlier run left is known. Cancelling is safe."""
        await self._ready.wait()

    def all(self) -> tuple[Task, ...]:
        """The newest first."""
        return tuple(reversed(self._tasks.values()))

    def get(self, id: str) -> Task | None:
        return self._tasks.get(id)

    def find(self, kind: str, about: str, request: Mapping[str, object]) -> Task | None:
        """The newest of that kind that was asked the same."""
        same = (kind, about, dict(request))
        return next((task for task in self.all() if (task.kind, task.about, task.request) == same), None)

    def unfinished(self, kind: str = "") -> int:
        """How many wait or work."""
        return sum(not task.state.over and kind in ("", task.kind) for task in self._tasks.values())

    async def start(self, kind: str, about: str, request: Mapping[str, object]) -> Task:
        """Take a task; it is on disk when this returns. ``request``: JSON values. Raises
        :class:`FullError`."""
        await self.ready()
        if self.warning:
            raise FullError(self.warning)
        if self.unfinished() >= MOST:
            raise FullError("too many tasks are waiting: try again later, or cancel some")
        if kind not in self._kinds:
            raise ValueError(f"nobody does {kind}")
        task = Task(secrets.token_hex(16), kind, about, State.WAITING, self._clock(), request=dict(request))
        self._tasks[task.id] = task
        try:
            await self._there(self._store.save, task)
        except OSError as error:
            del self._tasks[task.id]
            raise FullError(f"tasks cannot be noted: {error.strerror or error}") from None
        self._tell(task)
        self._wake.set()
        return self._tasks[task.id]

    async def cancel(self, id: str) -> Task | None:
        """End a task, and wait a moment for its work to let go; one that is over is forgotten. What became
        of it; ``None``: there is none."""
        task = self._tasks.get(id)
        if task is None:
            return None
        if task.state.over:
            self._forget(task)
            return task
        if (work := self._working.get(id)) is not None:
            self._unwanted.add(id)
            work.cancel()
            await asyncio.wait({work}, timeout=PATIENCE)
        else:
            self._end(task, State.CANCELLED)
        return self._tasks.get(id, task)

    async def cancel_about(self, about: str) -> None:
        """All that wait or work for a recording or stream that is gone."""
        for task in self.all():
            if task.about == about and not task.state.over:
                await self.cancel(task.id)

    # --- working -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Do them, until cancelled; those that were under way then begin again with the next run."""
        found = await self._open()
        try:
            # A crash of this room, and not of the server, leaves what we know.
            self._tasks = {task.id: self._again(self._tasks.get(task.id, task)) for task in found}
            self._ready.set()
            async with asyncio.TaskGroup() as group:
                while True:
                    while (task := self._next()) is not None:
                        work = group.create_task(self._work(task), name=f"task {task.id}")
                        self._working[task.id] = work
                        work.add_done_callback(lambda _, id=task.id: self._done(id))  # type: ignore[misc]
                    await self._wake.wait()
                    self._wake.clear()
        finally:
            self._ready.clear()
            await self._there(self._store.close)

    async def _open(self) -> list[Task]:
        """What an earlier run left, once the folder can be had: after a restart its last user may be about to
        stop. Until then nobody waits for us, and no task is taken."""
        while True:
            try:
                found = await self._there(self._store.open)
            except OSError as error:
                taken = isinstance(error, BlockingIOError)
                why = "another live-torrent works in this feed" if taken else error.strerror or str(error)
                if self.warning != (warning := f"no tasks: {why}"):
                    self.warning = warning
                    log.warning("%s (%s)", warning, self._store.folder)
                self._ready.set()
                await asyncio.sleep(AGAIN)
            else:
                self.warning = ""
                return found

    def _again(self, task: Task) -> Task:
        return task if task.state.over else replace(task, state=State.WAITING, progress=None, detail="")

    def _next(self) -> Task | None:
        """The next to work."""
        if len(self._working) >= self._at_once:
            return None
        busy = {self._tasks[id].kind for id in self._working if id in self._tasks}
        waiting = (task for task in self._tasks.values() if task.state is State.WAITING)
        return next(
            (task for task in waiting if task.id not in self._working and task.kind not in busy), None
        )

    async def _work(self, task: Task) -> None:
        try:
            await self._do(task.id)
        finally:
            await self._there(self._store.clear, task)

    def _done(self, id: str) -> None:
        """Its work has ended, or (cancelled at once) never begun."""
        task = self._tasks.get(id)
        if id in self._unwanted and task is not None and not task.state.over:
            self._end(task, State.CANCELLED)
        # Else the server stops: on disk it is still under way.
        self._working.pop(id)
        self._unwanted.discard(id)
        self._told.pop(id, None)
        self._wake.set()

    async def _do(self, id: str) -> None:
        task = self._tasks[id]
        if task.begun >= TRIES:
            self._end(task, State.FAILED, error=f"was begun {TRIES} times, and the server ended each time")
            return
        if (work := self._kinds.get(task.kind)) is None:
            self._end(task, State.FAILED, error=f"nobody does {task.kind} here any more")
            return
        task = replace(task, state=State.RUNNING, started=self._clock(), begun=task.begun + 1)
        self._note(task)
        try:
            folder = await self._there(self._store.scratch, task)
            tell = functools.partial(self._progress, id)
            result = await work(_Job(lambda: self._tasks[id], folder, tell))
        except Exception as error:
            named = cause(error)
            if isinstance(named, LiveTorrentError):
                why = str(named)
            elif isinstance(named, OSError) and named.strerror:
                why = named.strerror[0].lower() + named.strerror[1:]
            else:
                why = "unforeseen; the server's log says more"
                log.exception("task %s (%s of %s) crashed", id, task.kind, task.about)
            log.warning("%s of %s failed: %s", task.kind, task.about, why)
            self._end(self._tasks[id], State.FAILED, error=why)
        else:
            self._end(replace(self._tasks[id], progress=1.0, result=dict(result)), State.DONE)

    def _progress(self, id: str, progress: float | None, detail: str) -> None:
        if (task := self._tasks.get(id)) is None or task.state is not State.RUNNING:
            return
        known = None if progress is None else min(max(progress, 0.0), 1.0)
        self._tasks[id] = task = replace(task, progress=known, detail=detail)
        now = self._clock()
        if not 0 <= now - self._told.get(id, 0.0) < TELL:
            self._told[id] = now
            self._tell(task)

    def _end(self, task: Task, state: State, error: str = "") -> None:
        self._note(replace(task, state=state, ended=self._clock(), detail="", error=error))
        over = sorted((one for one in self._tasks.values() if one.state.over), key=lambda one: one.ended or 0)
        for old in over[: max(0, len(over) - REMEMBERED)]:
            self._forget(old)

    def _note(self, task: Task) -> None:
        """What has become of it, in memory, to who listens, and on disk if that can be."""
        self._tasks[task.id] = task
        self._tell(task)
        self._disk.submit(self._save, task)

    def _save(self, task: Task) -> None:
        try:
            self._store.save(task)
        except OSError as error:
            log.warning("task %s cannot be noted: %s", task.id, error.strerror or error)

    def _forget(self, task: Task) -> None:
        del self._tasks[task.id]
        self._disk.submit(self._store.forget, task)

    async def _there(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``act`` in the thread of the disk, behind what waits for it; it is done all the same when we are
        cancelled."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._disk, functools.partial(act, *args, **kwargs)))

    def _tell(self, task: Task) -> None:
        self._events.emit(
            "task.changed", id=task.id, kind=task.kind, state=task.state.value, progress=task.progress
        )


class _Job:
    """What :class:`~seeder.tasks.task.Job` says."""

    def __init__(
        self, task: Callable[[], Task], folder: Path, tell: Callable[[float | None, str], None]
    ) -> None:
        self._task = task
        self._folder = folder
        self._tell = tell

    @property
    def task(self) -> Task:
        return self._task()

    @property
    def folder(self) -> Path:
        return self._folder

    def tell(self, progress: float | None, detail: str = "") -> None:
        self._tell(progress, detail)
