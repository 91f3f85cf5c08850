"""The machine below: file descriptors, network interfaces, processes."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from seeder.errors import ServeError

# Our own files, the server and the feed take about 60; libtorrent keeps some 100 sockets for a short window's
# WebRTC offers (one UDP socket each). Below this even a demo with two viewers runs dry.
FEWEST_DESCRIPTORS = 256

# One viewer holds up to 3 sockets here (HTTP, tracker, WebRTC seed); 65,536 serves any single machine,
# and asking for a billion (some containers' limit) makes libraries that walk all descriptors crawl.
MOST_DESCRIPTORS = 65_536


def wanted_descriptors(hard: int, unlimited: int) -> int:
    """The soft limit to ask for, given the hard one; :class:`ServeError` when even that is too low."""
    most = MOST_DESCRIPTORS if hard == unlimited else min(hard, MOST_DESCRIPTORS)
    if most < FEWEST_DESCRIPTORS:
        raise ServeError(
            f"only {most} file descriptors are allowed and {FEWEST_DESCRIPTORS} are needed: "
            f"raise the limit (ulimit -n {MOST_DESCRIPTORS}, or LimitNOFILE= in the service's unit)"
        )
    return most


def raise_descriptor_limit() -> int | None:
    """Raise RLIMIT_NOFILE as far as sensible; the limit now, ``None`` where there is no such thing."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted_descriptors(hard, resource.RLIM_INFINITY)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (
        OSError,
        ValueError,
    ):  # macOS refuses more than kern.maxfilesperproc, whatever the hard limit says
        wanted_descriptors(soft, resource.RLIM_INFINITY)
        return soft
    return wanted


def addresses() -> tuple[str, ...]:
    """This machine's addresses that other machines, and WebRTC, can use: neither loopback nor link-local."""
    found = [*_interface_addresses(), *_routed_addresses()]
    return tuple(dict.fromkeys(address for address in found if _usable(address)))


def _usable(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def _routed_addresses() -> list[str]:
    """The addresses the kernel would send from; connecting a UDP socket sends nothing."""
    found = []
    # TEST-NET-1 and the documentation prefix (RFC 5737, RFC 3849): any routed address would do.
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((target, 9))
                found.append(str(probe.getsockname()[0]).partition("%")[0])
        except OSError:  # no such family, or no route
            continue
    return found


def _interface_addresses() -> list[str]:
    """Linux: every interface's addresses, for networks without a default route; elsewhere none."""
    if not sys.platform.startswith("linux"):
        return []
    import fcntl

    siocgifaddr = 0x8915  # netdevice(7)
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                reply = fcntl.ioctl(probe, siocgifaddr, struct.pack("256s", name.encode()[:15]))
            except OSError:  # the interface has no IPv4 address
                continue
            found.append(socket.inet_ntoa(reply[20:24]))
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:  # a kernel without IPv6
        lines = []
    return found + [str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines]


def state_folder() -> Path | None:
    """Where a user's programs keep what should outlive a run (XDG Base Directory), made private to them;
    ``None`` where there is no such place."""
    try:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        folder = base / "live-torrent"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def children(pid: int) -> tuple[int, ...]:
    """Processes started by ``pid`` and, in turn, by those; Linux only, empty elsewhere."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "pid (name) state ppid …", where name may hold anything
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return tuple(found)


def kill_children() -> None:
    """SIGKILL for every process below us: the way out when there is no time for manners."""
    for pid in children(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
