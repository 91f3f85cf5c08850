"""The command: a recording's folder in, one file out, an exit code. No server has to run."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import sys
import tempfile
from pathlib import Path

import click

from seeder import machine
from seeder.config import Config
from seeder.errors import ConfigError
from seeder.hls.names import MASTER, is_playlist
from seeder.imports.command import Progress
from seeder.ingest.binary import find
from seeder.recording import about
from seeder.recording.export import Export, Made
from seeder.recording.export_formats import ExportError
from seeder.recording.export_source import Source, Wanted, read
from seeder.recording.exports import check_room, file_name
from seeder.stopping import ABORTED, Stopper

logger = logging.getLogger(__name__)


def moment(text: str | None, flag: str) -> float | None:
    """Seconds, of ``75``, ``1:15``, ``1:02:03.5``; ConfigError."""
    if text is None:
        return None
    match = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9}(?:\.\d{1,6})?)", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f"{flag}: seconds, or H:MM:SS, are needed, not {text!r}")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + float(match[3])


def run_export(
    where: Path, out: Path | None, wanted: Wanted, config: Config, stopper: Stopper, *, force: bool
) -> int:
    """The exit code: 0, or as after any Ctrl-C when it was stopped, for then nothing is there. ``out``:
    ``None``: in this folder, named after the recording."""
    folder, playlist = (where.parent, where.name) if is_playlist(where.name) else (where, MASTER)
    folder = folder.resolve()
    if not (folder / playlist).is_file():
        raise ExportError(f"{where} is no recording: its folder, or a playlist of HLS, is needed")
    target = (out or Path(file_name(folder.name or "recording", wanted))).absolute()
    if target.exists() and not force:
        raise ConfigError(f"{target.name} is there already: name another file with -o, or say --force")
    if not target.parent.is_dir():
        raise ConfigError(f"-o: there is no folder {target.parent}")
    source = read(folder, wanted, playlist)
    check_room(source, target.parent)
    recording = about.load(folder)
    progress = Progress(sys.stderr, logger.info, sys.stderr.isatty())
    stopper.on_first = lambda: logger.info("stopping …")
    room = _room(target)
    stopper.on_abort = lambda: _abort(room)

    async def body() -> Made:
        stopper.attach()
        try:
            ffmpeg = (await find(config.ffmpeg)).path
            title = "" if recording is None else recording.title
            file, made = await Export(source, ffmpeg, room, progress.show, title).run()
            await asyncio.to_thread(file.replace, target)
            return made
        finally:
            progress.clear()
            stopper.detach()

    try:
        made = asyncio.run(body())
    except asyncio.CancelledError:
        if not stopper.asked:
            raise
        logger.info("stopped; nothing of it is there")
        return ABORTED
    finally:
        shutil.rmtree(room, ignore_errors=True)
    click.echo(_sum(target, source, made))
    if made.note:
        logger.warning(made.note)
    return 0


def _room(target: Path) -> Path:
    """A folder beside the file that is to be: on its disk."""
    try:
        return Path(tempfile.mkdtemp(prefix=f".{target.name[:60]}.", dir=target.parent))
    except OSError as error:
        raise ConfigError(f"cannot write into {target.parent}: {error.strerror or error}") from None


def _abort(room: Path) -> None:
    machine.kill_children()
    shutil.rmtree(room, ignore_errors=True)


def _sum(target: Path, source: Source, made: Made) -> str:
    part = "" if source.wanted.whole else f", from {made.start:.3f} to {made.stop:.3f} s"
    return f"{target.name}: {made.stop - made.start:.1f} s, {made.bytes / 1e6:,.1f} MB{part}"
