"""Ending a libtorrent session without freezing the program.

The bindings destroy a session while they hold Python's lock, and libtorrent's destructor waits for its
tracker sockets' closing handshake. With our own tracker at the other end, served by the very loop that
is waiting for the lock, that would be for ever; with a foreign one, as long as it pleases. A connection that
is only being made is waited for, too: with a tracker that does not answer, for minutes. So the sockets are
closed first, and a session whose sockets stay open is never destroyed.
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
    """This process has a TCP connection, as the client, to one of ``ports``, or is making one to anywhere
    (where to, only Linux would say); True when nobody can tell."""
    if not ports:
        return False
    folder = next((f for f in DESCRIPTORS if Path(f).is_dir()), None)
    if folder is None:
        return True
    return any(_leads_to(ports, int(name)) for name in os.listdir(folder) if name.isdigit())


def _leads_to(ports: frozenset[int], descriptor: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        copy = os.dup(descriptor)
    except OSError:  # closed meanwhile
        return False
    try:
        probe = socket.socket(fileno=copy)
    except OSError:  # a kind Python does not know
        os.close(copy)
        return False
    with probe:
        if probe.family not in (socket.AF_INET, socket.AF_INET6) or probe.type != socket.SOCK_STREAM:
            return False
        try:
            return int(probe.getpeername()[1]) in ports
        except OSError:  # not connected
            return not probe.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def immortalise(value: object) -> None:
    """Never destroy it; its threads end with the process."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
