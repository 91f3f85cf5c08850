"""Stand-ins for keys: what a program on this machine, that sends a publisher on to us, writes into its logs.

A ticket is as good as its key, yet from this machine alone, and while we run.
"""

from __future__ import annotations

import hmac
import os
from collections import OrderedDict
from ipaddress import ip_address

MOST = 1024
"""Tickets remembered: more than publishers fit here. The one used longest ago goes first."""


class Tickets:
    def __init__(self) -> None:
        self._secret = os.urandom(32)
        self._keys: OrderedDict[str, str] = OrderedDict()

    def give(self, key: str) -> str:
        """The ticket of a key that is good; the same each time."""
        ticket = "ticket-" + hmac.new(self._secret, key.encode(), "sha256").hexdigest()[:32]
        self._keys[ticket] = key
        self._keys.move_to_end(ticket)
        if len(self._keys) > MOST:
            self._keys.popitem(last=False)
        return ticket

    def key(self, given: str, address: str) -> str:
        """What ``given`` stands for; itself, if it is no ticket, or comes from an address elsewhere."""
        if given not in self._keys or not at_home(address):
            return given
        self._keys.move_to_end(given)
        return self._keys[given]


def at_home(address: str) -> bool:
    """This machine's own; False for what is no IP address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
