"""How often an address may be wrong; pure."""

from __future__ import annotations

from collections import OrderedDict

BURST = 10
"""Failures in a period: more than a person's typing errors and a script's retries."""
PERIOD = 60.0
"""Seconds."""
MOST = 1024
"""Addresses remembered. Who has more of them than that has the oldest forgotten, and gains ten guesses a
period each at a secret of 190 bits."""


class Failures:
    """Of clients, by whatever tells them apart."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """Client → (start of its period, failures since)."""

    def wait(self, client: str, now: float) -> float:
        """Seconds that ``client`` has to wait before it is listened to; 0: none."""
        start, count = self._seen.get(client, (now, 0))
        left = start + PERIOD - now
        return left if count >= BURST and left > 0 else 0.0

    def failed(self, client: str, now: float) -> None:
        start, count = self._seen.pop(client, (now, 0))
        if now - start >= PERIOD:
            start, count = now, 0
        self._seen[client] = (start, count + 1)
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
