"""Several streams made here at once: each by an ingest of its own, which is started, watched and stopped.

What cannot go on (a file that is not there) is told, tried again now and then, and harms none of the others;
but where it is :attr:`vital` to the run, it ends that.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from seeder.config import Config
from seeder.errors import ConfigError, LiveTorrentError, cause
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest, IngestStatus
from seeder.ingest.retirer import Retire
from seeder.stats.snapshot import IngestStats
from seeder.stream_config import StreamConfig

AGAIN = 30.0
"""Seconds until what could not go on is tried again: somebody may have put the file there."""
CRASHED = (1.0, 5.0, 30.0)
"""Seconds until one that crashed begins again, the last one over and over."""
MOST = 100
"""Ingests at once: each has an ffmpeg, and no machine serves more."""

log = logging.getLogger(__name__)


def ingest_config(config: Config, stream: StreamConfig) -> IngestConfig:
    """What ``stream`` asks for, and the run where it says nothing. Pure. Raises :class:`ConfigError`."""
    seconds = config.segment_seconds if stream.segment_seconds is None else stream.segment_seconds
    try:
        made = IngestConfig(
            stream=stream.name,
            input=stream.input,
            segment_seconds=seconds,
            window=config.window if stream.window is None else stream.window,
            dvr=(config.dvr if stream.dvr is None else stream.dvr) or 0.0,
            ladder=config.ladder if stream.ladder is None else stream.ladder,
            encoder=config.encoder,
            ffmpeg=config.ffmpeg,
            loop=stream.loop,
            end=stream.input is not None,  # a publisher may come back
            copy=stream.copy,
            video_bitrate=stream.video_bitrate,
            stall_seconds=stream.stall_seconds,
        )
        return made if stream.max_height is None else replace(made, max_height=stream.max_height)
    except ConfigError as error:
        raise ConfigError(f"{stream.where}: {error}") from None


class One:
    """One stream, and what has become of it."""

    def __init__(self, config: IngestConfig, vital: bool) -> None:
        self.config = config
        self.vital = vital
        """The run has no purpose without it."""
        self.ingest: Ingest | None = None
        self.task: asyncio.Task[None] | None = None
        self.error = ""
        """Why it does not go on; empty while it does."""

    @property
    def ended(self) -> bool:
        return self.task is not None and self.task.done()

    def stats(self) -> IngestStats:
        status = None if self.ingest is None else self.ingest.status()
        if self.error:
            last = status.segments if status is not None else 0
            return IngestStats("failed", segments=last, error=self.error)
        return IngestStats() if status is None else stats_of(status)


def stats_of(status: IngestStatus) -> IngestStats:
    return IngestStats(
        status.state.value,
        status.speed,
        status.restarts,
        status.segments,
        status.dropped,
        status.last_error,
        status.rungs,
        status.shed,
    )


class Ingests:
    """An async context manager; leaving stops them all. ``feed``, ``retire``: see :class:`Ingest`."""

    def __init__(self, feed: Path, retire: Retire, again: float = AGAIN) -> None:
        self._feed = feed
        self._retire = retire
        self._again = again
        self._all: dict[str, One] = {}
        self._lost: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Ingests:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [one.task for one in self._all.values() if one.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def watch(self) -> None:
        """Until cancelled; raises what a vital one cannot go on for."""
        self._lost = self._lost or asyncio.get_running_loop().create_future()
        await self._lost

    def has(self, name: str) -> bool:
        """Whether it is made here, or shall be again."""
        return name in self._all

    def get(self, name: str) -> One | None:
        return self._all.get(name)

    def stats(self) -> dict[str, IngestStats]:
        """By stream."""
        return {name: one.stats() for name, one in self._all.items()}

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        found = ((name, one.stats().error) for name, one in self._all.items())
        return "; ".join(f"{name}: {error}" for name, error in found if error)

    def start(self, config: IngestConfig, *, vital: bool = False) -> None:
        """Raises :class:`ConfigError` when there is one of that name, or there are too many."""
        if config.stream in self._all:
            raise ConfigError(f"{config.stream} is made here already")
        if len(self._all) >= MOST:
            raise ConfigError(f"{MOST} streams are made here: no more fit")
        one = self._all[config.stream] = One(config, vital)
        self._begin(one)

    async def stop(self, name: str) -> bool:
        """Its ffmpeg says its last word; the files stay. Whether there was one."""
        one = self._all.get(name)
        if one is None:
            return False
        await _cancelled(one)
        if self._all.get(name) is one:
            del self._all[name]
        return True

    async def restart(self, name: str) -> bool:
        """From the beginning: a discontinuity for those who watch. Whether there was one."""
        one = self._all.get(name)
        if one is None:
            return False
        await _cancelled(one)
        if self._all.get(name) is one and one.ended:
            self._begin(one)
        return True

    async def change(self, config: IngestConfig) -> None:
        """Make the stream otherwise: it begins anew, behind a discontinuity for those who watch. Starts it
        where there is none of that name."""
        one = self._all.get(config.stream)
        if one is None:
            self.start(config)
            return
        await _cancelled(one)
        one.config = config
        if self._all.get(config.stream) is one:
            self._begin(one)

    def _begin(self, one: One) -> None:
        one.task = asyncio.create_task(self._kept(one), name=f"ingest {one.config.stream}")

    async def _kept(self, one: One) -> None:
        """Until the input has ended."""
        name, crashes, told = one.config.stream, 0, ""
        while True:
            try:
                one.ingest = Ingest(one.config, self._feed, retire=self._retire)
                one.error = ""
                await one.ingest.run()
                log.info("%s: the input has ended; what was published stays until Ctrl-C", name)
                return
            except LiveTorrentError as error:
                if one.vital:
                    self._lose(error)
                    return
                one.error, delay = str(error), self._again
                if told != one.error:  # once is enough for what stays as it is
                    log.error("%s: %s; trying again every %g s", name, error, delay)
                told = one.error
            except Exception as error:
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise
                delay, crashes = CRASHED[min(crashes, len(CRASHED) - 1)], crashes + 1
                named = cause(error)
                one.error = f"crashed: {type(named).__name__}: {named}"
                log.exception("%s crashed; beginning again in %g s", name, delay)
            await asyncio.sleep(delay)

    def _lose(self, error: LiveTorrentError) -> None:
        self._lost = self._lost or asyncio.get_running_loop().create_future()
        if not self._lost.done():
            self._lost.set_exception(error)


async def _cancelled(one: One) -> None:
    if one.task is not None:
        one.task.cancel()
        await asyncio.wait({one.task})
