"""A TCP port for publishers: bounded, quiet about what it refuses, closed in order."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from seeder.errors import ServeError
from seeder.publish.claim import RefusedError

MOST = 256
"""Connections at once: publishers are few, and each unknown one costs a socket and its read buffer."""
MOST_PER_ADDRESS = 32
"""A rude client does not take the port from the others; a studio behind one address has fewer encoders."""
BUFFER = 256 * 1024
"""Bytes read ahead of whoever parses them."""

log = logging.getLogger(__name__)

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]
"""Speaks with one client at the address given, until it is gone. Before it knows whom it speaks with, it owes
every read a timeout."""


@asynccontextmanager
async def listening(protocol: str, host: str, port: int, talk: Talk) -> AsyncIterator[int]:
    """The port listened at, while the block lasts; :class:`ServeError` when it cannot be had. Leaving cancels
    every conversation and waits for it."""
    talks: set[asyncio.Task[None]] = set()
    addresses: Counter[str] = Counter()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if len(talks) >= MOST or addresses[address] >= MOST_PER_ADDRESS:
            log.warning("%s: a connection from %s is closed: there are too many", protocol, address)
            writer.transport.abort()
            return
        talks.add(task)
        addresses[address] += 1
        try:
            await talk(reader, writer, address)
        except (OSError, EOFError, TimeoutError, RefusedError) as error:
            log.debug("%s: %s: %r", protocol, address, error)
        except asyncio.CancelledError:
            pass  # we are closing; asyncio's server would report it as an error
        except Exception:
            log.exception("%s: speaking with %s crashed", protocol, address)
        finally:
            talks.discard(task)
            addresses[address] -= 1
            if not addresses[address]:
                del addresses[address]
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            writer.transport.abort()

    try:
        server = await asyncio.start_server(serve, host, port, limit=BUFFER)
    except OSError as error:
        why = error.strerror or error
        if error.errno == errno.EADDRINUSE:  # asyncio's own words are no help
            why = "it is in use by another program; choose another (--publish PROTO:PORT)"
        raise ServeError(f"cannot listen for {protocol} at {host}, port {port}: {why}") from error
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
