"""One life of one ffmpeg: its outputs, one for each variant, become segments in all of them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from seeder.errors import IngestError
from seeder.ingest.aligner import Aligner, MisalignedError
from seeder.ingest.binary import Binary
from seeder.ingest.cmaf import Fragment, InitSection, Splitter
from seeder.ingest.encoder import arguments
from seeder.ingest.overload import BUSY, Pace, effort
from seeder.ingest.plan import Launch, Mode, Plan
from seeder.ingest.process import Process, running
from seeder.ingest.segmenter import Cut
from seeder.ingest.sources import SourceKind
from seeder.ingest.supply import Supply

GOODBYE_SECONDS = 10.0  # for an ffmpeg that is told of the end by who sends it the media, to read it all
DRAIN_SECONDS = 2.0  # to write the last segment once ffmpeg has stopped; only a hung disk needs more
STARVED = 0.1  # of what usually comes meanwhile: an ffmpeg that got less is not stuck, its publisher is slow
LOOKS = 5  # at that, until an ffmpeg that gives nothing counts as stalled
STALL_SECONDS = 1.0  # to see whether an ffmpeg that gives nothing is at work
COPY_TRIAL_SECONDS = 60.0  # a GOP too long within this much copied media: the input does not fit after all


log = logging.getLogger(__name__)


class RunFailedError(Exception):
    """A run ended as it should not; the message is for people."""


class CopyFailedError(RunFailedError):
    """Copying made no segments, or none that fit. ``again``: it did so long enough to try it once more."""

    def __init__(self, message: str, again: bool) -> None:
        super().__init__(f"{message}; {'copying again' if again else 'encoding it from here on'}")
        self.again = again


class OverloadedError(RunFailedError):
    """This machine does not keep up; the message says by how much."""


class Shelf(Protocol):
    """Where the segments go: a :class:`~seeder.ingest.packager.Packager`, or whoever keeps them otherwise."""

    def begin_run(
        self, inits: Mapping[str, InitSection], target_duration: int, anchor: float, media_start: float
    ) -> None: ...

    async def add(self, cuts: Mapping[str, Cut]) -> bool: ...


class Run:
    """``name`` is the only variant's, where the plan has no ladder. ``anchor`` is the Unix time of the first
    sample, None where it follows from the first fragment's arrival. ``sheds``: something can be given up when
    this machine cannot keep up. ``published`` is called after each segment. ``behind``: everything else on
    this machine goes first."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        packager: Shelf,
        *,
        launch: Launch,
        anchor: float | None,
        stall: float,
        clock: Callable[[], float],
        sheds: bool = False,
        published: Callable[[], None] = lambda: None,
        behind: bool = False,
    ) -> None:
        self.plan = plan
        self.pid: int | None = None
        """Of the ffmpeg that runs now."""
        self.dropped = 0
        """Segments that the disk did not take."""
        self.pace = Pace(plan.segment_seconds)
        self._launch = launch
        self._packager = packager
        self._anchor = anchor
        self._stall = stall
        self._clock = clock
        self._sheds = sheds
        self._published = published
        self._behind = behind
        self._names = plan.variants or (name,)
        sounds = {step.folder: step.sound for step in plan.steps} or {name: False}
        self._splitters = {name: Splitter(by_time=bool(plan.steps)) for name in self._names}
        self._aligner = Aligner(sounds, plan.segment_seconds, plan.target_duration)
        self._first: float | None = None  # media time of the leader's first sample
        self._begun = False
        self._media = 0.0  # seconds of media of the run, published
        self._said = False  # that it falls behind
        self._supply: Supply | None = None  # while ffmpeg is given what comes from there
        self._given = 0  # bytes
        self._publishing = asyncio.Lock()  # fair: segments stay in order

    async def go(self, binary: Binary, supply: Supply | None) -> None:
        """Returns when ffmpeg has ended well; raises :class:`RunFailedError` otherwise. Cancelled, it stops
        ffmpeg politely."""
        plan = self.plan

        def given(pipes: tuple[int, ...]) -> list[str]:
            launch = Launch(self._launch.burst, self._launch.clock, pipes)
            return arguments(plan, launch, binary.version)

        own_stdin = plan.source.kind is SourceKind.STDIN
        async with running(
            binary.path, given, own_stdin=own_stdin, script=plan.source.script, outputs=len(self._names),
            behind=self._behind,
        ) as process:  # fmt: skip
            self.pid = process.pid
            feeder = None if supply is None else asyncio.create_task(self._feed(process, supply))
            # The pump is a task of its own: when we are cancelled, it goes on to the end of ffmpeg's output.
            pump = asyncio.create_task(self._pump(process))
            try:
                await asyncio.shield(pump)
            except OverloadedError:
                raise  # its last words would take it longer than to begin anew
            except (asyncio.CancelledError, RunFailedError):
                await process.stop()
                raise
            finally:
                self.pid = None
                if not pump.done():
                    await asyncio.wait([pump], timeout=DRAIN_SECONDS)
                tasks = [task for task in (pump, feeder) if task is not None]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            code = await process.wait()
            if code != 0:
                words = plain(process.lines[-1]) if process.lines else ""
                how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
                raise RunFailedError(
                    f"{plan.source.name}: ffmpeg ended ({how}){': ' if words else ''}{words}"
                )

    async def _pump(self, process: Process) -> None:
        """Carry all of ffmpeg's outputs to the packager until they end; none waits for another."""
        readers = [
            asyncio.create_task(self._read(process, number, name)) for number, name in enumerate(self._names)
        ]
        try:
            await asyncio.wait(readers, return_when=asyncio.FIRST_EXCEPTION)
            for reader in readers:
                if reader.done():
                    reader.result()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, process: Process, number: int, name: str) -> None:
        plan, splitter = self.plan, self._splitters[name]
        waits = plan.source.listens or plan.source.kind is SourceKind.STDIN  # for a publisher, for ever
        before, looks = 0, 0
        while True:
            wait = None if waits and splitter.init is None else self._stall / LOOKS
            try:
                async with asyncio.timeout(wait):
                    data = await process.read(number)
            except TimeoutError:
                # What comes all at once behind a pause takes ffmpeg a moment.
                looks = 0 if self._starved(before) else looks + 1
                if looks < LOOKS:
                    continue
                raise await self._stalled() from None
            if not data:
                break
            before, looks = self._given, 0
            for event in splitter.feed(data):
                if isinstance(event, Fragment):
                    self._note_first(name, event)
                    await self._publish(lambda event=event: self._aligner.add(name, event))  # type: ignore[misc]
            if self._aligner.overflowed:
                raise self._too_long()
        await self._publish(lambda: self._aligner.end(name))

    def _note_first(self, name: str, fragment: Fragment) -> None:
        if self._first is None and fragment.span is not None and name == self._names[0]:
            self._first = fragment.span.start
            if self._anchor is None:
                self._anchor = self._clock() - (fragment.span.end - fragment.span.start)

    async def _publish(self, cuts: Callable[[], list[dict[str, Cut]]]) -> None:
        async with self._publishing:
            try:
                segments = cuts()
            except MisalignedError as error:
                raise self._misaligned(error) from error
            for segment in segments:
                await self._add(segment)

    async def _add(self, segment: dict[str, Cut]) -> None:
        if not self._begun and self._first is not None and self._anchor is not None:
            inits = {name: init for name in segment if (init := self._splitters[name].init) is not None}
            self._packager.begin_run(inits, self.plan.target_duration, self._anchor, self._first)
            self._begun = True
        if not await self._packager.add(segment):
            self.dropped += 1
            return
        self._published()
        cut = segment[self._names[0]]
        self._media = cut.start + cut.duration - (self._first or 0.0)
        if self._media > self._launch.burst:
            self._measure()

    def _measure(self) -> None:
        plan = self.plan
        now = asyncio.get_running_loop().time()
        self.pace.observe(now, self._media, effort(self.pid) if self.pid is not None else None)
        ours = plan.source.kind in (SourceKind.FILE, SourceKind.PICTURE)  # what ffmpeg reads at its own pace
        if not self.pace.overloaded(ours):
            return
        why = f"this machine encodes at {self.pace.speed:.2f} × real time"
        if self._sheds:
            raise OverloadedError(why)
        if not self._said:
            self._said = True
            log.warning("%s: %s, and there is nothing to give up", plan.source.name, why)

    async def _feed(self, process: Process, supply: Supply) -> None:
        """Carry a publisher's media to ffmpeg, until either ends."""
        with suppress(OSError):  # ffmpeg has ended: its exit code tells more
            data = await supply.begin()
            if supply.alone:
                await process.write(data)
                process.end_input()
            self._supply = None if supply.alone else supply
            while not supply.alone:
                if data:
                    self._given += len(data)
                    await process.write(data)
                data = await supply.read()
                if not data:
                    break
        self._supply = None
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

    def _starved(self, before: int) -> bool:
        """Whether a publisher's line is what gives nothing: since ``before`` so little has come that a new
        ffmpeg would have no more of it, and would lose what is on its way to the next key frame."""
        if self._supply is None or not self._media:
            return False
        usual = before / self._media * self._stall
        return self._given - before + self._supply.size < STARVED * usual

    async def _stalled(self) -> RunFailedError:
        """One that works hard all the while is no dead one: there is too much for it to do."""
        before = effort(self.pid) if self._sheds and self.pid is not None else None
        if before is not None and self.pid is not None:
            await asyncio.sleep(STALL_SECONDS)
            after = effort(self.pid)
            if after is not None and after - before > BUSY * STALL_SECONDS:
                return OverloadedError(f"this machine encodes nothing within {self._stall:g} s")
        return RunFailedError(f"{self.plan.source.name}: ffmpeg stalled, no output for {self._stall:g} s")

    def _too_long(self) -> RunFailedError:
        name, limit = self.plan.source.name, self.plan.target_duration
        if self.plan.video is not Mode.COPY:
            return RunFailedError(f"{name}: no key frame within the target duration of {limit} s")
        # After a long time it is a hiccup of the input; soon after the start it is how the input is made.
        again = self._media >= COPY_TRIAL_SECONDS
        return CopyFailedError(f"{name}: key frames further apart than {limit} s", again)

    def _misaligned(self, error: IngestError) -> RunFailedError:
        message = f"{self.plan.source.name}: {error}"
        if self.plan.video is Mode.COPY:
            return CopyFailedError(message, self._media >= COPY_TRIAL_SECONDS)
        return RunFailedError(message)


def plain(line: str) -> str:
    """Without the ``[demuxer @ 0x55…]`` that ffmpeg puts in front."""
    return re.sub(r"^(\[[^\]]* @ 0x[0-9a-f]+\] ?)+", "", line)
