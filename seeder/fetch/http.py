"""HTTP(S) with bounds: where requests may go, how long they take, how much comes back.

Redirects are followed here and not by aiohttp: at each of them it is decided anew whether the host may be
private and whether it gets the operator's credentials. The address itself is looked at when the socket is
made, behind all resolving, so a name that answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from seeder import __version__
from seeder.errors import FetchError
from seeder.fetch.fetched import STALL, Fetched, Validators
from seeder.fetch.guard import is_public
from seeder.model import Span

MAX_REDIRECTS = 8
CONNECT_TIMEOUT = 10.0
"""Seconds for name, TCP and TLS together."""
PER_HOST = 160
"""Connections to one host. A server that lets reloads wait has one of each playlist (there are up to 128) all
the time, and segments come beside them; who uses this bounds those."""
_SECRET = ("authorization", "cookie", "proxy-authorization")
"""Header fields that only hosts get which the operator named."""
_REDIRECTS = (301, 302, 303, 307, 308)

Host = tuple[str, str, int | None]


class _PrivateError(OSError):
    pass


class Http:
    """A source. ``homes``: URLs the operator named; ``headers``: sent to all, secret ones home only."""

    def __init__(
        self,
        homes: Iterable[str] = (),
        *,
        headers: Mapping[str, str] | None = None,
        allow_private: bool = False,
        verify: bool = True,
    ) -> None:
        self._homes = {_host(url) for url in homes}
        self._logins = {_host(url): _login(url) for url in homes}
        self._headers = {name: value for name, value in (headers or {}).items() if value}
        self._allow_private = allow_private
        self._ssl: ssl.SSLContext | bool = True if verify else _unverified()
        self._stack = AsyncExitStack()
        self._home: aiohttp.ClientSession
        self._away: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar()
        self._home = await self._session(jar, guarded=False)
        # Cookies go where they came from; the jar sees to that.
        self._away = await self._session(jar, guarded=not self._allow_private)
        return self

    async def __aexit__(self, *info: object) -> None:
        await self._stack.aclose()

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
        """The bytes at ``url``, at most ``limit`` of them, within ``timeout`` seconds; FetchError otherwise.

        ``known``: what an earlier answer was marked with; if that holds, ``status`` is 304, ``data`` empty.
        ``span``: only that part of it; ``limit`` is then for a server that sends everything all the same.
        ``quiet``: seconds within ``timeout`` in which not a byte need come.
        Other statuses than 200, 206 and 304 are a FetchError with that ``status``.
        """
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(url, limit, known, span, quiet, started)
        except TimeoutError:
            raise FetchError(f"nothing came within {timeout:g} s", url) from None
        except aiohttp.ClientError as error:
            raise FetchError(_reason(error), url, private=_private(error)) from None
        except (OSError, ValueError) as error:
            raise FetchError(str(error) or type(error).__name__, url) from None

    async def _follow(
        self, url: str, limit: int, known: Validators | None, span: Span | None, quiet: float, started: float
    ) -> Fetched:
        at = url
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(at).scheme not in ("http", "https"):
                raise FetchError(f"leads to {urlsplit(at).scheme}:, which is not fetched", url)
            try:
                answer = await self._request(at, known, span, quiet)
            except aiohttp.ClientError as error:
                if at == url:
                    raise
                reason = f"leads to {urlsplit(at).hostname}: {_reason(error)}"
                raise FetchError(reason, url, private=_private(error)) from None
            async with answer as response:
                target = response.headers.get("Location")
                if response.status in _REDIRECTS and target:
                    at = urljoin(at, target)
                    continue
                return await _read(response, url, _public(at), limit, span, started)
        raise FetchError(f"more than {MAX_REDIRECTS} redirects", url)

    async def _request(
        self, url: str, known: Validators | None, span: Span | None, quiet: float
    ) -> aiohttp.ClientResponse:
        host = _host(url)
        home = host in self._homes
        headers = {n: v for n, v in self._headers.items() if home or n.lower() not in _SECRET}
        if known is not None:
            headers.update(known.headers())
        if span is not None:
            headers["Range"] = f"bytes={span.start}-{span.start + span.length - 1}"
            headers["Accept-Encoding"] = "identity"  # else the range is one of the compressed bytes
        session = self._home if home else self._away
        parts = urlsplit(url)
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
        if (login := _login(url) or self._logins.get(host)) is not None:
            headers["Authorization"] = login
        # Already percent-encoded by its writer: encoding it again would ask for another resource.
        target = URL(bare, encoded=True)
        patience = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT, sock_read=quiet)
        return await session.get(
            target, headers=headers, allow_redirects=False, ssl=self._ssl, timeout=patience
        )

    async def _session(self, jar: aiohttp.CookieJar, *, guarded: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,
            limit_per_host=PER_HOST,
            socket_factory=_guarded if guarded else None,
            ttl_dns_cache=30,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=jar,
            headers={"User-Agent": f"live-torrent/{__version__}", "Accept-Encoding": "gzip, deflate"},
            max_line_size=64 << 10,  # signed URLs in Location are long
            max_field_size=64 << 10,
        )
        return await self._stack.enter_async_context(session)


def _guarded(address: Any) -> socket.socket:
    """aiohttp's socket_factory: the address is resolved, nothing was sent yet."""
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise _PrivateError(f"{where[0]} is a private address; --allow-private lets requests go there")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made


async def _read(
    response: aiohttp.ClientResponse, asked: str, url: str, limit: int, span: Span | None, started: float
) -> Fetched:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if response.status not in (200, 206, 304):
        raise FetchError(f"HTTP {response.status} {response.reason or ''}".strip(), asked, response.status)
    if response.status == 304:
        return Fetched(asked, url, 304, headers, b"", time.monotonic() - started)
    data = bytearray()
    async for chunk in response.content.iter_chunked(256 << 10):
        data += chunk
        if len(data) > limit:
            ignored = span is not None and response.status == 200
            why = "sends all of it in place of a range" if ignored else f"more than {limit} bytes"
            raise FetchError(why, asked, response.status)
    body = bytes(data)
    if span is not None:
        body = body[: span.length] if response.status == 206 else span.of(body)
        if len(body) < span.length:
            raise FetchError(f"{len(body)} of {span.length} bytes", asked, response.status)
    return Fetched(asked, url, response.status, headers, body, time.monotonic() - started)


def _public(url: str) -> str:
    """Without user and password: URIs are made absolute with it, and written into playlists."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _host(url: str) -> Host:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port


def _login(url: str) -> str | None:
    """The Authorization of a user and password in the URL."""
    parts = URL(url, encoded=True)
    if parts.raw_user is None:
        return None
    return aiohttp.encode_basic_auth(unquote(parts.raw_user), unquote(parts.raw_password or ""))


def _reason(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error.strerror or error.os_error)
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer was cut off"
    return str(error) or type(error).__name__


def _private(error: aiohttp.ClientError) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, _PrivateError)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
