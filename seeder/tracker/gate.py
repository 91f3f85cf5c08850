"""Who may connect and how fast they may talk; pure."""

from __future__ import annotations

import ipaddress
from collections import Counter

from seeder.tracker.limits import Limits


def client_key(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 /64, for a household has that many."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Gate:
    """Counts connections, in all and per client; holds as many entries as there are clients connected."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._clients: Counter[str] = Counter()
        self._buckets: dict[str, Bucket] = {}
        self._total = 0

    def bucket(self, client: str, now: float) -> Bucket:
        """The one that all connections of ``client`` share; it has entered."""
        if client not in self._buckets:
            self._buckets[client] = Bucket(self._limits.client_rate, self._limits.client_burst, now)
        return self._buckets[client]

    def enter(self, client: str) -> str | None:
        """Let one connection of ``client`` in, or say which limit it breaks: ``total`` or ``per-ip``."""
        if self._total >= self._limits.max_connections:
            return "total"
        if self._clients[client] >= self._limits.max_connections_per_ip:
            return "per-ip"
        self._clients[client] += 1
        self._total += 1
        return None

    def leave(self, client: str) -> None:
        self._total -= 1
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]
            self._buckets.pop(client, None)


class Bucket:
    """A token bucket: ``rate`` messages a second, ``burst`` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = now

    def take(self, now: float) -> float:
        """Count one message; the seconds to wait before the next is read."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def spend(self, now: float) -> bool:
        """Count one if there is room for it; whether there was."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
