"""Streams that are sent on to real servers (RTMP, RTSP, SRT): one ffmpeg for each server, over and over."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType

from seeder.backoff import Backoff
from seeder.errors import IngestError, cause
from seeder.feed.library import Library
from seeder.ingest.binary import find
from seeder.onward.choice import UnfitError
from seeder.onward.reel import pieces
from seeder.onward.remux import Remux, Run
from seeder.onward.rtmp import connected
from seeder.onward.server import Server
from seeder.stats.snapshot import PushStats

SEEN = 2
"""Pieces that an ffmpeg has taken, after which it is taken to send them."""
HEALTHY = 5
"""Pieces after which a failure counts as a first one."""

log = logging.getLogger(__name__)


class Push:
    """One stream to one server. ``dice``: numbers from 0 to 1."""

    def __init__(
        self,
        library: Library,
        stream: str,
        server: Server,
        ffmpeg: Path | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.stream = stream
        self.server = server
        self._library = library
        self._ffmpeg = ffmpeg
        self._backoff = Backoff(dice)
        self._remux: Remux | None = None
        self._restarts = 0
        self._error = ""

    @property
    def pid(self) -> int | None:
        """Of the ffmpeg that sends now."""
        return None if self._remux is None else self._remux.pid

    def stats(self) -> PushStats:
        remux = self._remux
        # What was given to it first waits in pipes and buffers.
        up = remux is not None and remux.pid is not None and remux.pieces >= SEEN
        return PushStats(up, self._restarts, "" if up else self._error)

    async def run(self) -> None:
        """Until cancelled: while the stream is live, it is sent."""
        try:
            binary = await find(self._ffmpeg)
        except IngestError as error:
            self._error = str(error)
            log.error("%s: cannot be sent to %s: %s", self.stream, self.server.name, error)
            return
        while True:
            await self._until_live()
            try:
                await self._once(binary.path)
                self._error, delay = "", 1.0  # the stream has ended
            except UnfitError as error:
                if self._remux is not None and self._remux.pieces >= HEALTHY:
                    self._backoff.succeeded()
                delay = self._backoff.failed()
                self._restarts += 1
                said = self.server.clean(str(error))
                if said != self._error:
                    log.warning("%s: not sent to %s: %s; trying again", self.stream, self.server.name, said)
                self._error = said
            self._remux = None
            await asyncio.sleep(delay)

    async def _until_live(self) -> None:
        async with aclosing(self._library.changes()) as changes:
            while (view := self._library.stream(self.stream)) is None or not view.live:
                async for name in changes:
                    if name == self.stream:
                        break

    async def _once(self, path: str) -> None:
        """Until the stream has ended. Raises :class:`UnfitError` when it cannot be sent (any more)."""
        to = self.server.rtmp
        if to is None:
            await self._remuxed(Remux(path, self.stream, self._straight, _nothing, lasting=False))
            return
        async with connected(to) as there:
            sending = asyncio.create_task(
                self._remuxed(Remux(path, self.stream, _flv, there.take, lasting=False))
            )
            lost = asyncio.create_task(there.lost())
            try:
                await asyncio.wait({sending, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, lost):
                    task.cancel()
                await asyncio.wait({sending, lost})
            for task in (lost, sending):
                if not task.cancelled():
                    task.result()

    async def _remuxed(self, remux: Remux) -> None:
        self._remux = remux
        async with aclosing(pieces(self._library, self.stream)) as reel:
            await remux.run(reel)

    def _straight(self, run: Run) -> tuple[str, ...]:
        return self.server.arguments


def _flv(run: Run) -> list[str]:
    return ["-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"]


async def _nothing(data: bytes) -> None:
    """It goes to the server by itself."""


class Pushes:
    """All of them; an async context manager."""

    def __init__(self, pushes: tuple[Push, ...]) -> None:
        self.all = pushes
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Pushes:
        self._tasks = [asyncio.create_task(_kept(push)) for push in self.all]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def change(self, come: Sequence[Push], gone: Sequence[tuple[str, Server]]) -> None:
        """Begin some, end others (by stream and server); the rest goes on."""
        ended = [n for n, each in enumerate(self.all) if (each.stream, each.server) in gone]
        for number in ended:
            self._tasks[number].cancel()
        await asyncio.gather(*(self._tasks[number] for number in ended), return_exceptions=True)
        kept = [n for n in range(len(self.all)) if n not in ended]
        self.all = (*(self.all[n] for n in kept), *come)
        self._tasks = [self._tasks[n] for n in kept]
        self._tasks += [asyncio.create_task(_kept(push)) for push in come]

    def stats(self) -> dict[tuple[str, str], PushStats]:
        """By stream and server; of two paths on one server the worse."""
        found: dict[tuple[str, str], PushStats] = {}
        for push in self.all:
            key, now = (push.stream, push.server.name), push.stats()
            if key not in found or not now.up:
                found[key] = now
        return found

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        return "; ".join(f"{s} to {server}: {p.error}" for (s, server), p in self.stats().items() if p.error)


async def _kept(push: Push) -> None:
    while True:
        try:
            await push.run()
            return
        except Exception as error:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            log.exception("%s: sending it to %s crashed: %r", push.stream, push.server.name, cause(error))
            await asyncio.sleep(10)
