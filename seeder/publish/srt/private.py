"""A private end: an ffmpeg that listens on loopback for one SRT publisher and gives out its MPEG-TS."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from seeder.ingest.binary import Binary
from seeder.ingest.process import Process, running

HOST = "127.0.0.1"
WAIT = 15.0
"""Seconds in which the publisher, whom we know by then, has to be connected with it."""
PAYLOAD = 1316
"""Bytes: seven packets of MPEG-TS, as SRT carries them."""


@dataclass(frozen=True, slots=True)
class End:
    port: int
    process: Process
    """Its output is the media."""


@contextlib.asynccontextmanager
async def listening(binary: Binary, passphrase: str) -> AsyncIterator[End]:
    """Dead when the block is left. ``passphrase``: empty for none."""
    port = _free_port()
    address = f"srt://{HOST}:{port}?mode=listener&listen_timeout={WAIT * 1e6:.0f}"
    given: tuple[str, ...] = ("-f", "data", "-raw_packet_size", str(PAYLOAD), "-i", address, "-map", "0")
    made: tuple[str, ...] = ("-f", "data")
    script = b""
    if passphrase:
        # The passphrase would stand among the arguments, so the address comes as a script. What it leads to
        # is taken for a container then, and goes on in a new one.
        given = (
            "-f", "concat", "-safe", "0", "-auto_convert", "0", "-protocol_whitelist", "pipe,srt,udp",
            "-i", "pipe:0", "-map", "0:v?", "-map", "0:a?", "-copyts",
        )  # fmt: skip
        made = ("-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0")
        script = (
            f"ffconcat version 1.0\nfile '{address}'\noption passphrase '{passphrase}'\n"
            "option enforced_encryption 1\n"
        ).encode()
    arguments = (
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"),
        *given,
        *("-c", "copy", *made, "-flush_packets", "1", "pipe:1"),
    )
    async with running(binary.path, arguments, script=script) as process:
        yield End(port, process)


def _free_port() -> int:
    """libsrt tells nobody which port it got; should another take it meanwhile, the publisher asks again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
