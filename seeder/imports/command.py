"""The command: a file or a folder in, a VOD of the feed out, an exit code."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click

from seeder import machine
from seeder.config import Config
from seeder.imports.convert import Made, Wish, check_readable
from seeder.imports.make import make, title_from
from seeder.imports.workshop import check_name, workshop
from seeder.recording.about import Recording
from seeder.stopping import ABORTED, Stopper

FRAME, PACE = 0.2, 10.0
"""Seconds between two pictures of a terminal, or two lines of a log."""

logger = logging.getLogger(__name__)


def run_import(path: Path, name: str, title: str, feed: Path, config: Config, stopper: Stopper) -> int:
    """The exit code: 0, or as after any Ctrl-C when it was stopped, for then nothing is there."""
    check_readable(path)
    check_name(feed, name)
    wish = Wish(path, config.ladder, config.encoder, config.ffmpeg, config.segment_seconds)
    progress = Progress(sys.stderr, logger.info, sys.stderr.isatty())
    stopper.on_first = lambda: logger.info("stopping …")

    async def body() -> tuple[Recording, Made]:
        with workshop(feed) as folder:
            stopper.on_abort = lambda: _abort(folder)
            stopper.attach()
            try:
                title_ = title or title_from(path.name)
                return await make(wish, feed, name, title_, folder, progress.show)
            finally:
                progress.clear()
                stopper.detach()

    began = time.monotonic()
    try:
        recording, made = asyncio.run(body())
    except asyncio.CancelledError:
        if not stopper.asked:
            raise
        logger.info("stopped; nothing of it is there")
        return ABORTED
    click.echo(_sum(recording, made, time.monotonic() - began))
    return 0


def _abort(folder: Path) -> None:
    machine.kill_children()
    shutil.rmtree(folder, ignore_errors=True)


def _sum(recording: Recording, made: Made, seconds: float) -> str:
    written = made.written
    how = "copied" if made.copied else "encoded"
    speed = f", {recording.duration / seconds:.1f} × real time" if seconds > 0 else ""
    jumps = f", {written.discontinuities} discontinuities" if written.discontinuities else ""
    return (
        f"{recording.name}: {recording.duration:.1f} s in {recording.segments:,} segments, "
        f"{recording.bytes / 1e6:,.1f} MB, pictures {how}{jumps} ({seconds:.1f} s{speed})"
    )


class Progress:
    """One line of a terminal that the next one replaces, or a line of the log now and then."""

    def __init__(
        self,
        stream: TextIO,
        log: Callable[[str], None],
        terminal: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._log = log
        self._terminal = terminal
        self._clock = clock
        self._said = -PACE
        self._there = False

    def show(self, share: float | None, detail: str) -> None:
        now = self._clock()
        if now - self._said < (FRAME if self._terminal else PACE):
            return
        self._said = now
        line = detail if share is None else f"{share * 100:3.0f} %  {detail}"
        if self._terminal:
            # A line that wraps could not be taken back.
            self._stream.write(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")
            self._stream.flush()
            self._there = True
        else:
            self._log(line)

    def clear(self) -> None:
        if self._there:
            self._stream.write("\r\033[K")
            self._stream.flush()
            self._there = False
