"""Which encoder works on this machine: each is tried on a few frames, for a name in a list proves nothing."""

from __future__ import annotations

import asyncio
import logging

from seeder.errors import IngestError
from seeder.ingest.binary import Binary
from seeder.ingest.encoders import AUTO, ENCODERS, HEVC, Encoder, candidates, trial_arguments
from seeder.ingest.process import running

PATIENCE = 20.0  # seconds: a driver that is loaded for the first time

log = logging.getLogger(__name__)


async def choose(binary: Binary, asked: str) -> Encoder:
    """The encoder to use; raises :class:`IngestError` that lists those present when ``asked`` is not."""
    for encoder in candidates(asked):
        complaint = await _complaint(binary, encoder)
        if complaint is None:
            if asked == AUTO:
                log.info("encoding with %s", encoder.name)
            return encoder
    if asked == AUTO:
        raise IngestError(f"{binary.path} has no H.264 encoder that works here")
    others = [name for name in ENCODERS if name != asked]
    works = [name for name in others if await _complaint(binary, ENCODERS[name]) is None]
    listed = f"what works: {', '.join(works)}" if works else "and no other one does"
    raise IngestError(f"the encoder {asked} does not work here ({complaint}); {listed}")


async def hevc_works(binary: Binary) -> None:
    """Raises :class:`IngestError` where rungs in HEVC cannot be made."""
    if (complaint := await _complaint(binary, HEVC)) is not None:
        raise IngestError(f"no rung can be hevc here: {HEVC.name} does not work ({complaint}); h264 does")


async def _complaint(binary: Binary, encoder: Encoder) -> str | None:
    """Why ``encoder`` cannot be used; None when it can."""
    async with running(binary.path, trial_arguments(encoder)) as process:
        try:
            async with asyncio.timeout(PATIENCE):
                while await process.read():
                    pass
                code = await process.wait()
        except TimeoutError:
            return f"no frame in {PATIENCE:g} s"
        if code == 0:
            return None
        return process.lines[0] if process.lines else f"exit code {code}"
