"""The router between real namespaces: needs root and /dev/net/tun, and says so where it has not."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bench.swarm.namespaces import PREFIX, Place, allowed, joined
from bench.swarm.settings import LINKS

ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 7000))
print("listening", flush=True)
connection, _ = server.accept()
while data := connection.recv(65536):
    connection.sendall(data)
"""
ASK = """
import socket, sys, time
connection = socket.create_connection((sys.argv[1], 7000), timeout=30)
began = time.monotonic()
connection.sendall(b"?")
assert connection.recv(1) == b"?"
print(time.monotonic() - began)
connection.sendall(bytes(300_000))
left = 300_000
while left:
    left -= len(connection.recv(65536))
print(time.monotonic() - began)
"""


async def test_viewers_are_as_far_apart_as_their_links_say_and_nothing_is_left() -> None:
    if (why := await allowed()) is not None:
        pytest.skip(f"SKIPPED: shaped links cannot be tried here: {why}")
    async with asyncio.timeout(100), joined(LINKS["wan"], 2) as (_, (alice, bob)):
        echo = await _python(alice, ECHO, alice.address)
        try:
            assert echo.stdout is not None
            assert await echo.stdout.readline() == b"listening\n"
            ask = await _python(bob, ASK, alice.address)
            said, _ = await ask.communicate()
        finally:
            echo.kill()
            await echo.wait()
        round_trip, all_of_it = map(float, said.split())
        # Only ever more on a busy machine.
        assert round_trip >= 0.099
        assert all_of_it >= 300_000 / LINKS["wan"].up
    assert not list(Path("/run/netns").glob(f"{PREFIX}*-[0-9]"))


async def _python(place: Place, program: str, *arguments: str) -> asyncio.subprocess.Process:
    command = [*place.prefix, sys.executable, "-c", program, *arguments]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE)
