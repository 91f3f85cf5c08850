"""``file:`` URLs, read as far as they stay beneath one folder."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from seeder.errors import FetchError
from seeder.fetch.fetched import STALL, Fetched, Validators
from seeder.model import Span


class Files:
    """A source. ``folder``: what lies beneath it, wherever links lead, may be read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *info: object) -> None:
        return None

    async def get(
        self,
        url: str,
        *,
        limit: int,
        timeout: float = 30.0,
        known: Validators | None = None,
        span: Span | None = None,
        quiet: float = STALL,
    ) -> Fetched:
        """As :meth:`seeder.fetch.http.Http.get`; a file's validator is its place, size and time."""
        return await asyncio.to_thread(self._read, url, limit, known, span)

    def _read(self, url: str, limit: int, known: Validators | None, span: Span | None) -> Fetched:
        started = time.monotonic()
        parts = urlsplit(url)
        if parts.scheme != "file":
            raise FetchError(f"a local playlist leads to {parts.scheme}:, which is not fetched", url)
        try:
            place = Path(unquote(parts.path)).resolve(strict=True)
            if not place.is_relative_to(self._folder):
                raise FetchError("leads out of the playlist's folder", url)
            with place.open("rb") as handle:
                if span is not None:
                    handle.seek(span.start)
                data = handle.read(limit + 1 if span is None else min(limit + 1, span.length))
            status = place.stat()
        except FileNotFoundError:
            raise FetchError("there is no such file", url, 404) from None
        except OSError as error:
            raise FetchError(error.strerror or str(error), url) from None
        if span is not None and len(data) < span.length:
            raise FetchError(f"{len(data)} of {span.length} bytes", url)
        if len(data) > limit:
            raise FetchError(f"more than {limit} bytes", url)
        etag = f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'
        if known is not None and known.etag == etag:
            return Fetched(url, url, 304, {"etag": etag})
        return Fetched(url, url, 200, {"etag": etag}, data, time.monotonic() - started)
