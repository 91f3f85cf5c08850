"""Ending a libtorrent session without freezing the program.

The bindings destroy a session while they hold Python's lock, and libtorrent's destructor waits for its
tracker sockets' closing handshake. With our own tracker at the other end, served by the very loop that
is waiting for the lock, that would be for ever; with a foreign one, as long as it pleases. So the
sockets are closed first, and a session whose sockets stay open is never destroyed.
"""

from __future__ import annotations

import ctypes
import os
import socket
import stat
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

DESCRIPTORS = ("/proc/self/fd", "/dev/fd")
"""Linux, macOS."""

_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}


def ports_of(trackers: Iterable[str]) -> frozenset[int]:
    """The TCP ports of announce URLs."""
    found = set()
    for url in trackers:
        try:
            parts = urlsplit(url)
            found.add(parts.port or _PORTS.get(parts.scheme, 0))
        except ValueError:
            continue
    return frozenset(found)


def connected_to(ports: frozenset[int]) -> bool:
    """This process has a TCP connection, as the client, to one of ``ports``; True when nobody can tell."""
    if not ports:
        return False
    folder = next((f for f in DESCRIPTORS if Path(f).is_dir()), None)
    if folder is None:
        return True
    return any(_peer_port(int(name)) in ports for name in os.listdir(folder) if name.isdigit())


def _peer_port(descriptor: int) -> int:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return -1
        copy = os.dup(descriptor)
    except OSError:  # closed meanwhile
        return -1
    try:
        probe = socket.socket(fileno=copy)
    except OSError:  # a kind Python does not know
        os.close(copy)
        return -1
    with probe:
        try:
            peer = probe.getpeername()
        except OSError:  # not connected
            return -1
    return int(peer[1]) if isinstance(peer, tuple) and len(peer) >= 2 else -1


def immortalise(value: object) -> None:
    """Never destroy it; its threads end with the process."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
