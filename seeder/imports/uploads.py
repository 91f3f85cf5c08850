"""Uploads that may be broken off and gone on with, on disk: what has come of each, and its bytes.

    ID.json    what it is to become; written whole, or not at all
    ID.data    its bytes so far, in order: how long the file is, is how much has come

So nothing has to be noted while bytes come in, and after a crash the file says where to go on. What comes
with a checksum counts once that was right: until then the JSON says where the file really ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from seeder.errors import LiveTorrentError
from seeder.imports.convert import spare
from seeder.ingest.storage import write_atomically

MOST = 32
"""Uploads that are not complete, each for a day and an open file: what one operator sends at once."""
EXPIRY = 24 * 3600.0
"""Seconds after its last byte until what is not complete is thrown away: a laptop was closed overnight."""
AT_ONCE = 1 << 20
"""Bytes held of one upload, and written at once: a thread's turn costs as much as copying 64 KiB."""
LOOK = 64 << 20
"""Bytes between two looks at the disk."""
QUIET = 2.0
"""Seconds without a byte after which a second request for the same upload is taken for the first one's client
come back, whose connection is dead without our knowing."""
MOMENT = 1.0
"""Seconds that it waits for the first one to end, whose connection was just broken."""
ALGORITHMS = ("sha1", "sha256", "md5")
"""Of checksums."""
_ID = re.compile(r"[0-9a-f]{32}")

log = logging.getLogger(__name__)
Checksum = tuple[str, bytes]
"""Algorithm and digest."""


class UploadError(LiveTorrentError):
    """``status``: HTTP's for who asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GoneError(Exception):
    """Who sends has gone, or is silent; what came is kept."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an upload is to become."""

    filename: str = ""
    name: str = ""
    """The VOD's; empty: one like the file's."""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    id: str
    """Random: a URL that cannot be guessed, though it opens nothing without the token."""
    length: int
    """Bytes when it is complete."""
    metadata: str
    """Upload-Metadata as it was given, to be given back."""
    wanted: Wanted
    expires: float
    """Unix seconds."""
    task: str = ""
    """What makes a VOD of it."""
    certain: int | None = None
    """Bytes that count while something with a checksum is under way."""
    used: bool = False
    """It became what it was to become, or never will: its bytes are gone."""


@dataclass(slots=True)
class _Writer:
    task: asyncio.Task[Any] | None
    heard: float
    """Loop time of its last bytes."""


class Uploads:
    """One feed's, in ``folder``. Lives on the event loop's thread. ``limit``: bytes of one; ``clock``: Unix
    seconds."""

    def __init__(self, folder: Path, limit: int, *, clock: Callable[[], float] = time.time) -> None:
        self.limit = limit
        self.complete = asyncio.Event()
        """Set when one has become complete."""
        self.ready = False
        """What an earlier run left is known."""
        self._folder = folder
        self._clock = clock
        self._uploads: dict[str, Upload] = {}
        self._offsets: dict[str, int] = {}
        self._writers: dict[str, _Writer] = {}
        self._saving = asyncio.Lock()

    def load(self) -> None:
        """What an earlier run left. Blocking; before anything else."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        for path in self._folder.glob("*.json"):
            upload = _read(path)
            if upload is None:
                log.warning("%s is no upload of ours: left alone", path)
                continue
            data = path.with_suffix(".data")
            if upload.certain is not None:
                with contextlib.suppress(OSError):
                    os.truncate(data, min(upload.certain, data.stat().st_size))
            size = data.stat().st_size if data.exists() else 0
            self._uploads[upload.id] = upload
            self._offsets[upload.id] = upload.length if upload.used else min(size, upload.length)
        self.ready = True

    def all(self) -> tuple[Upload, ...]:
        return tuple(self._uploads.values())

    def get(self, id: str) -> Upload:
        """Raises :class:`UploadError`."""
        self._check()
        upload = self._uploads.get(id)
        if upload is None or upload in self.expired():
            raise UploadError(404, "no such upload: it has ended, or was broken off for too long")
        return upload

    def _check(self) -> None:
        if not self.ready:
            raise UploadError(503, "uploads cannot be taken now: try again in a moment")

    def offset(self, upload: Upload) -> int:
        """Bytes that have come."""
        return self._offsets[upload.id]

    def path(self, upload: Upload) -> Path:
        """Its bytes."""
        return self._folder / f"{upload.id}.data"

    async def create(self, length: int, metadata: str, wanted: Wanted) -> Upload:
        """Raises :class:`UploadError`."""
        self._check()
        if length > self.limit:
            raise UploadError(413, f"at most {self.limit:,} bytes can be uploaded (upload_limit)")
        if length == 0:
            raise UploadError(400, "an empty file is no media")
        if sum(not self.done(upload) for upload in self.all()) >= MOST:
            raise UploadError(429, f"{MOST} uploads are under way: complete or delete one first")
        coming = sum(upload.length - self.offset(upload) for upload in self.all())
        if spare(self._folder) < coming + length:
            raise UploadError(507, "the disk has no room for it beside what is live")
        upload = Upload(secrets.token_hex(16), length, metadata, wanted, self._clock() + EXPIRY)
        try:
            await asyncio.to_thread(self.path(upload).touch, 0o600)
            async with self._saving:
                await self._save(upload)
        except OSError as error:
            raise UploadError(507, f"it cannot be noted: {error.strerror or error}") from error
        self._offsets[upload.id] = 0
        return upload

    def done(self, upload: Upload) -> bool:
        """It is complete."""
        return self.offset(upload) >= upload.length

    async def write(
        self, id: str, offset: int, pieces: AsyncIterator[bytes], checksum: Checksum | None = None
    ) -> Upload:
        """``pieces`` go behind the ``offset`` bytes that are there. ``checksum``: algorithm and digest of
        them all. Raises :class:`UploadError`; passes on :class:`GoneError` of ``pieces``, of which what came
        is kept, but for what a checksum could not be held against. Cancelling is safe."""
        upload = self.get(id)
        await self._alone(id)
        writer = self._writers[id] = _Writer(asyncio.current_task(), asyncio.get_running_loop().time())
        try:
            if offset != self.offset(upload):
                raise UploadError(409, f"it goes on at {self.offset(upload)}, not at {offset}")
            if checksum is not None:
                await self._change(id, certain=offset)
            try:
                await self._take(upload, writer, pieces, checksum)
            finally:
                await _whole(self._change(id, certain=None, expires=self._clock() + EXPIRY))
        except OSError as error:
            raise UploadError(507, f"it cannot be written: {error.strerror or error}") from error
        finally:
            if self._writers.get(id) is writer:
                del self._writers[id]
        if self.done(upload):
            self.complete.set()
        return self._uploads[id]

    async def _alone(self, id: str) -> None:
        """Nobody else writes it."""
        other = self._writers.get(id)
        if other is None or other.task is None:
            return
        await asyncio.wait({other.task}, timeout=MOMENT)
        if id not in self._writers:
            return
        if asyncio.get_running_loop().time() - other.heard < QUIET:
            raise UploadError(423, "another request writes it now")
        other.task.cancel()
        await asyncio.wait({other.task})
        if id in self._writers:
            raise UploadError(423, "another request writes it now")

    async def _take(
        self,
        upload: Upload,
        writer: _Writer,
        pieces: AsyncIterator[bytes],
        checksum: tuple[str, bytes] | None,
    ) -> None:
        start = at = self.offset(upload)
        digest = None if checksum is None else hashlib.new(checksum[0], usedforsecurity=False)
        looked, held = at, bytearray()
        file = await asyncio.to_thread(os.open, self.path(upload), os.O_WRONLY)
        try:

            async def flush() -> None:
                nonlocal at, held
                data, held = bytes(held), bytearray()
                await _whole(asyncio.to_thread(_write, file, data, at))
                at += len(data)
                if checksum is None:
                    self._offsets[upload.id] = at

            try:
                async for piece in pieces:
                    writer.heard = asyncio.get_running_loop().time()
                    if at + len(held) + len(piece) > upload.length:
                        raise UploadError(413, f"it is longer than the {upload.length:,} bytes announced")
                    held += piece
                    if digest is not None:
                        digest.update(piece)
                    if len(held) >= AT_ONCE:
                        await flush()
                        if at - looked >= LOOK:
                            looked = at
                            if spare(self._folder) < 0:
                                raise UploadError(507, "the disk is full: what came is kept")
            finally:
                if held:
                    await flush()
            if checksum is not None and digest is not None:
                if digest.digest() != checksum[1]:
                    raise UploadError(460, "its checksum is another one: what came is thrown away")
                self._offsets[upload.id] = at
        finally:
            if at > self._offsets[upload.id]:
                await _whole(asyncio.to_thread(os.truncate, file, start))
            os.close(file)

    async def begun(self, upload: Upload, task: str) -> None:
        """``task`` makes a VOD of it. OSError."""
        await self._change(upload.id, task=task)

    async def use_up(self, upload: Upload) -> None:
        """Its bytes are needed no more; that it was there is known until it expires. OSError."""
        await asyncio.to_thread(self.path(upload).unlink, missing_ok=True)
        await self._change(upload.id, used=True)

    async def remove(self, id: str) -> None:
        """Forget it, and its bytes; whoever writes it is stopped. OSError."""
        upload = self._uploads.get(id)
        if upload is None:
            return
        if (writer := self._writers.get(id)) is not None and writer.task is not None:
            writer.task.cancel()
            await asyncio.wait({writer.task})
        async with self._saving:
            self._uploads.pop(id, None)
            self._offsets.pop(id, None)
            for path in (self._folder / f"{id}.json", self.path(upload)):
                await asyncio.to_thread(path.unlink, missing_ok=True)

    def expired(self) -> tuple[Upload, ...]:
        """Those that nobody goes on with. What is complete and not yet used stays."""
        now = self._clock()
        late = (one for one in self.all() if one.expires <= now and one.id not in self._writers)
        return tuple(upload for upload in late if upload.used or not self.done(upload))

    async def _change(self, id: str, **what: Any) -> None:
        async with self._saving:
            if id in self._uploads:
                await self._save(replace(self._uploads[id], **what))

    async def _save(self, upload: Upload) -> None:
        data = orjson.dumps(asdict(upload))
        await asyncio.to_thread(write_atomically, self._folder / f"{upload.id}.json", data)
        self._uploads[upload.id] = upload


async def _whole(work: Any) -> None:
    """Is done when this returns, cancelled or not: what a thread writes late would be somebody else's."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def _write(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view, at = view[written:], at + written


def _read(path: Path) -> Upload | None:
    try:
        found = orjson.loads(path.read_bytes())
        wanted = Wanted(**found.pop("wanted"))
        upload = Upload(**found, wanted=wanted)
        sane = upload.id == path.stem and _ID.fullmatch(upload.id) and int(upload.length) > 0
        return upload if sane else None
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return None
