"""Action Message Format: what RTMP's commands and FLV's metadata are written in. Pure, bounded.

AMF0 is read and written (Adobe, 2007). Of AMF3 (Adobe, 2013) only the values are read that an AMF0 message
may hold after the marker 0x11: nobody's encoder sends more, and what we answer is AMF0 always.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

MOST_DEPTH = 8
"""Objects within objects; encoders nest two deep."""
MOST_VALUES = 1024
"""In one message: metadata has some dozens."""

Value = float | bool | str | None | dict[str, "Value"] | list["Value"]
"""Dates come as numbers (milliseconds), undefined and unsupported as None."""


class AmfError(ValueError):
    """Bytes that are no AMF, or more of it than anybody needs."""


def encode(*values: object) -> bytes:
    """AMF0. ``values``: numbers, booleans, strings, None, mappings (objects), sequences (strict arrays)."""
    return b"".join(map(_encoded, values))


def _encoded(value: object) -> bytes:
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return bytes((1, value))
    if isinstance(value, int | float):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        if len(text) > 0xFFFF:
            return b"\x0c" + struct.pack(">I", len(text)) + text
        return b"\x02" + struct.pack(">H", len(text)) + text
    if isinstance(value, Mapping):
        return b"\x03" + _pairs(value)
    if isinstance(value, Sequence):
        return b"\x0a" + struct.pack(">I", len(value)) + encode(*value)
    raise TypeError(f"AMF0 has no {type(value).__name__}")


def ecma_array(values: Mapping[str, object]) -> bytes:
    """What FLV's onMetaData holds (AMF0 §2.10)."""
    return b"\x08" + struct.pack(">I", len(values)) + _pairs(values)


def _pairs(values: Mapping[str, object]) -> bytes:
    pairs = (
        struct.pack(">H", len(name.encode())) + name.encode() + _encoded(v) for name, v in values.items()
    )
    return b"".join(pairs) + b"\x00\x00\x09"


def decode(data: bytes) -> list[Value]:
    """Every value in ``data``. Raises :class:`AmfError`."""
    return _Reader(data).values()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._count = 0
        self._seen: list[Value] = []  # AMF0's references count objects in the order they begin
        self._strings: list[str] = []  # AMF3's

    def values(self) -> list[Value]:
        found = []
        while self._at < len(self._data):
            found.append(self._value(0))
        return found

    def _take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise AmfError("it ends in the middle")
        taken, self._at = self._data[self._at : end], end
        return taken

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _text(self, size: int) -> str:
        return self._take(size).decode("utf-8", "replace")

    def _enter(self, depth: int) -> None:
        self._count += 1
        if self._count > MOST_VALUES or depth > MOST_DEPTH:
            raise AmfError("it holds too much")

    def _value(self, depth: int) -> Value:
        self._enter(depth)
        marker = self._number(1)
        match marker:
            case 0x00:
                return float(struct.unpack(">d", self._take(8))[0])
            case 0x01:
                return self._number(1) != 0
            case 0x02:
                return self._text(self._number(2))
            case 0x03:
                return self._object(depth)
            case 0x05 | 0x06 | 0x0D:
                return None
            case 0x07:
                index = self._number(2)
                if index >= len(self._seen):
                    raise AmfError("it refers to nothing")
                return self._seen[index]
            case 0x08:
                self._number(4)  # how many; the end marker tells the truth
                return self._object(depth)
            case 0x0A:
                items: list[Value] = []
                self._seen.append(items)
                items.extend(self._value(depth + 1) for _ in range(self._size(self._number(4))))
                return items
            case 0x0B:
                date = float(struct.unpack(">d", self._take(8))[0])
                self._number(2)  # a time zone that is always 0
                return date
            case 0x0C | 0x0F:
                return self._text(self._number(4))
            case 0x10:
                self._text(self._number(2))  # the class's name
                return self._object(depth)
            case 0x11:
                return self._value3(depth)
        raise AmfError(f"it holds an unknown marker, 0x{marker:02x}")

    def _size(self, count: int) -> int:
        if count > MOST_VALUES:
            raise AmfError("it holds too much")
        return count

    def _object(self, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        self._seen.append(found)
        while True:
            name = self._text(self._number(2))
            if not name and self._data[self._at : self._at + 1] == b"\x09":
                self._at += 1
                return found
            found[name] = self._value(depth + 1)

    # --- AMF3 ------------------------------------------------------------------------------------

    def _u29(self) -> int:
        value = 0
        for _ in range(3):
            byte = self._number(1)
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        return value << 8 | self._number(1)

    def _text3(self) -> str:
        header = self._u29()
        if not header & 1:
            if header >> 1 >= len(self._strings):
                raise AmfError("it refers to nothing")
            return self._strings[header >> 1]
        text = self._text(header >> 1)
        if text:
            self._strings.append(text)
        return text

    def _value3(self, depth: int) -> Value:
        self._enter(depth)
        marker = self._number(1)
        match marker:
            case 0x00 | 0x01:
                return None
            case 0x02 | 0x03:
                return marker == 0x03
            case 0x04:
                number = self._u29()
                return float(number - (1 << 29) if number & 1 << 28 else number)
            case 0x05:
                return float(struct.unpack(">d", self._take(8))[0])
            case 0x06:
                return self._text3()
            case 0x09:
                header = self._u29()
                if not header & 1:
                    raise AmfError("it holds AMF3 that is not understood here")
                found: dict[str, Value] = {}
                while name := self._text3():
                    found[name] = self._value3(depth + 1)
                dense: list[Value] = [self._value3(depth + 1) for _ in range(self._size(header >> 1))]
                return {**found, **{str(at): value for at, value in enumerate(dense)}} if found else dense
            case 0x0A:
                return self._object3(depth)
        raise AmfError(f"it holds AMF3 that is not understood here, 0x{marker:02x}")

    def _object3(self, depth: int) -> dict[str, Value]:
        header = self._u29()
        if header & 0b111 != 0b011:  # by reference, with traits by reference, or externalizable
            raise AmfError("it holds AMF3 that is not understood here")
        self._text3()  # the class's name
        names = [self._text3() for _ in range(self._size(header >> 4))]
        found = {name: self._value3(depth + 1) for name in names}
        if header & 0b1000:
            while name := self._text3():
                found[name] = self._value3(depth + 1)
        return found
