"""FLV over a TCP port of its own: ``ffmpeg … -metadata key=KEY -f flv tcp://HOST:9002``.

The key stands in the metadata, with which such a file begins; nothing else is read before. Who stops says so
by the end of the pictures' sequence, as ffmpeg does; every other end of the connection may be a loss.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from seeder.ingest.supply import Supply
from seeder.publish import amf
from seeder.publish.claim import Claim, RefusedError
from seeder.publish.desk import Desk
from seeder.publish.flv.codecs import ends
from seeder.publish.flv.media import OPTIONS, Media, carried
from seeder.publish.flv.tags import SCRIPT, VIDEO, Tag, TagReader
from seeder.publish.listening import listening
from seeder.publish.place import Place

KEY_SECONDS = 10.0
"""For the metadata to be there."""
MOST_BEFORE = 64 * 1024
"""Bytes until then."""
READ = 64 * 1024


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        await _talk(desk, reader, address)

    async with listening("FLV", place.host, place.port, talk) as port:
        yield port


async def _talk(desk: Desk, reader: asyncio.StreamReader, address: str) -> None:
    """There is no way to say why: what is refused is closed."""
    tags = TagReader()
    async with asyncio.timeout(KEY_SECONDS):
        first = await _first(reader, tags)
    if first[0].kind != SCRIPT or not (key := key_of(first[0].body)):
        raise RefusedError("no key in the metadata with which it begins", 401)
    async with desk.admit(Claim("flv", address, key)) as session:
        supply, media = Supply(f"FLV from {address}", "flv", OPTIONS), Media()

        async def read() -> None:
            found = first
            while True:
                for tag in found:
                    await carried(supply, media, tag)
                    session.goodbye = tag.kind == VIDEO and ends(tag.body)
                data = b""
                with suppress(OSError):  # killed, or its network is gone
                    data = await reader.read(READ)
                if not data:
                    return
                found = tags.feed(data)

        await session.carry(supply, read())


async def _first(reader: asyncio.StreamReader, tags: TagReader) -> list[Tag]:
    read = 0
    while data := await reader.read(READ):
        if found := tags.feed(data):
            return found
        read += len(data)
        if read > MOST_BEFORE:
            raise RefusedError("its metadata is too long", 413)
    raise EOFError


def key_of(body: bytes) -> str:
    """``key`` (or ``streamkey``) in the metadata; empty without one."""
    try:
        values = amf.decode(body)
    except amf.AmfError:
        return ""
    found = values[-1] if "onMetaData" in values[:2] else None
    if not isinstance(found, dict):
        return ""
    return next((key for name in ("key", "streamkey") if isinstance(key := found.get(name), str) and key), "")
