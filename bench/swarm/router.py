"""``python -m bench.swarm.router JSON``: carries packets between network namespaces as ``shaping`` decides.

A TUN device in each namespace, all held by this one process (netem is not in every kernel). The JSON:
``{"loss": 0.005, "ports": [{"namespace", "address", "up", "down", "delay"}, …]}``. Prints ``ready``; ends
with its standard input or SIGINT. Needs root and /dev/net/tun (Linux).
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from bench.swarm.shaping import Port, Shaper

DEVICE = "eth0"
"""Chromium passes over interfaces that are named like tunnels."""
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LARGEST = 65536
AT_ONCE = 64
"""Packets taken from one device before what is due is looked at again: one sender cannot delay the others."""
IDLE = 0.5
"""Seconds between looks when nothing waits."""


def main() -> None:
    plan: dict[str, Any] = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    ports, files = {}, {}
    for entry in plan["ports"]:
        address = socket.inet_aton(entry["address"])
        ports[address] = Port(address, entry["up"], entry["down"], entry["delay"])
        files[address] = opened(entry["namespace"])
    # The same losses in every run.
    shaper = Shaper(ports, plan["loss"], random.Random(1))
    print("ready", flush=True)
    carry(shaper, files)


def opened(namespace: str) -> int:
    """A TUN device named DEVICE in a namespace; its descriptor works from ours."""
    libc = ctypes.CDLL(None, use_errno=True)
    ours = os.open("/proc/self/ns/net", os.O_RDONLY)
    theirs = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        if libc.setns(theirs, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {namespace}")
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    finally:
        libc.setns(ours, CLONE_NEWNET)
        os.close(theirs)
        os.close(ours)
    return device


def carry(shaper: Shaper, files: dict[bytes, int]) -> None:
    """Until standard input ends."""
    addresses = {device: address for address, device in files.items()}
    watched = [0, *addresses]
    while True:
        wait = IDLE if shaper.next_at is None else max(0.0, shaper.next_at - time.monotonic())
        # select counts in microseconds; epoll would round up to milliseconds, or have to spin.
        for device in select.select(watched, [], [], min(wait, IDLE))[0]:
            if device == 0:
                if not os.read(0, 1):
                    return
                continue
            for _ in range(AT_ONCE):
                try:
                    packet = os.read(device, LARGEST)
                except BlockingIOError:
                    break
                shaper.receive(packet, addresses[device], time.monotonic())
        for to, packet in shaper.due(time.monotonic()):
            try:
                os.write(files[to], packet)
            except OSError:
                shaper.dropped += 1  # the device is down or full: as on any network


if __name__ == "__main__":
    main()
