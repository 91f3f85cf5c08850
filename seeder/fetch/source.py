"""A URL or a path, and who fetches it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from seeder.fetch.fetched import STALL, Fetched, Validators
from seeder.fetch.files import Files
from seeder.fetch.http import Http
from seeder.model import Span

__all__ = ["Fetched", "Source", "open_source", "to_url"]


class Source(Protocol):
    """An asynchronous context manager that fetches."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *info: object) -> None: ...
    async def get(
        self,
        url: str,
        *,
        limit: int,
        timeout: float = 30.0,
        known: Validators | None = None,
        span: Span | None = None,
        quiet: float = STALL,
    ) -> Fetched: ...


def to_url(where: str) -> str:
    """``where`` itself if it is a URL, else the ``file:`` URL of a local path."""
    if urlsplit(where).scheme in ("http", "https", "file"):
        return where
    return Path(where).expanduser().absolute().as_uri()


def open_source(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    allow_private: bool = False,
    verify: bool = True,
) -> Source:
    """The source of a URL (see :func:`to_url`) that the operator named."""
    if urlsplit(url).scheme == "file":
        return Files(Path(unquote(urlsplit(url).path)).parent)
    return Http([url], headers=headers, allow_private=allow_private, verify=verify)
