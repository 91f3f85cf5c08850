"""What a relayed feed lists and nobody holds yet: fetched from home when a viewer asks, for all who do."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from seeder.errors import FetchError
from seeder.fetch.fetched import Fetched, Validators
from seeder.fetch.source import Source
from seeder.model import Copy, Span

LARGEST = 64 << 20
"""Bytes of one answer: ten seconds at 50 Mbit/s. Of a longer file players ask for ranges."""
ROOM = 64 << 20
"""Bytes kept: the segments, keys and init sections that viewers are at just now."""
MOST = 4096
"""Of those; keys are 16 bytes."""
UNDERWAY = 32
"""Fetched at once. A part that is only announced (EXT-X-PRELOAD-HINT) takes its time, one of a playlist."""
FRESH = 5.0
"""Seconds for which what was fetched is given again without a question: viewers of a live edge come together.
A key or init section may be another one after its publisher began anew."""
FAILED = 1.0
"""Seconds for which what failed is not tried again."""
TIMEOUT = 30.0

Key = tuple[str, Span | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    copy: Copy
    validators: Validators
    at: float


class Relay:
    """``held``: the bytes of a URL (and range), where they are in memory anyway."""

    def __init__(self, source: Source, held: Callable[[str, Span | None], bytes | None]) -> None:
        self._source = source
        self._held = held
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._bytes = 0
        self._failed: OrderedDict[Key, tuple[float, FetchError]] = OrderedDict()
        self._underway: dict[Key, asyncio.Task[Copy]] = {}
        self._slots = asyncio.Semaphore(UNDERWAY)

    def at_once(self, url: str, span: Span | None) -> Copy | None:
        """What is in memory and fresh."""
        if (data := self._held(url, span)) is not None:
            return Copy(data, "", _etag(data) if span is None else "")
        kept = self._kept.get((url, span))
        if kept is None or asyncio.get_running_loop().time() - kept.at > FRESH:
            return None
        self._kept.move_to_end((url, span))
        return kept.copy

    async def get(self, url: str, span: Span | None) -> Copy:
        """FetchError where it cannot be had. Cancelling is safe: the others go on waiting."""
        if (copy := self.at_once(url, span)) is not None:
            return copy
        key = url, span
        at, error = self._failed.get(key, (0.0, None))
        if error is not None and asyncio.get_running_loop().time() - at < FAILED:
            raise error
        task = self._underway.get(key)
        if task is None:
            task = self._underway[key] = asyncio.create_task(self._fetch(key), name="relay")
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)

    def close(self) -> None:
        for task in self._underway.values():
            task.cancel()

    async def _fetch(self, key: Key) -> Copy:
        url, span = key
        before = self._kept.get(key)
        async with self._slots:
            fetched = await self._source.get(
                url,
                limit=LARGEST,
                timeout=TIMEOUT,
                quiet=TIMEOUT,
                span=span,
                known=None if before is None else before.validators,
            )
        if fetched.status == 304 and before is not None:
            copy = before.copy
        else:
            copy = await asyncio.to_thread(_copy_of, fetched, span)
        self._keep(key, _Kept(copy, fetched.validators, asyncio.get_running_loop().time()))
        return copy

    def _over(self, key: Key, done: asyncio.Task[Copy]) -> None:
        del self._underway[key]
        error = None if done.cancelled() else done.exception()
        if isinstance(error, FetchError):
            self._failed[key] = asyncio.get_running_loop().time(), error
            while len(self._failed) > MOST:
                self._failed.popitem(last=False)

    def _keep(self, key: Key, kept: _Kept) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._bytes -= len(before.copy.data)
        self._kept[key] = kept
        self._bytes += len(kept.copy.data)
        while self._bytes > ROOM or len(self._kept) > MOST:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.copy.data)


def _copy_of(fetched: Fetched, span: Span | None) -> Copy:
    total = fetched.headers.get("content-range", "").rpartition("/")[2]
    return Copy(
        fetched.data,
        fetched.headers.get("content-type", ""),
        _etag(fetched.data),
        int(total) if span is not None and total.isascii() and total.isdigit() else None,
    )


def _etag(data: bytes) -> str:
    return f'"{hashlib.sha1(data).hexdigest()}"'
