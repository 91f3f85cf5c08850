"""An RTMP publisher (RTMP 1.0 §7.2): what ffmpeg writes as FLV goes to a server under a stream key."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from seeder.onward.choice import UnfitError
from seeder.onward.server import Rtmp
from seeder.publish import RefusedError, amf
from seeder.publish.flv.tags import Tag, TagReader
from seeder.publish.rtmp.chunks import (
    COMMAND,
    DATA,
    SET_CHUNK_SIZE,
    USER_CONTROL,
    ChunkReader,
    ChunkWriter,
    Message,
)
from seeder.publish.rtmp.handshake import SIZE, VERSION

CONNECT = 15.0
"""Seconds until media may be sent: TCP, TLS and five round trips."""
TAKEN = 30.0
"""Seconds for what was written to leave; a server that takes nothing for so long is gone."""
CHUNK = 4096
SEAM = 40
"""Milliseconds between what two ffmpegs give: a frame."""
_PING, _PONG = 6, 7


class Connection:
    """Made by :func:`connected`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Rtmp) -> None:
        self._reader = reader
        self._writer = writer
        self._to = to
        self._chunks = ChunkReader()
        self._out = ChunkWriter()
        self._tags = TagReader()
        self._stream = 0
        self._begins = 0  # milliseconds: what the run's time 0 is
        self._last = 0

    async def open(self) -> None:
        """Until the server has said that we may publish. Raises :class:`UnfitError`, OSError, EOFError."""
        c1 = bytes(8) + os.urandom(SIZE - 8)
        self._writer.write(bytes((VERSION,)) + c1)
        answer = await self._reader.readexactly(1 + 2 * SIZE)
        self._writer.write(answer[1 : 1 + SIZE])
        self._send(2, Message(SET_CHUNK_SIZE, 0, CHUNK.to_bytes(4, "big")))
        self._out.size = CHUNK
        to = self._to
        about = {"app": to.app, "type": "nonprivate", "flashVer": "FMLE/3.0 (live-torrent)", "tcUrl": to.url}
        self._command("connect", 1, about)
        await self._answered(1)
        self._command("releaseStream", 2, None, to.key)
        self._command("FCPublish", 3, None, to.key)
        self._command("createStream", 4, None)
        result = await self._answered(4)
        self._stream = int(result[3]) if len(result) > 3 and isinstance(result[3], float) else 1
        self._command("publish", 5, None, to.key, "live", stream=self._stream)
        while (await self._next())[0] != "onStatus":  # a refusal raises
            pass

    async def take(self, data: bytes) -> None:
        """FLV as ffmpeg writes it; empty: another run begins, and with it its time."""
        if not data:
            self._tags = TagReader()
            self._begins = self._last + SEAM
            return
        if self._writer.transport.is_closing():
            raise UnfitError("the server has closed the connection", 503)
        for tag in self._tags.feed(data):
            self._media(tag)
        async with asyncio.timeout(TAKEN):
            await self._writer.drain()

    async def lost(self) -> None:
        """Obey the server; raises what ends the connection."""
        while True:
            await self._next()

    def _media(self, tag: Tag) -> None:
        time = self._begins + tag.timestamp
        self._last = max(self._last, time)
        body = amf.encode("@setDataFrame") + tag.body if tag.kind == DATA else tag.body
        self._send({8: 4, 9: 6}.get(tag.kind, 5), Message(tag.kind, time, body, self._stream))

    def _command(self, name: str, number: int, *values: object, stream: int = 0) -> None:
        self._send(3, Message(COMMAND, 0, amf.encode(name, number, *values), stream))

    def _send(self, channel: int, message: Message) -> None:
        self._writer.write(self._out.write(channel, message))

    async def _answered(self, number: int) -> list[amf.Value]:
        while True:
            said = await self._next()
            if said[0] in ("_result", "_error") and said[1:2] == [float(number)]:
                if said[0] == "_error":
                    raise _no(said)
                return said

    async def _next(self) -> list[amf.Value]:
        """The server's next command. UnfitError: it is a refusal."""
        while True:
            message = self._chunks.next()
            if message is None:
                data = await self._reader.read(1 << 16)
                if not data:
                    raise UnfitError("the server has closed the connection", 503)
                self._chunks.feed(data)
            elif message.kind == USER_CONTROL and message.body[:2] == _PING.to_bytes(2, "big"):
                self._send(2, Message(USER_CONTROL, 0, _PONG.to_bytes(2, "big") + message.body[2:6]))
            elif message.kind == COMMAND:
                said = amf.decode(message.body)
                status = said[3] if len(said) > 3 else None
                if said[:1] == ["onStatus"] and isinstance(status, dict) and status.get("level") == "error":
                    raise _no(said)
                if said:
                    return said


def _no(said: list[amf.Value]) -> UnfitError:
    status = said[3] if len(said) > 3 else None
    why = "" if not isinstance(status, dict) else status.get("description") or status.get("code") or ""
    return UnfitError(f"the server says no{': ' if why else ''}{why}", 503)


@asynccontextmanager
async def connected(to: Rtmp) -> AsyncIterator[Connection]:
    """A connection by which media may be sent; :class:`UnfitError` when there is none, or it breaks."""
    tls = ssl.create_default_context() if to.tls else None
    writer = None
    try:
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(to.host, to.port, ssl=tls)
            connection = Connection(reader, writer, to)
            await connection.open()
        yield connection
    except TimeoutError:
        raise UnfitError("the server does not answer", 503) from None
    except (OSError, EOFError, RefusedError, amf.AmfError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error) or "it broke off"
        raise UnfitError(f"the connection: {why}", 503) from None
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()
            writer.transport.abort()
