"""Runs ffmpeg for one stream, again and again, until it is cancelled or a finite input has ended."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

from seeder.backoff import Backoff
from seeder.errors import IngestError
from seeder.ingest import sources
from seeder.ingest.binary import Binary, find
from seeder.ingest.cmaf import Fragment, Splitter
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import BURST_SINCE, Launch, Mode, Plan, arguments, make_plan
from seeder.ingest.packager import Packager, Retire
from seeder.ingest.probe import Probe
from seeder.ingest.probing import look
from seeder.ingest.process import Process, running
from seeder.ingest.segmenter import Cut, Segmenter
from seeder.ingest.sources import Source, SourceKind
from seeder.ingest.supply import Supply

HEALTHY = 3  # segments of a run after which a failure counts as a first one
BURST_SEGMENTS = 3  # a player wants three before it starts; so many are made up for after an interruption
BURST_MARGIN = 0.25  # seconds: the key frame that completes the third must be in the burst too
SPEED_SEGMENTS = 8  # over which the speed is measured
GOODBYE_SECONDS = 10.0  # for an ffmpeg that is told of the end by who sends it the media, to read it all
DRAIN_SECONDS = 2.0  # to write the last segment once ffmpeg has stopped; only a hung disk needs more
COPY_TRIAL_SECONDS = 60.0  # a GOP too long within this much copied media: the input does not fit after all
# What no retry can heal, in ffmpeg's words.
HOPELESS = re.compile(
    r"(Protocol|Option) not found|Unknown (encoder|input format|decoder)|Unrecognized option|No such filter"
)

log = logging.getLogger(__name__)


class IngestState(StrEnum):
    STARTING = "starting"
    LIVE = "live"
    RETRYING = "retrying"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class IngestStatus:
    state: IngestState
    input: str
    """For people: credentials masked."""
    mode: str
    """What happens to the video: ``copy``, ``encode``, ``none``, …; empty before the first run."""
    restarts: int
    segments: int
    """Published since the start."""
    dropped: int
    """Not written, because the disk did not take them."""
    last_error: str
    """One line; empty when all is well."""
    speed: float
    """Media seconds per second over the last segments; 0 until two have come."""


class _RunFailedError(Exception):
    """A run ended as it should not; the message is for people."""


class _GopTooLongError(_RunFailedError):
    pass


class Ingest:
    """One stream's. ``feed`` is the folder of all streams; ``supply`` is a publisher's media, which takes the
    place of the configured input. ``retire`` is awaited before a file is deleted, so that whoever holds it
    open can let go. ``clock`` gives Unix seconds, ``dice`` numbers from 0 to 1."""

    def __init__(
        self,
        config: IngestConfig,
        feed: Path,
        *,
        supply: Supply | None = None,
        retire: Retire | None = None,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._config = config
        self._clock = clock
        self._supply = supply
        self._source = (
            sources.classify(config.input, PurePosixPath(Path.cwd().as_posix()))
            if supply is None
            else sources.published(supply.name, supply.format, supply.options, supply.varies)
        )
        self._packager = Packager(feed / config.stream, config.variant, config.window, clock, retire)
        self._backoff = Backoff(dice)
        self._probe: Probe | None = None  # of the last run, while that was healthy
        self._plan: Plan | None = None
        self._copy = True  # until copying proves impossible
        self._state = IngestState.STARTING
        self._restarts = 0
        self._dropped = 0
        self._error = ""
        self._pid: int | None = None
        self._burst = 0.0  # seconds of media the run gives at once
        self._run_media = 0.0  # seconds of media of the run, published
        # (loop time, media seconds) of the run's last segments after its burst
        self._pace: deque[tuple[float, float]] = deque(maxlen=SPEED_SEGMENTS)

    def status(self) -> IngestStatus:
        return IngestStatus(
            state=self._state,
            input=self._source.name,
            mode=self._plan.video.value if self._plan else "",
            restarts=self._restarts,
            segments=self._packager.segments,
            dropped=self._dropped,
            last_error=self._packager.last_error or self._error,
            speed=self._speed(),
        )

    @property
    def pid(self) -> int | None:
        """Of the ffmpeg that runs now."""
        return self._pid

    async def run(self) -> None:
        """Until cancelled, or until an input that is not looped has ended.

        Cancelling stops ffmpeg politely, within about three seconds, and leaves a valid playlist. Raises
        :class:`IngestError` when nothing can come of it: no ffmpeg, a file that does not exist or cannot be
        read at the start, a folder that cannot be used.
        """
        _check_file(self._source)
        binary = await find(self._config.ffmpeg)
        try:
            async with self._packager as packager:
                ended = False
                while not ended:
                    ended = await self._attempt(binary)
                await packager.finish(self._config.end)
                self._state = IngestState.ENDED
        finally:
            if self._state is not IngestState.ENDED:
                self._state = IngestState.STOPPED

    async def _attempt(self, binary: Binary) -> bool:
        """One run and, if it failed, the wait for the next; True when the input has ended for good."""
        before = self._packager.segments
        try:
            plan = await self._make_plan(binary)
            await self._one_run(binary, plan)
            if not plan.loop and (plan.paced or self._source.kind is SourceKind.STDIN):
                return True
            if self._supply is not None and self._supply.turned:
                self._probe = None if self._supply.unlike else self._probe
                return False
            if self._supply is not None and self._supply.ended:
                return True
            error = f"{self._source.name} ended"
        except _GopTooLongError as failure:
            log.warning("%s", failure)
            self._restarts += 1
            self._probe = None
            return False
        except (_RunFailedError, IngestError) as failure:
            error = str(failure)
            if self._packager.segments == 0 and self._is_final(failure):
                raise IngestError(error) from failure
            if self._supply is not None and self._supply.ended and not self._supply.turned:
                return True  # cut off in the middle, as publishers are
        if self._packager.segments - before >= HEALTHY:
            self._backoff.succeeded()
        else:
            self._probe = None
        delay = self._backoff.failed()
        self._error, self._state = error, IngestState.RETRYING
        log.warning("%s; trying again in %.1f s", error, delay)
        await asyncio.sleep(delay)
        self._restarts += 1
        return False

    def _is_final(self, failure: Exception) -> bool:
        """Whether a first run that came to nothing is worth no second one. A server may come up later, and so
        may a publisher; a file that cannot be read stays as it is, and so does what a publisher sends."""
        return self._source.kind is not SourceKind.URL or bool(HOPELESS.search(str(failure)))

    async def _make_plan(self, binary: Binary) -> Plan:
        source = self._source
        if self._probe is None and source.can_be_opened_twice:
            probe, complaint = await look(binary, source, self._supply)
            if complaint:
                raise _RunFailedError(f"{source.name}: {_plain(complaint)}")
            self._probe = probe
            source = self._source = replace(source, analysis=probe.analysis)
        target_duration = self._packager.target_duration
        plan = make_plan(source, self._probe, self._config, target_duration, self._copy)
        if plan.segment_seconds < self._config.segment_seconds:
            log.warning(
                "stream %s keeps its target duration of %d s for life: segments of %g s, not %g s; "
                "another length needs another stream name",
                self._config.stream, target_duration, plan.segment_seconds, self._config.segment_seconds,
            )  # fmt: skip
        if plan != self._plan and source.kind is not SourceKind.PICTURE:
            reason = f" ({plan.why})" if plan.why else ""
            log.info("%s: video %s%s, audio %s", source.name, plan.video.value, reason, plan.audio.value)
        self._plan = plan
        return plan

    async def _one_run(self, binary: Binary, plan: Plan) -> None:
        """Returns when ffmpeg has ended well; raises :class:`_RunFailedError` otherwise."""
        launch, anchor = self._launch(plan, binary)
        self._burst, self._run_media = launch.burst, 0.0
        self._pace.clear()
        own_stdin = plan.source.kind is SourceKind.STDIN
        async with running(
            binary.path,
            arguments(plan, launch, binary.version),
            own_stdin=own_stdin,
            script=plan.source.script,
        ) as process:
            self._pid = process.pid
            feeder = None if self._supply is None else asyncio.create_task(_feed(process, self._supply))
            # The pump is a task of its own: when we are cancelled, it goes on to the end of ffmpeg's output.
            pump = asyncio.create_task(self._pump(process, plan, anchor))
            try:
                await asyncio.shield(pump)
            except asyncio.CancelledError:
                await process.stop()
                raise
            except _RunFailedError:
                await process.stop()
                raise
            finally:
                self._pid = None
                if not pump.done():
                    await asyncio.wait([pump], timeout=DRAIN_SECONDS)
                tasks = [task for task in (pump, feeder) if task is not None]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            code = await process.wait()
            if code != 0:
                words = _plain(process.lines[-1]) if process.lines else ""
                how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
                raise _RunFailedError(
                    f"{plan.source.name}: ffmpeg ended ({how}){': ' if words else ''}{words}"
                )

    def _launch(self, plan: Plan, binary: Binary) -> tuple[Launch, float | None]:
        """The launch and the run's anchor, None where it follows from the first fragment's arrival."""
        if not plan.paced:
            return Launch(), None
        now, end = self._clock(), self._packager.timeline_end
        burst = BURST_SEGMENTS * plan.segment_seconds + BURST_MARGIN
        if end is not None:
            burst = min(burst, max(0.0, now - end))  # fill the hole in the timeline, overlap nothing
        if binary.version < BURST_SINCE:
            burst = 0.0
        anchor = max(now - burst, end if end is not None else 0.0)
        local = datetime.fromtimestamp(anchor).astimezone()  # the viewer's clock is on the wall
        clock = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
        return Launch(burst, clock), anchor

    async def _pump(self, process: Process, plan: Plan, anchor: float | None) -> None:
        """Carry ffmpeg's output to the packager until it ends."""
        splitter, segmenter = Splitter(), Segmenter(plan.segment_seconds, plan.target_duration)
        waits = plan.source.listens or plan.source.kind is SourceKind.STDIN  # for a publisher, for ever
        first: float | None = None
        stall = self._config.stall
        while True:
            try:
                async with asyncio.timeout(None if waits and splitter.init is None else stall):
                    data = await process.read()
            except TimeoutError:
                raise _RunFailedError(
                    f"{plan.source.name}: ffmpeg stalled, no output for {stall:g} s"
                ) from None
            if not data:
                break
            for event in splitter.feed(data):
                if isinstance(event, Fragment):
                    if first is None and event.span is not None and splitter.init is not None:
                        first = event.span.start
                        arrived = self._clock() - (event.span.end - event.span.start)
                        start = anchor if anchor is not None else arrived
                        self._packager.begin_run(splitter.init, plan.target_duration, start, first)
                    for cut in segmenter.add(event):
                        await self._publish(cut)
            if segmenter.overflowed:
                raise self._too_long(plan)
        for cut in segmenter.flush():
            await self._publish(cut)

    async def _publish(self, cut: Cut) -> None:
        if not await self._packager.add(cut):
            self._dropped += 1
            return
        self._state, self._error = IngestState.LIVE, ""
        self._run_media = cut.start + cut.duration
        if self._run_media > self._burst:
            self._pace.append((asyncio.get_running_loop().time(), self._run_media))

    def _too_long(self, plan: Plan) -> _RunFailedError:
        name, limit = plan.source.name, plan.target_duration
        if plan.video is not Mode.COPY:
            return _RunFailedError(f"{name}: no key frame within the target duration of {limit} s")
        # After a long time it is a hiccup of the input; soon after the start it is how the input is made.
        self._copy = self._run_media >= COPY_TRIAL_SECONDS
        remedy = "copying again" if self._copy else "encoding it from here on"
        return _GopTooLongError(f"{name}: key frames further apart than {limit} s; {remedy}")

    def _speed(self) -> float:
        if len(self._pace) < 2 or self._state is not IngestState.LIVE:
            return 0.0
        (began, first), (now, last) = self._pace[0], self._pace[-1]
        return (last - first) / (now - began) if now > began else 0.0


async def _feed(process: Process, supply: Supply) -> None:
    """Carry a publisher's media to ffmpeg, until either ends."""
    with suppress(OSError):  # ffmpeg has ended: its exit code tells more
        data = await supply.begin()
        if supply.alone:
            await process.write(data)
            process.end_input()
        while not supply.alone:
            if data:
                await process.write(data)
            data = await supply.read()
            if not data:
                break
    if supply.alone:
        with suppress(OSError):
            while await supply.read():
                pass
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await process.wait()
        except TimeoutError:
            await process.stop()
    process.end_input()


def _check_file(source: Source) -> None:
    """A file that is not there now will not be found by retrying; raises :class:`IngestError`."""
    if source.kind is not SourceKind.FILE:
        return
    path = Path(sources.path_of(source))
    if not path.exists():
        raise IngestError(f"{path} does not exist")
    if path.is_dir():
        raise IngestError(f"{path} is a folder: give a file, or serve it with 'live-torrent serve --feed'")
    if not os.access(path, os.R_OK):
        raise IngestError(f"{path} cannot be read: permission denied")


def _plain(line: str) -> str:
    """Without the ``[demuxer @ 0x55…]`` that ffmpeg puts in front."""
    return re.sub(r"^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+", "", line)
