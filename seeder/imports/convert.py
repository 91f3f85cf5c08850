"""Media in, a finished VOD out: the ingest's ffmpeg at full speed, into a folder that nobody sees yet.

It is the live path but for time: nothing is paced, GOPs may be longer than a viewer of something live would
like (so that more is copied), and an ffmpeg that fails is not begun again. It steps back behind live work
(``nice``), and stops before the disk is full.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from seeder.errors import IngestError
from seeder.imports.film import Film, Written
from seeder.imports.gather import gather
from seeder.ingest import sources
from seeder.ingest.binary import Binary, find
from seeder.ingest.config import IngestConfig
from seeder.ingest.encoder import make_plan
from seeder.ingest.encoders import ENCODERS, SOFTWARE, Encoder
from seeder.ingest.plan import Launch, Plan
from seeder.ingest.probing import look
from seeder.ingest.run import CopyFailedError, Run, RunFailedError, plain
from seeder.ingest.sources import Source
from seeder.ingest.trial import choose, hevc_works
from seeder.ladder import CODECS, OFF, Ladder
from seeder.recording.disk import AMPLE, RESERVE, SHARE

TARGET_DURATION = 12
"""Seconds of a GOP that is copied, at most: x264's default is one of 250 frames, and nobody waits for the end
of a segment."""
HEIGHT = 1080
"""Lines of what is encoded, at most; more than live, for it need not be done in real time."""
STALL = 120.0
"""Seconds without a byte after which ffmpeg hangs: it is to give way to everything else on this machine."""
LOOK = 64
"""Segments between two looks at the disk: some hundred MB at most."""
FORMATS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "mpegts", "mpeg", "flv", "avi", "asf"),
    *(
        "ogg",
        "mxf",
        "gxf",
        "wav",
        "mp3",
        "aac",
        "flac",
        "aiff",
        "h264",
        "hevc",
        "ivf",
        "rm",
        "nut",
        "dv",
        "gif",
    ),
    *("mpegvideo", "m4v", "ac3", "eac3", "dts", "caf", "w64", "amr", "ape", "wv", "wtv", "swf"),
)
"""ffmpeg's demuxers of media. Not those of lists (HLS, DASH, concat, …): what somebody uploaded is not to
have other files of this machine, or of servers, read."""

log = logging.getLogger(__name__)
Tell = Callable[[float | None, str], None]
"""(0 to 1, ``None`` for unknown; a line of what is being done)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be made of what."""

    path: Path
    """A media file, or a folder of WebM chunks."""
    ladder: Ladder = OFF
    encoder: str = SOFTWARE
    ffmpeg: Path | None = None
    segment_seconds: float = 2.0
    called: str = ""
    """The media's name for people; empty: its path's."""

    @property
    def name(self) -> str:
        return self.called or self.path.name


@dataclass(slots=True)
class Made:
    """What came of it."""

    written: Written
    began: float
    """Unix seconds that its EXT-X-PROGRAM-DATE-TIME count from: when it was imported."""
    copied: bool
    """Its pictures are the input's own."""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Tools:
    binary: Binary
    encoder: Encoder
    config: IngestConfig


async def convert(wish: Wish, folder: Path, tell: Tell) -> Made:
    """The VOD is in ``folder`` / ``vod`` then. ``folder`` is empty, on the feed's file system, and the
    caller's to clear away. Safe to cancel. Raises :class:`IngestError`, in one line, when nothing can come of
    it."""
    check_readable(wish.path)
    tell(None, "looking at it")
    tools = await _tools(wish)
    warnings: list[str] = []
    inputs: Sequence[tuple[Source, float | None]]
    if wish.path.is_dir():
        inputs = await asyncio.to_thread(gather, wish.path, folder / "parts", warnings.append)
    else:
        inputs = ((_file(wish.path), None),)
    for copy in (True, False):
        began = time.time()
        try:
            shutil.rmtree(folder / "vod", ignore_errors=True)
            return await _attempt(wish, folder / "vod", inputs, tools, copy, began, tell, list(warnings))
        except CopyFailedError as error:
            log.info("%s: %s", wish.name, _words(error, wish))
    raise AssertionError("what is encoded is not copied")


def check_readable(path: Path) -> None:
    """Raises :class:`IngestError`."""
    try:
        if path.is_dir():
            os.scandir(path).close()
        elif not path.is_file():
            raise IngestError(f"{path} {'is no file' if path.exists() else 'does not exist'}")
        elif path.stat().st_size == 0:
            raise IngestError(f"{path.name} is empty")
        else:
            path.open("rb").close()
    except OSError as error:
        raise IngestError(f"{path} cannot be read: {error.strerror or error}") from error


def _file(path: Path) -> Source:
    source = sources.classify(f"file:{path.resolve()}", PurePosixPath("/"))
    return replace(source, options=("-format_whitelist", ",".join(FORMATS)))


async def _tools(wish: Wish) -> _Tools:
    binary = await find(wish.ffmpeg)
    encoder = ENCODERS[SOFTWARE] if wish.encoder == SOFTWARE else await choose(binary, wish.encoder)
    if any(rung.codec != CODECS[0] for rung in wish.ladder.rungs):
        await hevc_works(binary)
    config = IngestConfig(
        "import", str(wish.path), segment_seconds=wish.segment_seconds, ladder=wish.ladder,
        encoder=wish.encoder, loop=False, end=True, max_height=HEIGHT, stall_seconds=STALL,
    )  # fmt: skip
    return _Tools(binary, encoder, config)


async def _attempt(
    wish: Wish, folder: Path, inputs: Sequence[tuple[Source, float | None]], tools: _Tools,
    copy: bool, began: float, tell: Tell, warnings: list[str],
) -> Made:  # fmt: skip
    """Raises :class:`CopyFailedError` where it has to be done again, encoding."""
    total: float | None = None
    copied = True

    def written(seconds: float) -> None:
        if film.segments % LOOK == 1 and spare(folder.parent) < 0:
            raise IngestError("the disk is nearly full: what is left is for what is live")
        share = None if not total else min(0.999, seconds / total)
        tell(share, f"{_clock(seconds)} of {_clock(total)}" if total else _clock(seconds))

    film = Film(folder, began, written)
    for number, (given, _) in enumerate(inputs):
        source = replace(given, called=wish.name)
        try:
            plan, duration = await _plan(source, tools, copy)
            total = duration if len(inputs) == 1 else sum(each or 0.0 for _, each in inputs)
            before = film.segments
            await Run(
                plan, "v0", film, launch=Launch(burst=math.inf), anchor=began,
                stall=tools.config.stall, clock=time.time, behind=True,
            ).go(tools.binary, None)  # fmt: skip
            copied = copied and not plan.why
            if film.segments == before and len(inputs) > 1:
                warnings.append(f"nothing of part {number + 1} of {len(inputs)} can be played")
        except CopyFailedError:
            raise
        except RunFailedError as error:
            if len(inputs) == 1:
                raise IngestError(_words(error, wish)) from error
            warnings.append(f"part {number + 1} of {len(inputs)}: {_words(error, wish)}")
    return Made(await film.finish(), began, copied, warnings)


async def _plan(source: Source, tools: _Tools, copy: bool) -> tuple[Plan, float | None]:
    """… and how long it is, seconds. Raises :class:`RunFailedError`."""
    probe, complaint = await look(tools.binary, source)
    if complaint:
        raise RunFailedError(plain(complaint))
    try:
        plan = make_plan(
            source,
            probe,
            tools.config,
            TARGET_DURATION,
            copy,
            encoder=tools.encoder,
            cores=os.cpu_count() or 1,
        )
    except IngestError as error:
        raise RunFailedError(str(error)) from error
    return replace(plan, paced=False, loop=False), probe.duration


def spare(folder: Path) -> int:
    """Bytes of its disk that imports may take: what is live, and recordings of it, keep theirs. Blocking, for
    a moment."""
    usage = shutil.disk_usage(folder)
    return int(usage.free - min(RESERVE, usage.total / SHARE) * AMPLE)


def _words(error: Exception, wish: Wish) -> str:
    """For people: without the place where an upload lies."""
    text = str(error).replace(f"file:{wish.path}", wish.name).replace(str(wish.path), wish.name)
    return text if wish.name in text else f"{wish.name}: {text}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
