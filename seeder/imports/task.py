"""Imports behind an answer: each complete upload becomes a task of the kind ``import``, and a VOD."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seeder.config import Config
from seeder.errors import IngestError
from seeder.events import Events
from seeder.imports.convert import Wish
from seeder.imports.make import make, name_from, title_from
from seeder.imports.uploads import Upload, UploadError, Uploads
from seeder.recording.about import Recording, load
from seeder.tasks import FullError, Job, Tasks

KIND = "import"
LOOK = 30.0
"""Seconds between two looks at what has expired, or waits for a task."""
SOON = 1.0
"""… while uploads cannot be taken yet."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Importing:
    """One server's."""

    feed: Path
    config: Callable[[], Config]
    """What is in force now."""
    uploads: Uploads
    tasks: Tasks
    events: Events
    beginning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Each upload gets one task."""
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """What an earlier run left is known: its tasks begin anew as soon as they are."""

    async def work(self, job: Job) -> Mapping[str, object]:
        """An upload's task: see :data:`seeder.tasks.task.Work`."""
        request, name = job.task.request, job.task.about
        await self.loaded.wait()
        try:
            upload = self.uploads.get(str(request.get("upload")))
        except UploadError:
            upload = None
        # Begun again after it was there: the server ended between the two.
        recording = await asyncio.to_thread(load, self.feed / name) if job.task.begun > 1 else None
        warnings: list[str] = []
        if recording is None or recording.started < job.task.created:
            if upload is None or upload.used:
                raise IngestError("what was uploaded is gone")
            recording, warnings = await self._make(job, upload)
        if upload is not None:
            await self._used(upload)
        return {
            "name": recording.name,
            "duration": recording.duration,
            "bytes": recording.bytes,
            "warnings": warnings[:20],
        }

    async def _make(self, job: Job, upload: Upload) -> tuple[Recording, list[str]]:
        config, wanted, name = self.config(), upload.wanted, job.task.about
        wish = Wish(
            self.uploads.path(upload), config.ladder, config.encoder, config.ffmpeg,
            config.segment_seconds, called=wanted.filename or name,
        )  # fmt: skip
        title = wanted.title or title_from(wanted.filename)
        try:
            recording, made = await make(wish, self.feed, name, title, job.folder, job.tell)
        except IngestError:
            await self._used(upload)  # another try would come to the same
            raise
        self.events.emit("recording.ready", name=name, of="", duration=recording.duration)
        return recording, made.warnings

    async def _used(self, upload: Upload) -> None:
        try:
            await self.uploads.use_up(upload)
        except OSError as error:
            log.warning("an upload cannot be deleted: %s", error.strerror or error)

    async def begin(self, upload: Upload) -> Upload:
        """A complete one's task; once. Raises :class:`~seeder.tasks.FullError`, OSError."""
        async with self.beginning:
            return await self._begin(self.uploads.get(upload.id))

    async def _begin(self, upload: Upload) -> Upload:
        if upload.task:
            return upload
        known = next((task for task in self.tasks.all() if task.request.get("upload") == upload.id), None)
        if known is None:
            name = upload.wanted.name or await asyncio.to_thread(name_from, upload.wanted.filename, self.feed)
            known = await self.tasks.start(KIND, name, {"upload": upload.id})
        await self.uploads.begun(upload, known.id)
        return self.uploads.get(upload.id)

    async def run(self) -> None:
        """Begins what could not be begun, and clears away what nobody needs; until cancelled.

        Not before the tasks are known: an upload whose task is not is thrown away. They are not while another
        server works in this feed (one that is about to stop, say), and then its uploads are its own, too."""
        while True:
            await self.tasks.ready()
            try:
                if not self.tasks.warning:
                    if not self.uploads.ready:
                        await asyncio.to_thread(self.uploads.load)
                    self.loaded.set()
                    await self._look()
            except (FullError, OSError) as error:
                log.warning("uploads wait: %s", error)
            try:
                async with asyncio.timeout(LOOK if self.uploads.ready else SOON):
                    await self.uploads.complete.wait()
            except TimeoutError:
                pass
            self.uploads.complete.clear()

    async def _look(self) -> None:
        for upload in self.uploads.expired():
            log.info("an upload was broken off for too long, or is long done: %s", upload.id)
            await self.uploads.remove(upload.id)
        for upload in self.uploads.all():
            if upload.used or not self.uploads.done(upload):
                continue
            begun = await self.begin(upload)
            task = self.tasks.get(begun.task)
            if task is None or task.state.over:  # cancelled, or forgotten
                await self._used(begun)
