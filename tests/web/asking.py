"""Requests as bytes on a connection, and what is answered to them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import h11

PATIENCE = 30.0
SOON = 27.0
"""Less than the 30 s after which a silent connection is ended anyway."""
SEG, PLAYLIST = "/live/demo/v/seg7.m4s", "/live/demo/v/index.m3u8"
FILE, PAGE = "/live/film/a%20b.ts", "/healthz"

Said = tuple[int, dict[str, str], bytes]
"""Status, headers without Date, body."""


def ask(path: str, *lines: str, method: str = "GET", version: str = "1.1") -> bytes:
    fields = "".join(f"{line}\r\n" for line in ("Host: tv.example", *lines))
    return f"{method} {path} HTTP/{version}\r\n{fields}\r\n".encode("latin-1")


async def told(port: int, *requests: bytes, piece: int = 1 << 20) -> list[Said]:
    """What is answered to ``requests``, sent on one connection in pieces, until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = b"".join(requests)
    reading = asyncio.ensure_future(reader.read())
    with suppress(ConnectionError):
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
            await writer.drain()
            await asyncio.sleep(0.002 if piece < len(data) else 0)
    async with asyncio.timeout(PATIENCE):
        answer = await reading
    writer.close()
    return understood(answer, requests)


def understood(data: bytes, requests: tuple[bytes, ...]) -> list[Said]:
    found: list[Said] = []
    for request in requests:
        if not data:
            break  # closed before it was answered
        client = h11.Connection(h11.CLIENT)
        method = "HEAD" if request.startswith(b"HEAD") else "GET"
        client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
        client.send(h11.EndOfMessage())
        client.receive_data(data)
        client.receive_data(b"")
        response = client.next_event()
        while isinstance(response, h11.InformationalResponse):
            response = client.next_event()
        assert isinstance(response, h11.Response)
        body = b""
        while isinstance(event := client.next_event(), h11.Data):
            body += event.data
        headers = {name.decode(): value.decode("latin-1") for name, value in response.headers}
        assert headers.pop("date") or response.status_code == 400
        found.append((response.status_code, headers, body))
        data = client.trailing_data[0]
    assert not data
    return found


CLOSE = "Connection: close"
LAST = ask(PLAYLIST, CLOSE)
