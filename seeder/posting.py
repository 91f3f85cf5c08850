"""One POST to a server that the operator named: hooks that are asked, hooks that are told.

The address is asked that was given: no proxy of the environment's, no cookies, no redirects. Of an answer
only so much is read as is of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import aiohttp

from seeder import __version__


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes
    whole: bool
    """There was no more than that."""


class Posts:
    """Holds connections; opened by the first request, good again after :meth:`close`."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """``most``: bytes of the answer that are read. As long as it takes: the caller has the clock, and
        cancelling is safe. What goes wrong is an OSError or an :class:`aiohttp.ClientError`, whose words may
        hold the address: say :func:`why`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": f"live-torrent/{__version__}", "Accept-Encoding": "identity"},
                auto_decompress=False,  # a few KiB can unpack to many MiB
            )
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            found = b""
            async for chunk in answer.content.iter_any():
                found += chunk
                if len(found) > most:
                    return Answer(answer.status, answer.headers, found[:most], False)
            return Answer(answer.status, answer.headers, found, True)

    async def close(self) -> None:
        """Idempotent."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def why(error: BaseException) -> str:
    """What may be said of an error."""
    return type(error).__name__


def host(url: str) -> str:
    """All that is said of an address: a query, or a path, may be a secret."""
    return urlsplit(url).hostname or ""


def loopback(name: str) -> bool:
    """A host of this machine's alone, by what it is called."""
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
