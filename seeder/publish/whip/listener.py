"""``--publish whip``: HTTP at ``/whip/NAME`` of the web server, media at a UDP port of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from seeder import machine
from seeder.publish.desk import Desk
from seeder.publish.place import Place

MOST = 8
"""Addresses that a publisher is told: it tries each."""

REFRESH = 2.0
"""Seconds between two key frames at least: each costs the picture between them some of its bits, and only an
ffmpeg that begins anew needs one."""


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    # Brings OpenSSL and libsrtp, some 12 MiB: only who takes publishers over WebRTC needs them.
    from seeder.publish.whip.endpoint import open_whip

    found = await candidates(place.host, place.reached)
    refresh = max(REFRESH, place.segment_seconds)
    async with open_whip(desk, place.host, place.port, found, refresh=refresh) as whip:
        place.door.whip = whip
        try:
            yield whip.number
        finally:
            place.door.whip = None


async def candidates(host: str, reached: str) -> tuple[str, ...]:
    """The addresses at which publishers may find a port at ``host``, best first and IPv4 before IPv6.
    ``reached``: how the operator says that we are reached, if so: a router may stand in front of us."""
    given = await _addresses(host)
    if given and ipaddress.ip_address(given[0]).is_unspecified:
        own = (*machine.addresses(), "127.0.0.1", *(("::1",) if host == "::" else ()))
        given = tuple(own if host == "::" else (address for address in own if ":" not in address))
    outside = await _addresses(reached) if reached else ()
    first = dict.fromkeys((*outside, *given))
    return tuple(sorted(first, key=lambda address: ":" in address))[:MOST]


async def _addresses(host: str) -> tuple[str, ...]:
    try:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
