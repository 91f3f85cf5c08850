"""A recording, or a part of it, becomes one file: read, planned, and copied by one ffmpeg.

Nothing is encoded. A part begins at the key frame at or before what was asked for; of a recording whose
pictures or sound change in the middle (another size, another codec) the longest part of one kind is taken.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from seeder.errors import IngestError, LiveTorrentError
from seeder.hls.playlist import Segment
from seeder.ingest.process import Process, running
from seeder.recording import export_look
from seeder.recording.export_formats import ExportError, check
from seeder.recording.export_look import Look
from seeder.recording.export_plan import Run, script, sheets
from seeder.recording.export_source import Source, file_of, files_of
from seeder.tasks.quiet import quietly

BACK = 10
"""Segments to go back for a key frame: whoever has them further apart has made no recording to seek in."""
ROUNDED = 0.001
"""Seconds by which the first key frame may seem to be too early, in clocks of another rate."""
STALL = 120.0
"""Seconds without any of the file growing: a disk that is busy has moved on by then."""
LOOKING = 60.0
"""Seconds for a look at one or two segments."""
STEP = 5.0
"""Seconds between two looks at whether it goes on, where ffmpeg is silent."""

Tell = Callable[[float | None, str], None]
"""0 to 1, and what is done now."""


@dataclass(frozen=True, slots=True)
class Made:
    start: float
    """Seconds: where it really begins."""
    stop: float
    bytes: int
    note: str
    """What is not as it was asked for; a line, or empty."""


@dataclass(frozen=True, slots=True)
class Part:
    """What ffmpeg is to copy."""

    runs: tuple[Run, ...]
    skip: float = 0.0
    """Seconds of time stamps from the first one on up to the key frame that it begins with, as decoded."""
    start: float = 0.0
    stop: float = 0.0
    note: str = ""


class Export:
    """One, in a folder of its own (``room``: empty, exists)."""

    def __init__(self, source: Source, ffmpeg: str, room: Path, tell: Tell, title: str = "") -> None:
        self._source = source
        self._ffmpeg = ffmpeg
        self._room = room
        self._tell = tell
        self._title = title
        self._looks: dict[tuple[Segment, ...], Look] = {}

    async def run(self) -> tuple[Path, Made]:
        """The file, in ``room``. Cancelling ends ffmpeg."""
        self._tell(None, "looking at the recording")
        part = await self._part()
        part = await self._of_one_kind(part)
        files = await asyncio.to_thread(files_of, self._source, part.runs)
        entries = await self._entries(part.runs)
        out = self._room / f"out.{self._source.format.name}"
        try:
            await self._copy(part, entries, out)
            made = await self._length(out)
        except LiveTorrentError:
            await self._unchanged(part, files)
            raise
        await self._unchanged(part, files)
        seconds = part.stop - part.start
        each = [one.duration for run in part.runs for one in run.main]
        # Durations may be whole seconds.
        slack = 2.0 + len(each) * (0.5 if all(one == int(one) for one in each) else 0.05)
        if abs(made - seconds) > slack:
            raise ExportError(
                f"{made:.1f} s came out of {seconds:.1f} s: its time stamps jump where there is no "
                "EXT-X-DISCONTINUITY, or parts of it are damaged"
            )
        size = (await asyncio.to_thread(out.stat)).st_size
        stop = part.start + made if self._source.wanted.whole else min(part.stop, part.start + made)
        return out, Made(round(part.start, 3), round(stop, 3), size, part.note)

    async def _unchanged(self, part: Part, files: Mapping[str, tuple[int, int]]) -> None:
        """What goes away meanwhile, ffmpeg leaves out with a warning, or ends for that."""
        if await asyncio.to_thread(files_of, self._source, part.runs) != files:
            raise ExportError("the recording changed while it was being exported")

    # --- which part --------------------------------------------------------------------------------

    async def _part(self) -> Part:
        source, wanted = self._source, self._source.wanted
        if wanted.whole:
            return Part(source.runs, 0.0, 0.0, source.seconds)
        start = wanted.start or 0.0
        stop = source.seconds if wanted.stop is None else min(wanted.stop, source.seconds)
        chosen = [run for run in source.runs if run.stop > start and run.start < stop]
        first = chosen[0]
        number, skip, begins = await self._key(first, start)
        # A picture of the segment behind may be shown before the last one of it: one more is read.
        last = chosen[-1].at(stop) + 1
        cut: tuple[Run, ...]
        if len(chosen) == 1:
            cut = (first.cut(number, last),)
        else:
            cut = (first.cut(number, len(first.main)), *chosen[1:-1], chosen[-1].cut(0, last))
        return Part(cut, skip, begins, stop)

    async def _key(self, run: Run, start: float) -> tuple[int, float, float]:
        """Of the key frame at or before ``start``: its segment, seconds of time stamps up to it in there, and
        where it is in the recording."""
        number = run.at(start)
        for at in range(number, max(-1, number - BACK), -1):
            one = run.cut(at, at)
            look = await self._look(one)
            picture = look.track("video")
            if picture is None:  # sound can begin anywhere
                return number, max(0.0, start - one.start), start
            until = picture.start + start - one.start + 0.001
            if keys := [key for key in picture.keys if key[0] <= until]:
                shown, decoded = keys[-1]
                return at, max(0.0, decoded - look.start), one.start + shown - picture.start
        return 0, 0.0, run.start

    async def _of_one_kind(self, part: Part) -> Part:
        """The longest stretch of runs with the same pictures and sound."""
        looks = [await self._look(run.first()) for run in part.runs]
        stretches: list[list[int]] = []
        for number, look in enumerate(looks):
            self._tell(None, "looking at the recording")
            if not stretches or look.shape != looks[number - 1].shape:
                stretches.append([])
            stretches[-1].append(number)
        best = max(stretches, key=lambda stretch: sum(part.runs[number].seconds for number in stretch))
        check(self._source.format, (track.codec for track in looks[best[0]].chosen))
        if len(stretches) == 1:
            return part
        border = stretches[1][0]
        at = part.runs[border].start
        before, after = (_shown(looks[number]) for number in (border - 1, border))
        change = f"at {at:.1f} s it changes from {before} to {after}, which one file cannot hold"
        if not self._source.wanted.whole:
            raise ExportError(f"{change}: ask for a part on one side of that")
        first, last = part.runs[best[0]], part.runs[best[-1]]
        note = f"{change}: this is its longest part of one kind"
        return Part(part.runs[best[0] : best[-1] + 1], 0.0, first.start, last.stop, note)

    async def _entries(self, chosen: Sequence[Run]) -> list[tuple[str, float | None]]:
        """For the list that ffmpeg reads; the playlists are written."""
        entries: list[tuple[str, float | None]] = []
        for number, run in enumerate(chosen):
            opened = await asyncio.to_thread(self._write, run, f"r{number}")
            if number + 1 == len(chosen):
                entries.append((opened, None))
                break
            first, last = await self._look(run.first()), await self._look(run.last())
            following = await self._look(chosen[number + 1].first())
            entries.append((opened, export_look.length(first, last, following)))
        return entries

    # --- ffmpeg ------------------------------------------------------------------------------------

    async def _look(self, run: Run) -> Look:
        known = (*run.main, *run.sound)
        if (look := self._looks.get(known)) is not None:
            return look
        opened = await asyncio.to_thread(self._write, run, "look")
        arguments = (
            *_QUIET, *_READING, "-copyts", "-i", opened,
            "-map", "0", "-c", "copy", "-f", "framecrc", "pipe:1",
        )  # fmt: skip
        program, rest = quietly(self._ffmpeg, arguments)
        text = bytearray()
        async with running(program, rest, cwd=self._room) as process:
            try:
                async with asyncio.timeout(LOOKING):
                    while data := await process.read():
                        text += data
                    await process.wait()
            except TimeoutError:
                raise ExportError("its segments cannot be read: ffmpeg came to a standstill") from None
            try:
                look = self._looks[known] = export_look.parse(text.decode(errors="replace"))
            except ExportError:
                if process.lines:
                    raise ExportError(f"its segments cannot be read: {_clean(process.lines[-1])}") from None
                raise
        return look

    async def _copy(self, part: Part, entries: Sequence[tuple[str, float | None]], out: Path) -> None:
        (self._room / "list").write_text(script(entries), "utf-8")
        seconds = part.stop - part.start
        clip: tuple[str, ...] = ()
        if not self._source.wanted.whole:
            clip = ("-ss", f"{max(0.0, part.skip - ROUNDED):.6f}", "-t", f"{seconds:.6f}")
        arguments = (
            *_QUIET, "-progress", "pipe:1", *_READING, "-f", "concat", "-i", "list",
            *("-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-bsf:a", _ONCE, "-map_metadata", "-1"),
            *self._tags(part.runs[0]), *clip, *self._source.format.arguments, out.name,
        )  # fmt: skip
        program, rest = quietly(self._ffmpeg, arguments)
        async with running(program, rest, cwd=self._room) as process:
            await self._follow(process, seconds, out)
            try:
                async with asyncio.timeout(STALL):
                    code = await process.wait()
            except TimeoutError:
                code = -1
            if code:
                lines = process.lines
                if any("No space left" in line for line in lines):
                    raise ExportError("the disk is full", 507)
                why = _clean(lines[-1]) if lines else "no reason given"
                raise IngestError(f"ffmpeg could not make it: {why}")

    async def _length(self, file: Path) -> float:
        """Seconds of a file, which ffmpeg can read."""
        program, rest = quietly(self._ffmpeg, ("-hide_banner", *_READING, "-i", file.name))
        async with running(program, rest, cwd=self._room, keep=200) as process:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKING):
                    await process.wait()
            found = _LENGTH.search("\n".join(process.lines))
        if found is None:
            raise IngestError("ffmpeg made a file that it cannot read")
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])

    def _tags(self, first: Run) -> tuple[str, ...]:
        look = self._looks[(*first.first().main, *first.first().sound)]
        picture = look.track("video")
        apple = ("-tag:v", "hvc1") if picture is not None and picture.codec == "hevc" else ()
        tag = apple if self._source.wanted.format == "mp4" else ()
        return (*tag, "-metadata", f"title={self._title}") if self._title else tag

    async def _follow(self, process: Process, seconds: float, out: Path) -> None:
        """Until it has said all; :class:`ExportError` where it does not go on."""
        clock = asyncio.get_running_loop().time
        said, came, since, before = "", 0.0, clock(), (0.0, (0, 0))
        while True:
            data: bytes | None = None
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP):
                    data = await process.read()
            if data == b"":
                return
            if data:
                said = (said + data.decode(errors="replace"))[-4096:]
                if found := _TIME.findall(said):
                    came = max(came, int(found[-1]) / 1e6)
                share = min(came / seconds, 1.0) if seconds else 0.0
                # What remains is the index, which is put in front of all that was written.
                self._tell(share * 0.99, "writing the index" if share >= 0.999 else "copying")
            now = (came, await asyncio.to_thread(_state, out))
            if now != before:
                since, before = clock(), now
            elif clock() - since > STALL:
                raise ExportError("ffmpeg came to a standstill")

    # --- files -------------------------------------------------------------------------------------

    def _write(self, run: Run, stem: str) -> str:
        """Playlists of ``run``; the one to be opened. Blocking."""
        for name, text in sheets(run, self._source.choice, stem, self._name).items():
            (self._room / name).write_text(text, "utf-8")
        return f"{stem}.m3u8"

    def _name(self, playlist: str, uri: str) -> str:
        """What ffmpeg opens: a link in our folder, so that nothing in a path can mean anything to it."""
        path, file = file_of(self._source, playlist, uri)
        if _PLAIN.fullmatch(path):
            if not (link := self._room / "m").is_symlink():
                link.symlink_to(self._source.folder, target_is_directory=True)
            return f"m/{path}"
        with file.open("rb") as handle:
            suffix = "ts" if handle.read(1) == b"\x47" else "m4s"
        name = f"x{sha256(path.encode()).hexdigest()[:20]}.{suffix}"
        if not (link := self._room / name).is_symlink():
            link.symlink_to(file)
        return name


_QUIET = ("-hide_banner", "-nostats", "-loglevel", "warning", "-y")
_READING = (
    # Media from files and nothing else, whatever a segment says that it is.
    *("-protocol_whitelist", "file"),
    *("-format_whitelist", "concat,hls,mpegts,mov,mp4,m4a,3gp,3g2,mj2,aac,mp3,ac3,eac3,matroska,webm"),
)
_PLAIN = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/)*[A-Za-z0-9_][A-Za-z0-9_.-]*\.(?:ts|m4s|mp4|aac)", re.ASCII
)
_ONCE = r"noise=amount=0:drop=if(lt(pts+duration/2\,ld(0))\,1\,0*st(0\,pts+duration))"
"""A bitstream filter of ffmpeg's, which makes no noise here: sound that begins while the last one is heard is
left out. (Variable 0 is where that ends.)"""
_LENGTH = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_TIME = re.compile(r"^out_time_us=([0-9]+)$", re.MULTILINE)


def _shown(look: Look) -> str:
    return " and ".join(track.shown for track in look.chosen)


def _state(file: Path) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _clean(line: str) -> str:
    """A line of ffmpeg's without addresses of memory and of our disk."""
    line = re.sub(r"\[([^\]]*?) @ 0x[0-9a-f]+\]", r"[\1]", line)
    return re.sub(r"/[^\s':]*/", "", line)[:200]
