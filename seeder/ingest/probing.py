"""Look at an input before it is planned for: ffmpeg prints what is inside and copies a little of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from seeder.errors import IngestError
from seeder.ingest.binary import Binary
from seeder.ingest.cmaf import Fragment, Splitter
from seeder.ingest.encoder import probe_arguments
from seeder.ingest.probe import GopMeter, Probe, parse
from seeder.ingest.process import Process, running
from seeder.ingest.sources import Source, SourceKind
from seeder.ingest.supply import Supply

OPEN_SECONDS = 15.0  # to connect and find the streams
FILE_SECONDS = (
    120.0  # of a file's media are looked at: an encoder's GOP pattern shows, a film is not read whole
)
LIVE_SECONDS = 12.0  # of a live input: two GOPs of any encoder whose stream could be copied
LINES = 400  # of what ffmpeg prints: a broadcast multiplex has some hundred streams
LIVE_IDRS = 2  # of a live input: viewers wait while we look; a GOP that grows later shows then
# Seconds of a live input that ffmpeg looks at to know what there is; the longer one where a stream is
# announced that did not show in the shorter: sound that begins late. RTMP announces nothing that counts, and
# nginx gives the picture from the next key frame on.
ANALYSES = (1.0, 5.0)
IDR_MARGIN = 0.5  # seconds more than a GOP, in which a run that starts in the middle of one meets the next


async def look(binary: Binary, source: Source, supply: Supply | None = None) -> tuple[Probe, str]:
    """What is inside, and ffmpeg's last complaint when nothing is (credentials masked). Safe to cancel.

    ``supply``: a publisher's media, of which nothing is taken.
    ``longest_gop`` is None where the video is not H.264 or shows no IDR picture in time.
    """
    if source.kind is SourceKind.FILE:
        return await _look(binary, source, supply)
    for analysis in ANALYSES:
        probe, complaint = await _look(binary, replace(source, analysis=analysis), supply)
        if complaint or (probe.complete and not may_have_more(source, probe)):
            break
    least = min((probe.longest_gop or 0.0) + IDR_MARGIN, ANALYSES[-1])
    return replace(probe, analysis=max(analysis, least)), complaint


def may_have_more(source: Source, probe: Probe) -> bool:
    """Whether a track that did not show may come yet, though none was announced."""
    # An RTMP address is read through ffmpeg's concat demuxer, which is the container then.
    is_flv = probe.container == "flv" or source.target.lower().startswith("rtmp")
    return source.kind is SourceKind.URL and is_flv and None in (probe.video, probe.audio)


async def _look(binary: Binary, source: Source, supply: Supply | None) -> tuple[Probe, str]:
    live = source.kind is not SourceKind.FILE
    meter = GopMeter()
    arguments = probe_arguments(source, LIVE_SECONDS if live else FILE_SECONDS)
    idrs = LIVE_IDRS if live else 0
    if source.varies is not None:
        idrs = 1  # it is encoded whatever its key frames are like
    async with (
        running(binary.path, arguments, script=source.script, keep=LINES) as process,
        _feeding(process, supply),
    ):
        with contextlib.suppress(
            TimeoutError, IngestError
        ):  # IngestError: not H.264 in MP4, so no GOP to measure
            async with asyncio.timeout(OPEN_SECONDS):
                await _measure(process, meter, idrs)
        if live:
            await process.stop(unread=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await process.wait()
        lines = process.lines
    probe = parse("\n".join(lines))
    complaint = "" if probe.container else (lines[-1] if lines else "ffmpeg gave up without a word")
    measured = replace(probe, longest_gop=meter.longest(), bitrate=meter.bitrate(), reordered=meter.reordered)
    return measured, complaint


async def _measure(process: Process, meter: GopMeter, enough: int) -> None:
    splitter = Splitter()
    while data := await process.read():
        meter.add(event for event in splitter.feed(data) if isinstance(event, Fragment))
        if enough and meter.idrs >= enough:
            return


@contextlib.asynccontextmanager
async def _feeding(process: Process, supply: Supply | None) -> AsyncIterator[None]:
    """``process`` gets what ``supply`` holds and will hold, while the block lasts."""
    if supply is None:
        yield
        return

    async def feed(supply: Supply) -> None:
        with contextlib.suppress(OSError):  # it has seen enough
            async for data in supply.look():
                await process.write(data)
        process.end_input()

    task = asyncio.create_task(feed(supply))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
