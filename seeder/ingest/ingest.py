"""Runs ffmpeg for one stream, again and again, until it is cancelled or a finite input has ended."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path, PurePosixPath

from seeder.backoff import Backoff
from seeder.errors import IngestError
from seeder.ingest import sources
from seeder.ingest.binary import Binary, find
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import BURST_SINCE, make_plan
from seeder.ingest.encoders import ENCODERS, SOFTWARE, Encoder
from seeder.ingest.packager import Packager
from seeder.ingest.plan import Launch, Plan
from seeder.ingest.playing import Playing, opened
from seeder.ingest.probe import Probe
from seeder.ingest.probing import look
from seeder.ingest.retirer import Retire
from seeder.ingest.run import CopyFailedError, OverloadedError, Run, RunFailedError, plain
from seeder.ingest.sources import Source, SourceKind
from seeder.ingest.steps import Step, costliest
from seeder.ingest.supply import Supply
from seeder.ingest.trial import choose, hevc_works
from seeder.ladder import CODECS, Choice

HEALTHY = 3  # segments of a run after which a failure counts as a first one
BURST_SEGMENTS = 3  # a player wants three before it starts; so many are made up for after an interruption
BURST_MARGIN = 0.25  # seconds: the key frame that completes the third must be in the burst too
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
    rungs: tuple[str, ...] = ()
    """The variants of the ladder that are made now, best first: ``720p``; empty without one."""
    shed: tuple[str, ...] = ()
    """What was given up because this machine could not keep up: a line for each variant."""


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
        self._loop = config.loop
        self._playing: Playing | None = None
        if supply is None:
            self._playing = opened(config.input, PurePosixPath(Path.cwd().as_posix()))
            self._source = self._playing.source
            if self._playing.several:  # each once, then the next
                self._config = replace(config, loop=False)
        else:
            self._source = sources.published(supply.name, supply.format, supply.options, supply.varies)
        self._packager = Packager(
            feed / config.stream, config.variant, config.window, clock, retire, config.dvr
        )
        self._backoff = Backoff(dice)
        self._probe: Probe | None = None  # of the last run, while that was healthy
        self._plan: Plan | None = None
        self._copy = True  # until copying proves impossible
        self._state = IngestState.STARTING
        self._restarts = 0
        self._dropped = 0
        self._error = ""
        self._encoder: Encoder = ENCODERS[SOFTWARE]
        self._shed: dict[str, str] = {}  # variants given up: folder and what is said of it
        self._run: Run | None = None

    def status(self) -> IngestStatus:
        return IngestStatus(
            state=self._state,
            input=self._source.name,
            mode=self._plan.video.value if self._plan else "",
            restarts=self._restarts,
            segments=self._packager.segments,
            dropped=self._dropped + (self._run.dropped if self._run else 0),
            last_error=self._packager.last_error or self._error or "; ".join(self._shed.values()),
            speed=self._run.pace.speed if self._run and self._state is IngestState.LIVE else 0.0,
            rungs=tuple(step.label for step in self._plan.steps) if self._plan else (),
            shed=tuple(self._shed.values()),
        )

    @property
    def pid(self) -> int | None:
        """Of the ffmpeg that runs now."""
        return self._run.pid if self._run else None

    async def run(self) -> None:
        """Until cancelled, or until an input that is not looped has ended.

        Cancelling stops ffmpeg politely, within about three seconds, and leaves a valid playlist. Raises
        :class:`IngestError` when nothing can come of it: no ffmpeg, a file that does not exist or cannot be
        read at the start, a folder that cannot be used, an encoder that does not work here.
        """
        if self._playing is None or not self._playing.several:
            _check_file(self._source)
        binary = await find(self._config.ffmpeg)
        if self._config.encoder != SOFTWARE:
            self._encoder = await choose(binary, self._config.encoder)
        if any(rung.codec != CODECS[0] for rung in self._config.ladder.rungs):
            await hevc_works(binary)
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
            if self._playing is not None and self._playing.several:
                if self._packager.segments == before:
                    return await self._skip(f"{self._source.name} holds nothing to play", False)
                return not self._go_on()
            if not plan.loop and (plan.paced or self._source.kind is SourceKind.STDIN):
                return True
            if self._supply is not None and self._supply.turned:
                self._probe = None if self._supply.unlike else self._probe
                return False
            if self._supply is not None and self._supply.ended:
                return True
            error = f"{self._source.name} ended"
        except CopyFailedError as failure:
            log.warning("%s", failure)
            self._copy = failure.again
            self._restarts += 1
            self._probe = None
            return False
        except OverloadedError as failure:
            self._give_up(str(failure))
            self._restarts += 1
            return False
        except (RunFailedError, IngestError) as failure:
            error = str(failure)
            if self._playing is not None and self._playing.several:
                return await self._skip(error, self._packager.segments > before)
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

    def _go_on(self) -> bool:
        """To the next of several inputs; False: that was the last."""
        assert self._playing is not None
        more = self._playing.next(self._loop)
        self._source, self._probe, self._copy = self._playing.source, None, True
        return more

    async def _skip(self, error: str, played: bool) -> bool:
        """One of several inputs cannot be played, or not to its end. True when there is no other. Raises
        :class:`IngestError` when none was ever played."""
        assert self._playing is not None
        self._playing.failed = 0 if played else self._playing.failed + 1
        hopeless = self._playing.hopeless
        if hopeless and self._packager.segments == 0:
            raise IngestError(f"none of {len(self._playing.items)} inputs can be played; the last: {error}")
        log.warning("%s; going on with the next input", error)
        self._error = error
        if hopeless:
            self._state = IngestState.RETRYING
            await asyncio.sleep(self._backoff.failed())
        self._restarts += 1
        return not self._go_on()

    def _is_final(self, failure: Exception) -> bool:
        """Whether a first run that came to nothing is worth no second one. A server may come up later, and so
        may a publisher; a file that cannot be read stays as it is, and so does what a publisher sends."""
        return self._source.kind is not SourceKind.URL or bool(HOPELESS.search(str(failure)))

    async def _make_plan(self, binary: Binary) -> Plan:
        source = self._source
        if self._probe is None and self._supply is not None and self._supply.tells:
            known = await self._supply.told()
            if known is None:
                raise RunFailedError(f"{source.name}: no media came")
            source = self._source = replace(source, varies=known.varies)
            self._probe = known.probe
        elif self._probe is None and source.can_be_opened_twice:
            probe, complaint = await look(binary, source, self._supply)
            if complaint:
                raise RunFailedError(f"{source.name}: {plain(complaint)}")
            source = replace(source, analysis=probe.analysis)
            if self._playing is not None:
                source, probe = self._playing.completed(source, probe)
            self._source, self._probe = source, probe
        target_duration = self._packager.target_duration
        plan = make_plan(
            source, self._probe, self._config, target_duration, self._copy,
            encoder=self._encoder, lost=self._shed.keys(), cores=_cores(),
        )  # fmt: skip
        if plan.segment_seconds < self._config.segment_seconds:
            log.warning(
                "stream %s keeps its target duration of %d s for life: segments of %g s, not %g s; "
                "another length needs another stream name",
                self._config.stream, target_duration, plan.segment_seconds, self._config.segment_seconds,
            )  # fmt: skip
        if plan != self._plan and source.kind is not SourceKind.PICTURE:
            reason = f" ({plan.why})" if plan.why else ""
            log.info("%s: video %s%s, audio %s", source.name, plan.video.value, reason, plan.audio.value)
        if plan != self._plan and plan.steps:
            log.info("%s: variants %s", self._config.stream, ", ".join(map(_described, plan.steps)))
        elif plan != self._plan and self._config.ladder.choice is not Choice.OFF:
            log.info("%s: one variant, for there is no picture", self._config.stream)
        self._plan = plan
        return plan

    async def _one_run(self, binary: Binary, plan: Plan) -> None:
        """Returns when ffmpeg has ended well; raises :class:`RunFailedError` otherwise."""
        launch, anchor = self._launch(plan, binary)
        run = self._run = Run(
            plan, self._config.variant, self._packager,
            launch=launch, anchor=anchor, stall=self._config.stall, clock=self._clock,
            sheds=costliest(plan.steps) is not None, published=self._published,
        )  # fmt: skip
        try:
            await run.go(binary, self._supply)
        finally:
            self._dropped += run.dropped
            run.dropped = 0

    def _published(self) -> None:
        self._state, self._error = IngestState.LIVE, ""
        if self._playing is not None:
            self._playing.failed = 0

    def _give_up(self, why: str) -> None:
        """The costliest variant, until this program is started again: the calm after it is gone says nothing
        about how it would be with it."""
        made = self._plan.steps if self._plan else ()
        lost = costliest(made)
        if lost is not None:
            rest = ", ".join(step.label for step in made if step is not lost)
            self._shed[lost.folder] = f"{lost.label} is given up: {why}"
            log.warning("%s: %s: %s is given up, %s go on", self._config.stream, why, lost.label, rest)

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


def _cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _described(step: Step) -> str:
    how = "copied" if step.copied else f"{step.audio_bitrate if step.sound else step.bitrate:,} bit/s"
    return f"{step.label} ({how})"
