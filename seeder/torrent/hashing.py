"""Files and bytes → torrents, on a few threads of their own."""

from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO

from seeder.model import Span, Torrent
from seeder.torrent.metainfo import from_hashes, make_torrent, piece_length

WORKERS = 2
"""SHA-1 does 1 GB/s a core: one worker for the live segments while another is busy with a long VOD."""


class Hasher:
    """An async context manager; leaving it waits for at most one segment per worker."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="hash")

    async def __aenter__(self) -> Hasher:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def data(self, name: str, data: bytes) -> Torrent:
        """The torrent of bytes in memory; MetainfoError when empty or too large to be a segment."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, make_torrent, name, data)

    async def file(self, name: str, handle: BinaryIO) -> Torrent:
        """The torrent of an open file, read piece by piece; closes it. OSError, MetainfoError."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, hash_file, name, handle)

    async def part(self, name: str, handle: BinaryIO, span: Span) -> Torrent:
        """The torrent of a range of an open file, which stays open. OSError, MetainfoError."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, hash_part, name, handle, span)


def hash_file(name: str, handle: BinaryIO) -> Torrent:
    """As :meth:`Hasher.file`, here and now. A file that shrinks meanwhile is an OSError."""
    with handle:
        return hash_part(name, handle, Span(0, os.fstat(handle.fileno()).st_size))


def hash_part(name: str, handle: BinaryIO, span: Span) -> Torrent:
    """As :meth:`Hasher.part`, here and now. A file that ends before the range does is an OSError."""
    size = piece_length(span.length)
    hashes: list[bytes] = []
    buffer = memoryview(bytearray(min(size, max(span.length, 1))))
    handle.seek(span.start)
    left = span.length
    while left:
        want = min(size, left)
        got = _read_full(handle, buffer[:want])
        if got < want:
            raise OSError(f"{name} shrank while it was read")
        hashes.append(hashlib.sha1(buffer[:want]).digest())
        left -= want
    return from_hashes(name, span.length, hashes)


def _read_full(handle: BinaryIO, buffer: memoryview) -> int:
    filled = 0
    while filled < len(buffer):
        count = handle.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not count:
            break
        filled += count
    return filled
