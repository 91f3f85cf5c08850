"""A UDP socket on the event loop: as many datagrams a turn as there are, sent or dropped, never queued."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from seeder.errors import ServeError

TURN = 64
"""Datagrams read before others have their turn on the loop."""
LARGEST = 2048
"""Bytes; on the networks there are, none is larger than 1,500."""
BUFFER = 4 << 20
"""Bytes the kernel may hold for us, if it lets us: a second of a busy port."""

log = logging.getLogger(__name__)

Address = tuple[Any, ...]
"""Host and port, and for IPv6 two more."""
Heard = Callable[[bytes, Address], None]


class Datagrams:
    """Use :meth:`bound` or :meth:`connected`."""

    def __init__(self, sock: socket.socket, heard: Heard) -> None:
        self._socket = sock
        self._heard = heard
        self.number = int(sock.getsockname()[1])
        """Of the port."""
        sock.setblocking(False)
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock, self._read)

    @classmethod
    @asynccontextmanager
    async def bound(cls, protocol: str, host: str, port: int, heard: Heard) -> AsyncIterator[Datagrams]:
        """Open while the block lasts; :class:`ServeError` when it cannot be had. ``heard`` is called once the
        caller has had the chance to keep what it gets here."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            family, kind, number, _, address = found[0]
            sock = socket.socket(family, kind, number)
            try:
                sock.bind(address)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            raise ServeError(
                f"cannot listen for {protocol} at {host}, UDP port {port}: {error.strerror or error}"
            ) from error
        made = cls(sock, heard)
        try:
            yield made
        finally:
            made.close()

    @classmethod
    async def connected(cls, host: str, port: int, heard: Heard) -> Datagrams:
        """To a port on this machine; to be closed."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.connect((host, port))
        except BaseException:
            sock.close()
            raise
        return cls(sock, heard)

    def send(self, data: bytes, to: Address | None = None) -> None:
        """OSError: the kernel has no room, or nobody is there (yet); UDP loses datagrams anyway."""
        with suppress(OSError):
            if to is None:
                self._socket.send(data)
            else:
                self._socket.sendto(data, to)

    def close(self) -> None:
        """Idempotent."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(TURN):
            if self._socket.fileno() < 0:
                return
            try:
                data, address = self._socket.recvfrom(LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:  # nobody is there (yet)
                continue
            try:
                self._heard(data, address)
            except Exception:
                log.exception("a datagram could not be read")
