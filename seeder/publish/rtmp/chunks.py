"""RTMP's chunk stream, read and written (RTMP 1.0 §5.3, §5.4). Pure, bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from seeder.publish.claim import RefusedError

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO, DATA3, COMMAND3, DATA, COMMAND, AGGREGATE = 8, 9, 15, 17, 18, 20, 22
KINDS = frozenset((*range(1, 7), AUDIO, VIDEO, *range(15, 21), AGGREGATE))
"""§5.4, §7.1; nobody sends others."""

CHUNK_SIZE = 128
"""Of either side, until it says otherwise."""
MOST_STREAMS = 64
"""Chunk streams of one connection; encoders use five."""
MOST_BODY = 8 << 20
"""Bytes of one message: a key frame at 500 Mbit/s."""
MOST_BEGUN = 2
"""Messages of the greatest size that may have begun and not ended, or as many bytes of smaller ones."""
_EXTENDED = 0xFFFFFF
_HEADER_SIZES = (11, 7, 3, 0)


class Message(NamedTuple):
    kind: int
    timestamp: int
    """Milliseconds; wraps at 2³²."""
    body: bytes
    stream: int = 0
    """0: of the connection itself."""


@dataclass(slots=True)
class _Channel:
    """What the next chunk of a chunk stream leaves out."""

    timestamp: int = 0
    delta: int = 0
    extended: bool = False
    length: int = 0
    kind: int = 0
    stream: int = 0
    body: bytearray = field(default_factory=bytearray)
    inside: bool = False
    """Of a message that has begun."""


class ChunkReader:
    """Messages out of bytes that come in pieces. Every error is a :class:`RefusedError`, and final."""

    def __init__(self) -> None:
        self.limit = MOST_BODY
        """Bytes of a message from here on."""
        self.size = CHUNK_SIZE
        self._data = bytearray()
        self._at = 0
        self._channels: dict[int, _Channel] = {}

    def feed(self, data: bytes) -> None:
        del self._data[: self._at]
        self._at = 0
        self._data += data

    def next(self) -> Message | None:
        """The next complete message, None when more bytes are needed. Set Chunk Size and Abort are obeyed,
        and returned as well."""
        while (part := self._header()) is not None:
            at, channel = part
            size = min(self.size, channel.length - len(channel.body))
            if len(self._data) < at + size:
                return None
            channel.inside = True
            channel.body += memoryview(self._data)[at : at + size]
            self._at = at + size
            if len(channel.body) == channel.length:
                message = Message(channel.kind, channel.timestamp, bytes(channel.body), channel.stream)
                channel.body.clear()
                channel.inside = False
                self._obey(message)
                return message
        return None

    def _header(self) -> tuple[int, _Channel] | None:
        """Where a chunk's bytes begin, and its channel, which knows all of the header; None: not there yet.

        Until the whole chunk is there the header is read again: that changes nothing."""
        data, at = self._data, self._at
        if len(data) <= at:
            return None
        form, number = data[at] >> 6, data[at] & 0x3F
        at += 1
        if number < 2:  # §5.3.1.1: one or two bytes more
            if len(data) < at + number + 1:
                return None
            number = 64 + data[at] + (data[at + 1] << 8 if number else 0)
            at += 2 if data[self._at] & 0x3F else 1
        if len(data) < at + _HEADER_SIZES[form]:
            return None
        channel = self._channels.get(number)
        if channel is None:
            # librtmp begins a control message with a shorter header; with nothing to refer to, it is garbage.
            if form > 1:
                raise RefusedError("this is no RTMP: a chunk refers to one that was never sent", 400)
            if len(self._channels) >= MOST_STREAMS:
                raise RefusedError(f"more than {MOST_STREAMS} chunk streams", 400)
            channel = _Channel()
        if form < 3 and channel.inside:
            raise RefusedError("this is no RTMP: a message begins within another", 400)
        return self._read(number, channel, form, at)

    def _read(self, number: int, channel: _Channel, form: int, at: int) -> tuple[int, _Channel] | None:
        data = self._data
        time = int.from_bytes(data[at : at + 3], "big") if form < 3 else channel.delta
        extended = time == _EXTENDED if form < 3 else channel.extended
        start, at = at, at + _HEADER_SIZES[form]
        if extended:
            if len(data) < at + 4:
                return None
            full = int.from_bytes(data[at : at + 4], "big")
            # §5.3.1.3 wants it in continuing chunks as well; some encoders leave it out there.
            if form < 3 or full == channel.delta:
                time, at = full, at + 4
        if form == 3 and channel.inside:
            return at, channel
        length, kind, stream = channel.length, channel.kind, channel.stream
        if form < 2:
            length, kind = int.from_bytes(data[start + 3 : start + 6], "big"), data[start + 6]
        if form == 0:
            stream = int.from_bytes(data[start + 7 : start + 11], "little")
        self._check(length, kind)
        if len(data) < at + min(self.size, length):
            return None
        channel.length, channel.kind, channel.stream = length, kind, stream
        channel.delta, channel.extended = time, extended
        channel.timestamp = time if form == 0 else (channel.timestamp + time) % (1 << 32)
        self._channels[number] = channel
        return at, channel

    def _check(self, length: int, kind: int) -> None:
        if kind not in KINDS:
            raise RefusedError(f"this is no RTMP: a message of the unknown kind {kind}", 400)
        if length > self.limit:
            raise RefusedError(f"a message is longer than {self.limit:,} bytes", 413)
        begun = sum(channel.length for channel in self._channels.values() if channel.inside)
        if length + begun > MOST_BEGUN * self.limit:
            raise RefusedError(f"messages begun are longer than {MOST_BEGUN * self.limit:,} bytes", 413)

    def _obey(self, message: Message) -> None:
        number = int.from_bytes(message.body[:4], "big")
        if message.kind == SET_CHUNK_SIZE:
            # §5.4.1: at least 128 bytes; a chunk of one byte would cost as much as one of a thousand.
            if len(message.body) < 4 or not CHUNK_SIZE <= number < 1 << 31:
                raise RefusedError(f"a chunk size of {number} cannot be used", 400)
            self.size = number
        elif message.kind == ABORT and (channel := self._channels.get(number)) is not None:
            channel.body.clear()
            channel.inside = False


class ChunkWriter:
    """Bytes out of messages, with the shortest headers."""

    def __init__(self) -> None:
        self.size = CHUNK_SIZE
        """Bytes of a chunk; whoever raises it says so first."""
        self._last: dict[int, tuple[Message, int | None]] = {}  # and the delta that it had, if it had one

    def write(self, number: int, message: Message) -> bytes:
        """``message`` on chunk stream ``number`` (from 2 to 65,599)."""
        return b"".join(self.pieces(number, message))

    def pieces(self, number: int, message: Message) -> list[bytes]:
        """Its chunks. Those of other chunk streams may stand between them."""
        body, time = message.body, message.timestamp % (1 << 32)
        last, last_delta = self._last.get(number, (None, None))
        delta = None
        form = 0
        if last is not None and last.stream == message.stream and time >= last.timestamp:
            delta = time - last.timestamp
            form = 1
            if (last.kind, len(last.body)) == (message.kind, len(body)):
                form = 3 if delta == last_delta else 2
        self._last[number] = (message._replace(timestamp=time), delta)
        shown = time if delta is None else delta
        extension = shown.to_bytes(4, "big") if shown >= _EXTENDED else b""
        header = b"".join(
            (
                min(shown, _EXTENDED).to_bytes(3, "big"),
                len(body).to_bytes(3, "big"),
                bytes((message.kind,)),
                message.stream.to_bytes(4, "little"),
            )
        )[: _HEADER_SIZES[form]]
        first = _basic(form, number) + header + extension + body[: self.size]
        more = _basic(3, number) + extension
        return [first, *(more + body[at : at + self.size] for at in range(self.size, len(body), self.size))]


def _basic(form: int, number: int) -> bytes:
    if number < 64:
        return bytes((form << 6 | number,))
    if number < 320:
        return bytes((form << 6, number - 64))
    return bytes((form << 6 | 1, (number - 64) & 0xFF, (number - 64) >> 8))
