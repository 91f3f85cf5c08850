"""Extents of files → piece hashes, on several threads."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import BinaryIO

from seeder.baking.listing import Extent
from seeder.baking.state import Hashed
from seeder.baking.store import Folder
from seeder.feed.beneath import open_beneath, signature_of
from seeder.model import Span
from seeder.torrent.metainfo import MAX_LENGTH, piece_length

BLOCK = 256 << 10
"""Bytes read at a time: they are still in the core's cache when they are hashed. Pieces of large segments may
be longer, up to 1 MiB."""
AHEAD = 4
"""Extents waiting per thread: none is idle, and a stop waits for few."""
ATTEMPTS = 3
"""Times a file that changes while it is read is read again."""
TICK = 0.2
"""Seconds between two looks whether to stop."""


@dataclass(frozen=True, slots=True)
class Unhashed:
    """An extent that gets no torrent."""

    reason: str


class Stopped(Exception):
    """A signal asked us to stop."""


class Counter:
    """Bytes and extents hashed until now; any thread adds, any reads."""

    def __init__(self) -> None:
        self.bytes = 0
        self.extents = 0
        self._lock = threading.Lock()

    def add(self, count: int, extents: int = 0) -> None:
        with self._lock:
            self.bytes += count
            self.extents += extents


def threads() -> int:
    """One for each core we may use; beyond eight no disk keeps up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 8)


def unusable(extent: Extent, size: int) -> str | None:
    """Why an extent of a file of ``size`` bytes cannot have a torrent."""
    if extent.span is not None and extent.span.stop > size:
        return "ends before its byte range does"
    length = size if extent.span is None else extent.span.length
    if length > MAX_LENGTH:
        return f"is larger than {MAX_LENGTH >> 20} MiB"
    return None if length else "is empty"


def hash_all(
    folder: Folder,
    extents: Iterable[Extent],
    counter: Counter,
    stopped: Callable[[], bool],
    tick: Callable[[], None] = lambda: None,
    workers: int | None = None,
) -> Generator[tuple[Extent, Hashed | Unhashed], None, None]:
    """Each of ``extents`` with what came of it, as they are done: more or less in order.

    ``tick`` is called now and then. Raises :class:`Stopped` soon after ``stopped()`` holds; closing the
    generator ends the threads, too.
    """
    workers = workers or threads()
    ending = threading.Event()
    todo = iter(extents)
    done: SimpleQueue[tuple[Extent, Future[Hashed | Unhashed]]] = SimpleQueue()
    pending = 0
    with ThreadPoolExecutor(workers, thread_name_prefix="bake") as pool:
        try:
            while True:
                while pending < workers * AHEAD and (extent := next(todo, None)) is not None:
                    future = pool.submit(hash_one, folder, extent, counter, ending)
                    future.add_done_callback(partial(_into, done, extent))
                    pending += 1
                if not pending:
                    return
                tick()
                if stopped():
                    raise Stopped
                try:
                    extent, future = done.get(timeout=TICK)
                except Empty:
                    continue
                pending -= 1
                yield extent, future.result()
        finally:
            ending.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _into(
    done: SimpleQueue[tuple[Extent, Future[Hashed | Unhashed]]],
    extent: Extent,
    future: Future[Hashed | Unhashed],
) -> None:
    done.put((extent, future))


def hash_one(folder: Folder, extent: Extent, counter: Counter, ending: threading.Event) -> Hashed | Unhashed:
    """Never raises for what a file can do."""
    for _ in range(ATTEMPTS):
        counted = 0
        place = folder.place(extent.path)
        if place is None:
            return Unhashed("is not there")
        try:
            with open_beneath(folder.root, place) as handle:
                before = signature_of(os.fstat(handle.fileno()))
                span = extent.span or Span(0, before.size)
                if (reason := unusable(extent, before.size)) is not None:
                    return Unhashed(reason)
                pieces = bytearray()
                handle.seek(span.start)
                for hashes, count in _hash(handle, span.length, piece_length(span.length), ending):
                    pieces += hashes
                    counted += count
                    counter.add(count)
                if signature_of(os.fstat(handle.fileno())) == before:
                    counter.add(0, 1)
                    return Hashed(before.size, before.mtime_ns, span.length, bytes(pieces))
        except OSError as error:
            return Unhashed(f"cannot be read ({error.strerror or error})")
        counter.add(-counted)
    return Unhashed("is being written")


_local = threading.local()


def _buffer(size: int) -> memoryview:
    """This thread's own: fresh memory for each file would cost as much as hashing a tenth of it."""
    buffer: memoryview | None = getattr(_local, "buffer", None)
    if buffer is None or len(buffer) < size:
        buffer = _local.buffer = memoryview(bytearray(size))
    return buffer[:size]


def _hash(handle: BinaryIO, length: int, size: int, ending: threading.Event) -> Iterator[tuple[bytes, int]]:
    """Hashes of the next pieces, and how many bytes they are of. OSError where the file ends too soon."""
    buffer = _buffer(max(size, BLOCK))
    left = length
    while left:
        if ending.is_set():
            raise OSError("stopped")
        want = min(len(buffer), left)
        filled = 0
        while filled < want:
            count = handle.readinto(buffer[filled:want])  # type: ignore[attr-defined]
            if not count:
                raise OSError("it became shorter")
            filled += count
        hashes = (hashlib.sha1(buffer[at : min(at + size, want)]).digest() for at in range(0, want, size))
        yield b"".join(hashes), want
        left -= want
