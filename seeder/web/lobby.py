"""Who is connected: how many in all, how many from one address."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from seeder.tracker.gate import client_key


class Lobby:
    """Holds each open TCP connection once, whoever serves it."""

    def __init__(self, most: int, most_of_one: int | None) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._guests: dict[asyncio.WriteTransport, str] = {}
        self._of_one: Counter[str] = Counter()
        """By client; as many entries as there are clients connected."""
        self._away: set[asyncio.WriteTransport] = set()
        """Lent."""
        self._look_at = 64
        self._open = True
        self._left = asyncio.Event()

    def enter(self, transport: asyncio.WriteTransport) -> bool:
        """``False``: there are too many already, or we are closing."""
        if not self._open:
            return False
        if len(self._guests) >= self._most:
            self._forget_closed()
            if len(self._guests) >= self._most:
                return False
        client = ""
        if self._most_of_one is not None:
            peer = transport.get_extra_info("peername")
            client = client_key(str(peer[0]).partition("%")[0]) if peer else ""
            if self._of_one[client] >= self._most_of_one:
                self._forget_closed()
                if self._of_one[client] >= self._most_of_one:
                    return False
        self._guests[transport] = client
        self._of_one[client] += 1
        return True

    def leave(self, transport: asyncio.WriteTransport) -> None:
        """It is closed; once more does no harm."""
        client = self._guests.pop(transport, None)
        if client is None:
            return
        self._away.discard(transport)
        self._of_one[client] -= 1
        if not self._of_one[client]:
            del self._of_one[client]
        self._left.set()

    def lend(self, transport: asyncio.WriteTransport) -> None:
        """Somebody else serves it from now on, and does not say when it ends."""
        self._away.add(transport)
        if len(self._away) >= self._look_at:
            self._forget_closed()
            # Twice as many before the next look: what is closed never outnumbers what is open for long.
            self._look_at = 64 + 2 * len(self._away)

    def guests(self) -> tuple[asyncio.WriteTransport, ...]:
        """Those still open."""
        self._forget_closed()
        return tuple(self._guests)

    def close(self) -> None:
        self._open = False

    async def emptied(self) -> None:
        """Until all have left."""
        while self.guests():
            self._left.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05 if self._away else None):  # lent ones end without a word
                    await self._left.wait()

    def _forget_closed(self) -> None:
        for transport in [each for each in self._away if each.is_closing()]:
            self.leave(transport)
