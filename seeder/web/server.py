"""Listens and serves an ASGI application, inside our event loop, until told to stop.

hypercorn speaks the protocols; accepting and stopping are ours, because hypercorn's own runner cannot
report the port it got, waits for ever for open WebSockets on Python 3.12, and logs a traceback for
what a client does wrong.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import EventWrapper
from hypercorn.config import Config

from seeder.errors import ServeError
from seeder.web.app import Origin
from seeder.web.front import Adopt, Front, Shared
from seeder.web.link import Connection, Host
from seeder.web.lobby import Lobby
from seeder.web.reply import Heads
from seeder.web.tls import Certificate, tls_context

log = logging.getLogger(__name__)


INBOX = 64 * 1024
"""Bytes read at once: a request's head is one or two."""
TLS_HANDSHAKE = 10.0
"""Seconds for it: a connection counts among ``max_connections`` only afterwards. asyncio would give 60."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    host: str = "127.0.0.1"
    """A name or address; ``0.0.0.0`` or ``::`` for all interfaces."""
    port: int = 8008
    """0 takes a free one; :class:`Bound` tells which."""
    certificate: Certificate | None = None
    """HTTPS and HTTP/2 when given."""
    tls: ssl.SSLContext | None = None
    """In place of one made of that."""
    grace: float = 3.0
    """Seconds for responses under way when stopping: a live segment's worth; then they are cut."""
    max_connections: int = 20_000
    """Open TCP connections; the next ones are closed at once. Each costs a descriptor and 2 KiB, or 30 while
    hypercorn serves it."""
    max_per_client: int | None = 2_000
    """The same of one address (IPv6: one /64), a tenth of all: one host cannot take everyone's place, and
    the three hundred viewers of a big NAT, with six connections each, fit. ``None``: no bound, for behind a
    proxy everybody has its address."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where the server listens."""

    scheme: str
    host: str
    """As a browser on this machine can open it: never ``0.0.0.0`` or ``::``."""
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@asynccontextmanager
async def serve(
    app: Any,
    config: ServerConfig,
    *,
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
    adopt: Adopt | None = None,
) -> AsyncIterator[Bound]:
    """Serve the ASGI ``app`` while the context is open; ServeError when it cannot listen.

    What is hot of ours (:func:`~seeder.web.create_app`) is answered without asking it; ``adopt`` takes over
    the connections of WebSockets at ``/announce`` that come over HTTP/1.1.

    On leaving: no new connections; idle ones close; each of ``closing`` is awaited (the tracker's
    ``close`` says 1001 to its WebSockets); responses under way get ``grace`` seconds; the rest is cut.
    """
    context = config.tls
    if context is None and config.certificate is not None:
        context = tls_context(config.certificate)
    sockets = await _listen(config.host, config.port)
    try:
        server = _Server(app, config, context, adopt)
        async with server.running(sockets, closing):
            host = config.host
            if host in ("", "0.0.0.0", "::"):
                host = "127.0.0.1"
            yield Bound("https" if context else "http", host, sockets[0].getsockname()[1])
    finally:
        for one in sockets:
            one.close()


class _Server:
    def __init__(
        self, app: Any, config: ServerConfig, context: ssl.SSLContext | None, adopt: Adopt | None
    ) -> None:
        self._config = config
        self._ssl = context
        self._host = Host(ASGIWrapper(app), _hypercorn(), EventWrapper())
        self._lobby = Lobby(config.max_connections, config.max_per_client)
        hot = app.hot if isinstance(app, Origin) else None
        inbox = memoryview(bytearray(INBOX))
        self._shared = Shared(self._lobby, hot, adopt, self._cold, inbox, Heads(), set())
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        """What hypercorn serves now."""

    @asynccontextmanager
    async def running(
        self, sockets: list[socket.socket], closing: Sequence[Callable[[], Awaitable[None]]]
    ) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        lifespan = Lifespan(self._host.app, self._host.config, loop, {})
        lifespan_task = asyncio.create_task(lifespan.handle_lifespan(), name="lifespan")
        servers: list[asyncio.Server] = []
        try:
            await lifespan.wait_for_startup()
            for one in sockets:
                handshake = None if self._ssl is None else TLS_HANDSHAKE
                servers.append(
                    await loop.create_server(
                        lambda: Front(self._shared),
                        sock=one,
                        ssl=self._ssl,
                        backlog=512,
                        ssl_handshake_timeout=handshake,
                    )
                )
            yield
        finally:
            for server in servers:
                server.close()
            self._lobby.close()
            await self._host.terminated.set()
            if self._shared.hot is not None:
                self._shared.hot.media.waiting.close()
            for front in tuple(self._shared.fronts):
                front.stop()
            await asyncio.gather(*(close() for close in closing))
            await self._drain()
            await lifespan.wait_for_shutdown()
            lifespan_task.cancel()
            with suppress(asyncio.CancelledError):
                await lifespan_task

    async def _drain(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._config.grace):
                await self._lobby.emptied()
        for transport in self._lobby.guests():
            transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _cold(self, front: Front, transport: asyncio.Transport, data: bytes, ended: bool) -> None:
        """Hand a connection to hypercorn, with what was read of it."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        reader.feed_data(data)
        if ended:
            reader.feed_eof()
        writer = _Writer(transport, protocol, reader, loop)
        connection = Connection(self._host, reader, writer, front)
        task = loop.create_task(self._serve(front, connection))
        self._tasks[task] = connection
        task.add_done_callback(self._tasks.pop)

    async def _serve(self, front: Front, connection: Connection) -> None:
        """What hypercorn answers on one connection, until it ends or is ``front``'s again."""
        try:
            await connection.run()
        except OSError:
            pass  # the client left
        except asyncio.CancelledError:
            if not self._host.terminated.is_set():
                raise
            # Cut off by _drain. This task ends here anyway, and Python 3.11 logs a cancelled one as an error.
        except Exception as error:  # noqa: BLE001
            # What a client sends may upset hypercorn or h2, but never the server; applications' own errors
            # are caught and logged with their traceback before they get here.
            log.info("connection ended: %s", _one_line(error))
        finally:
            if connection.returned:
                front.back(connection.rest)
            else:
                connection.writer.transport.abort()  # nothing is left to send here
                self._lobby.leave(connection.writer.transport)


class _Writer(asyncio.StreamWriter):
    """Without a finaliser: asyncio's closes the transport, which may long be its front's again."""

    def __del__(self, *_: object) -> None:
        pass


def _one_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _hypercorn() -> Config:
    config = Config()
    config.accesslog = None
    config.errorlog = log  # application errors go where all our logging goes
    config.include_server_header = False  # which software and version is nobody's business
    config.keep_alive_timeout = 30
    """Seconds between requests: a player asks every target duration (2–10 s) and should find its
    connection open. It also ends clients that send a request's head more slowly."""
    config.keep_alive_max_requests = 100_000  # 1000 would end a viewer's connection every half hour
    config.h11_max_incomplete_size = 32 * 1024  # a request's head; twice what browsers' cookies fill
    config.h2_max_concurrent_streams = 100  # RFC 9113 §6.5.2 advises no less
    config.websocket_max_message_size = 64 * 1024  # the tracker's limit
    config.max_app_queue_size = 2  # messages read ahead of the tracker: ten of a flooder's are 0.6 MiB
    config.websocket_ping_interval = 25
    """Seconds: proxies and NATs forget what is silent for 30–60."""
    return config


async def _listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address of ``host`` (localhost is often two), all on one port."""
    where = f"{host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ServeError(f"cannot listen on {where}: {error.strerror or error}") from None
    sockets: list[socket.socket] = []
    for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
        chosen = (address[0], sockets[0].getsockname()[1] if sockets else port, *address[2:])
        try:
            sockets.append(_bind(family, chosen))
        except OSError as error:
            if sockets and error.errno != errno.EADDRINUSE:
                continue  # say, ::1 for localhost where IPv6 is off
            for one in sockets:
                one.close()
            raise ServeError(_refusal(where, error)) from None
    return sockets


def _bind(family: int, address: tuple[Any, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address[0] == "::" else 1)
        one.bind(address)
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one


def _refusal(where: str, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"{where} is in use by another program; choose another with --port (0: any free one)"
        case errno.EACCES:
            return (
                f"not allowed to listen on {where}: ports below 1024 need privileges; choose another --port"
            )
        case errno.EADDRNOTAVAIL:
            return f"cannot listen on {where}: this machine has no such address (--host)"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"
