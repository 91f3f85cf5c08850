"""One UDP port for all publishers over WebRTC. A datagram belongs to the connection whose password a STUN
request from the same address knew (ICE lite); any other is dropped without an answer."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

from seeder.errors import ServeError
from seeder.publish.whip import stun
from seeder.publish.whip.answer import Local
from seeder.publish.whip.peer import Address, Peer

MOST_ADDRESSES = 16
"""Of one peer: each of a laptop's networks, IPv4 and IPv6, directly and through a relay."""
BUFFER = 2 << 20
"""Bytes that the kernel holds while we are busy elsewhere: a second of ten publishers. It may give less."""

log = logging.getLogger(__name__)


class Port(asyncio.DatagramProtocol):
    """Use :func:`listening`."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport
        self._peers: dict[str, tuple[Peer, Local]] = {}
        self._addresses: dict[Address, Peer] = {}
        self._clock = asyncio.get_running_loop().time

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own is no subclass of it before Python 3.12.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        address, now = (addr[0], addr[1]), self._clock()
        if not data:
            return
        if data[0] < 4:
            self._asked(data, address, now)
        elif (peer := self._addresses.get(address)) is not None:
            peer.received(data, now)

    def error_received(self, exc: Exception) -> None:
        """An ICMP message: who left is told from its silence."""

    def send(self, data: bytes, address: Address) -> None:
        self._transport.sendto(data, address)

    def add(self, peer: Peer, local: Local) -> None:
        """``peer`` is known by ``local`` from now on."""
        self._peers[local.ufrag] = (peer, local)

    def keep(self, peer: Peer, local: Local) -> None:
        """``peer`` is known by no other any more."""
        self._peers = {
            ufrag: known for ufrag, known in self._peers.items() if known[0] is not peer or known[1] is local
        }

    def remove(self, peer: Peer) -> None:
        self._peers = {ufrag: known for ufrag, known in self._peers.items() if known[0] is not peer}
        self._addresses = {address: known for address, known in self._addresses.items() if known is not peer}

    def _asked(self, data: bytes, address: Address, now: float) -> None:
        request = stun.parse(data)
        known = None if request is None else self._peers.get(request.username.partition(":")[0])
        if request is None or known is None:
            return
        peer, local = known
        mapped = address[0].removeprefix("::ffff:") if "." in address[0] else address[0]
        if not peer.asked(request, local, (mapped, address[1]), address, now):
            return
        if self._addresses.get(address) is not peer:
            mine = [old for old, other in self._addresses.items() if other is peer]
            for old in mine[: len(mine) - MOST_ADDRESSES + 1]:
                del self._addresses[old]
            self._addresses[address] = peer


@asynccontextmanager
async def listening(host: str, port: int) -> AsyncIterator[tuple[Port, int]]:
    """The port, open while the block lasts, and its number; :class:`ServeError` when it cannot be had."""
    loop = asyncio.get_running_loop()
    where = f"UDP port {port} at {host}"
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
        one = _bound(found[0][0], found[0][4])
    except OSError as error:
        raise ServeError(f"cannot listen for WebRTC at {where}: {error.strerror or error}") from None
    try:
        transport, made = await loop.create_datagram_endpoint(Port, sock=one)
    except OSError as error:
        one.close()
        raise ServeError(f"cannot listen for WebRTC at {where}: {error.strerror or error}") from None
    try:
        yield made, int(one.getsockname()[1])
    finally:
        transport.close()


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    one = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if address[0] == "::" else 1)
        with suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        one.bind(address)
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one
