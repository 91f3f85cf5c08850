"""A TCP port for publishers."""

from __future__ import annotations

import asyncio

import pytest

from seeder.errors import ServeError
from seeder.publish.listening import listening


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
    """Says nothing."""


async def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    async with listening("RTMP", "127.0.0.1", 0, _talk) as port:
        with pytest.raises(ServeError, match=rf"port {port}: it is in use .* \(--publish PROTO:PORT\)"):
            async with listening("RTMP", "127.0.0.1", port, _talk):
                pass
