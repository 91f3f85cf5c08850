"""Network namespaces joined by the router: one for the origin, one per viewer. Removed with the block."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.swarm.processes import Died, first_line, running
from bench.swarm.router import DEVICE
from bench.swarm.settings import Links

PREFIX = "lt-bench-"


@dataclass(frozen=True, slots=True)
class Place:
    """A network namespace with one address."""

    name: str
    address: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """What runs a command there."""
        return ("ip", "netns", "exec", self.name)


def obstacle() -> str | None:
    """Why links cannot be shaped here, if so: a line for people."""
    if sys.platform != "linux" or not Path("/dev/net/tun").exists():
        return "there is no /dev/net/tun"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "there is no `ip` (Debian, Ubuntu: apt-get install iproute2)"
    return None


async def allowed() -> str | None:
    """Likewise, having tried."""
    if (why := obstacle()) is not None:
        return why
    name = f"{PREFIX}{os.getpid()}-try"
    try:
        await _ip("netns", "add", name)
        await _ip("netns", "del", name)
    except Died as error:
        return str(error)
    return None


@asynccontextmanager
async def joined(links: Links, viewers: int) -> AsyncIterator[tuple[Place, tuple[Place, ...]]]:
    """(the origin's place, the viewers'), with a router in between."""
    await _sweep()
    names = [f"{PREFIX}{os.getpid()}-{n}" for n in range(viewers + 1)]
    places = [Place(name, f"10.77.0.{n + 1}") for n, name in enumerate(names)]
    made = []
    try:
        for place in places:
            await _ip("netns", "add", place.name)
            made.append(place)
        plan = {
            "loss": links.loss,
            "ports": [
                {
                    "namespace": place.name,
                    "address": place.address,
                    # The origin's own line is not the question.
                    "up": links.up if n else 0.0,
                    "down": links.down if n else 0.0,
                    "delay": links.rtt / 4,
                }
                for n, place in enumerate(places)
            ],
        }
        command = [sys.executable, "-m", "bench.swarm.router", json.dumps(plan)]
        async with running(command, "the router", stdout=PIPE) as router:
            if await first_line(router, "the router") != "ready":
                raise Died("the router did not come up; what it says is above")
            for place in places:
                await _ip("-n", place.name, "addr", "add", f"{place.address}/24", "dev", DEVICE)
                await _ip("-n", place.name, "link", "set", "lo", "up")
                await _ip("-n", place.name, "link", "set", DEVICE, "up")
                # Chromium takes a machine without a default route for one that is offline.
                await _ip("-n", place.name, "route", "add", "default", "dev", DEVICE)
            yield places[0], tuple(places[1:])
    finally:
        for place in made:
            await asyncio.shield(_ip("netns", "del", place.name))


async def _sweep() -> None:
    """Remove what a run that was killed has left."""
    folder = Path("/run/netns")
    for left in folder.glob(f"{PREFIX}*") if folder.exists() else ():
        owner = re.match(rf"{PREFIX}(\d+)-", left.name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            await _ip("netns", "del", left.name)


async def _ip(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("ip", *arguments, stderr=PIPE)
    _, said = await process.communicate()
    if process.returncode:
        raise Died(f"`ip {' '.join(arguments)}` failed: {said.decode().strip()}")
