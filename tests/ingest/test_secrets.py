"""What stands in an address with credentials, other users of the machine do not see: /proc is looked at while
real ffmpegs pull from real servers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.sources import classify

SECRET = "opensesame0815"
SERVER = "-re"  # among the arguments of our servers only
Eventually = Callable[[Callable[[], bool], str], Any]


def process_lists() -> set[str]:
    """Every process with its arguments, as ``ps`` shows them; but for the servers, whose secret it is."""
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.add(path.read_bytes().decode(errors="replace"))
    return {line for line in lines if f"\0{SERVER}\0" not in line and "ffmpeg" in line}


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def http(data: bytes, wanted: str) -> AsyncIterator[int]:
    """A server of one file for whoever's request has ``wanted`` in it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if wanted.encode() in request:
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n" + data
                )
            else:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@contextlib.asynccontextmanager
async def serving(ffmpeg: str, film: Path, form: str, *to: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An ffmpeg that waits for one client."""
    process = await asyncio.create_subprocess_exec(
        ffmpeg, "-v", "error", SERVER, "-stream_loop", "-1", "-i", str(film), "-c", "copy", "-f", form, *to,
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def srt(ffmpeg: str, film: Path) -> AsyncIterator[str]:
    """One server after the other; a client that is early asks again by itself."""
    address = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}?passphrase={SECRET}"

    async def serve() -> None:
        while True:
            async with serving(ffmpeg, film, "mpegts", f"{address}&mode=listener") as process:
                await process.wait()

    task = asyncio.create_task(serve())
    try:
        yield address
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def rtmp(ffmpeg: str, film: Path) -> AsyncIterator[str]:
    """A server of its own for each client."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = free_port()
        async with serving(ffmpeg, film, "flv", "-listen", "1", f"rtmp://127.0.0.1:{port}/live/{SECRET}"):
            while True:
                with contextlib.suppress(OSError):
                    there, back = await asyncio.open_connection("127.0.0.1", port)
                    break
                await asyncio.sleep(0.02)
            await asyncio.wait(
                [asyncio.create_task(copy(reader, back)), asyncio.create_task(copy(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
            back.close()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"rtmp://127.0.0.1:{server.sockets[0].getsockname()[1]}/live/{SECRET}"


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def pulled(protocol: str, ffmpeg: str, media: Callable[..., Path]) -> AsyncIterator[str]:
    """The address of a server that gives media to who knows :data:`SECRET`."""
    film = media("secret.ts", gop=12, seconds=4)
    if protocol == "http":
        async with http(film.read_bytes(), SECRET) as port:
            yield f"http://127.0.0.1:{port}/live.ts?token={SECRET}"
    else:
        async with (srt if protocol == "srt" else rtmp)(ffmpeg, film) as address:
            yield address


async def test_addresses_with_credentials_are_pulled_and_stand_in_no_argument_list(
    eventually: Eventually,
    media: Callable[..., Path],
    ffmpeg: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: set[str] = set()
    ingests: list[Ingest] = []

    def three_each() -> bool:
        seen.update(process_lists())
        return all(ingest.status().segments >= 3 for ingest in ingests)

    async with contextlib.AsyncExitStack() as stack:
        for protocol in ("http", "srt", "rtmp"):
            address = await stack.enter_async_context(pulled(protocol, ffmpeg, media))
            ingests.append(
                Ingest(IngestConfig(protocol, address, segment_seconds=0.5), tmp_path, dice=lambda: 0.1)
            )
        tasks = [asyncio.create_task(ingest.run()) for ingest in ingests]
        try:
            await eventually(three_each, "three segments of each")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert len({line for line in seen if "pipe:0" in line}) >= 1, "the ffmpegs that pull were seen"
    assert not [line for line in seen if SECRET in line]
    assert SECRET not in f"{[ingest.status() for ingest in ingests]}"
    assert SECRET not in caplog.text


async def test_a_camera_gets_its_password_and_the_process_list_does_not(
    viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    asked: list[str] = []
    seen: set[str] = set()

    async def camera(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while request := (await reader.readuntil(b"\r\n\r\n")).decode():
                asked.append(request)
                seen.update(process_lists())
                number = request.split("CSeq: ")[1].split("\r")[0]
                answer = f"RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\n"
                writer.write(f'{answer}WWW-Authenticate: Basic realm="camera"\r\n\r\n'.encode())
        writer.close()

    async with await asyncio.start_server(camera, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        given = f"rtsp://me:it%27s%20{SECRET}@127.0.0.1:{port}/1"
        ingest = Ingest(IngestConfig("s", given), viewer.folder.parent, dice=lambda: 0.1)
        async with on_air(ingest, viewer):
            credentials = base64.b64encode(f"me:it's {SECRET}".encode()).decode()
            await eventually(lambda: any(credentials in request for request in asked), "the password arrives")
            await eventually(lambda: "401" in ingest.status().last_error, "its refusal is said")
            assert SECRET not in f"{ingest.status()}"
    assert any("pipe:0" in line for line in seen), "the ffmpeg that pulls was seen"
    assert not [line for line in seen if SECRET in line]


@pytest.mark.parametrize("given", ["http://host/?a=b\nfile /etc/passwd", "rtsp://me:open sesame@host/"])
def test_what_would_end_the_address_early_in_a_script_or_a_log_line_is_refused(given: str) -> None:
    with pytest.raises(IngestError) as refused:
        classify(given, PurePosixPath("/"))
    assert "sesame" not in str(refused.value)
