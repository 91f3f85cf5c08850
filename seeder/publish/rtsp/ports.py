"""UDP ports for a publisher's RTP and RTCP, from a range that a firewall can be told of."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

from seeder.publish.claim import RefusedError

RANGE = range(17_000, 17_256, 2)
"""Where pairs begin: 64 publishers of video and audio."""
RECEIVE = 2 << 20
"""Bytes asked for as receive buffer: a key frame comes at once. Linux gives what net.core.rmem_max allows."""

Take = Callable[[bytes], None]


class Receiver(asyncio.DatagramProtocol):
    """Passes on what comes from ``address``, and from the port that was the first to send: others behind the
    same address have streams of their own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._port: int | None = None
        self.take: Take = lambda data: None

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if addr[0] == self._address and self._port in (None, addr[1]):
            self._port = addr[1]
            self.take(data)


@asynccontextmanager
async def receiving(host: str, address: str) -> AsyncIterator[tuple[int, Receiver, Receiver]]:
    """The first of two ports at ``host``, an IP address, and who takes what ``address`` sends there: RTP, and
    RTCP at the second. Raises :class:`RefusedError` when all are taken."""
    with ExitStack() as stack:
        port, sockets = _bound(stack, host)
        loop = asyncio.get_running_loop()
        pair = []
        for each in sockets:
            transport, receiver = await loop.create_datagram_endpoint(lambda: Receiver(address), sock=each)
            stack.callback(transport.close)
            pair.append(receiver)
        yield port, pair[0], pair[1]


def _bound(stack: ExitStack, host: str) -> tuple[int, list[socket.socket]]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in random.sample(RANGE, len(RANGE)):
        with ExitStack() as trial:
            sockets = [trial.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(2)]
            try:
                for offset, each in enumerate(sockets):
                    each.setblocking(False)
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
                    each.bind((host, port + offset))
            except OSError:
                continue
            stack.push(trial.pop_all())
            return port, sockets
    raise RefusedError("no UDP port is left: send by TCP", 503)
