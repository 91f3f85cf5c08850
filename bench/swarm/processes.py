"""Child processes that end with their block, and what processes use."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.server import ROOT

STOP = 20.0
"""Seconds from SIGINT until a process is killed."""
START = 60.0
"""Seconds until a process must answer."""


class Died(Exception):
    """A process of the bench ended when it should not; the message is one line."""


@asynccontextmanager
async def running(command: Sequence[str], name: str, *, stdout: int | None = None) -> AsyncIterator[Process]:
    """A process in a session of its own (Ctrl-C is ours to pass on), ended politely, else killed."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environ, stdin=PIPE, stdout=stdout or asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
        if process.returncode is not None:
            raise Died(f"{name} ended with exit code {process.returncode} in mid-trial")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            try:
                async with asyncio.timeout(STOP):
                    await process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


async def first_line(process: Process, name: str) -> str:
    """What it prints once it is ready."""
    assert process.stdout is not None
    with suppress(TimeoutError):
        async with asyncio.timeout(START):
            if line := await process.stdout.readline():
                return line.decode().strip()
    raise Died(f"{name} did not come up; what it says is above")


GET = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
sys.stdout.write(opener.open(sys.argv[1], timeout=5).read().decode())
"""


async def get(url: str, prefix: Sequence[str]) -> str | None:
    """A page as seen from where ``prefix`` (``ip netns exec …``) runs; None when it is not to be had."""
    process = await asyncio.create_subprocess_exec(
        *prefix, sys.executable, "-c", GET, url, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return out.decode() if process.returncode == 0 else None


async def until_served(url: str, prefix: Sequence[str], contains: str) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(START):
            while contains not in (await get(url, prefix) or ""):
                await asyncio.sleep(0.2)
            return
    raise Died(f"{url} did not come up within {START:.0f} s")


def resident(pid: int) -> int:
    """Bytes of memory in RAM (Linux); 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) * 1024 if found else 0


@asynccontextmanager
async def busy_core(wanted: bool) -> AsyncIterator[None]:
    """Somebody else's work on this machine, as much as one core can do."""
    if not wanted:
        yield
        return
    program = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\nwhile True: pass"
    async with running([sys.executable, "-c", program], "the busy process"):
        yield
