"""The command: options in, lines out, an exit code."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from seeder.baking.bake import Bake, Ears, Options, Summary, many
from seeder.baking.hashing import Stopped
from seeder.baking.plan import Remarks, Work
from seeder.baking.progress import Progress, size
from seeder.baking.store import Folder
from seeder.baking.undo import undo
from seeder.config import Config
from seeder.errors import ConfigError, FeedError
from seeder.stopping import ABORTED, Stopper

logger = logging.getLogger(__name__)


def run_bake(where: str, config: Config, stopper: Stopper, *, dry_run: bool, undoing: bool) -> int:
    """The exit code: 0, or as after any Ctrl-C when it was stopped, for then it is not done."""
    folder = Folder(_folder(where, writing=not dry_run))
    if undoing:
        return _undo(folder, stopper, dry_run)
    if config.tracker is None:
        raise ConfigError(
            "bake needs --tracker wss://…: where viewers find each other (no live-torrent serves baked files)"
        )
    progress = Progress(sys.stderr, logger.info, sys.stderr.isatty())

    def tell(line: str) -> None:
        progress.clear()
        click.echo(line)

    options = Options(config.tracker, config.public_url, config.stun, config.terms)
    bake = Bake(folder, options, Ears(tell, progress.show, lambda: stopper.asked))
    try:
        if dry_run:
            _rehearsed(bake.rehearse())
        else:
            summary = bake.run()
    except Stopped:
        logger.info("stopped; nothing was changed")
        return ABORTED
    finally:
        progress.clear()
        _say(bake.remarks)
    if dry_run:
        return 0
    click.echo(_sum(summary))
    if summary.stopped:
        logger.info("stopped; what was hashed stays known: run it again to go on")
        return ABORTED
    return 0


def _undo(folder: Folder, stopper: Stopper, dry_run: bool) -> int:
    remarks = Remarks()
    try:
        done = undo(folder, remarks, click.echo, lambda: stopper.asked, dry_run)
    finally:
        _say(remarks)
    would = "would be " if dry_run else ""
    playlists, files = many(done.playlists, "playlist"), many(done.files, "file")
    click.echo(f"{playlists} {would}restored, {files} of ours {would}removed")
    return ABORTED if done.stopped else 0


def _rehearsed(work: Work) -> None:
    for stream in work.streams:
        click.echo(
            f"{stream.path}: {many(len(stream.playlists), 'playlist')}, "
            f"{many(work.segments[stream.path], 'segment')}"
        )
    new = f"{many(len(work.todo), 'segment')} of {size(work.todo_bytes)}"
    click.echo(
        f"would hash {new} ({len(work.known):,} known) "
        f"and write magnets into the playlists of {many(len(work.streams), 'stream')}; nothing was changed"
    )


def _sum(summary: Summary) -> str:
    rate = f", {size(int(summary.bytes / summary.seconds))}/s" if summary.hashed and summary.seconds else ""
    removed = f", {many(summary.removed, 'file')} removed" if summary.removed else ""
    return (
        f"{many(summary.streams, 'stream')}: {many(summary.hashed, 'segment')} hashed "
        f"({size(summary.bytes)} in {summary.seconds:.1f} s{rate}), {summary.known:,} known, "
        f"{many(summary.written, 'file')} written{removed}"
    )


def _say(remarks: Remarks) -> None:
    for number, line in enumerate(remarks.lines()):
        # Each as from a place of its own: of one place the log holds back all but the first few.
        logger.handle(logger.makeRecord(logger.name, logging.WARNING, __file__, -number, line, (), None))


def _folder(where: str, *, writing: bool) -> Path:
    path = Path(where)
    if not path.exists():
        raise FeedError(f"{where} does not exist: name a folder with finished HLS in it")
    if not path.is_dir():
        raise FeedError(f"{where} is not a folder: name the one that its playlists are in")
    if not os.access(path, os.R_OK | os.X_OK):
        raise FeedError(f"{where} is not readable by this user: chmod or chown it")
    if writing and not os.access(path, os.W_OK):
        raise FeedError(f"{where} is not writable by this user: playlists are replaced in place")
    return path.resolve()
