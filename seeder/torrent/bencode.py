"""Bencoding (BEP 3), written out: libtorrent's own holds the GIL and trips over non-ASCII names."""

from __future__ import annotations

from seeder.errors import MetainfoError

Value = int | bytes | list["Value"] | dict[bytes, "Value"]

MAX_DEPTH = 32
"""A .torrent nests four deep; the bound keeps hostile input from exhausting the stack."""


def encode(value: Value) -> bytes:
    """Canonical: dictionary keys sorted as raw bytes."""
    out: list[bytes] = []
    _encode(value, out)
    return b"".join(out)


def _encode(value: Value, out: list[bytes]) -> None:
    if isinstance(value, int):
        out.append(b"i%de" % value)
    elif isinstance(value, bytes):
        out.append(b"%d:" % len(value))
        out.append(value)
    elif isinstance(value, list):
        out.append(b"l")
        for item in value:
            _encode(item, out)
        out.append(b"e")
    else:
        out.append(b"d")
        for key in sorted(value):
            _encode(key, out)
            _encode(value[key], out)
        out.append(b"e")


def decode(data: bytes) -> Value:
    """The one value ``data`` holds; MetainfoError for anything but canonical bencoding."""
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise MetainfoError(f"bytes after the bencoded value at {end}")
    return value


def _decode(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > MAX_DEPTH:
        raise MetainfoError("bencoding nested too deep")
    lead = data[at : at + 1]
    if lead == b"i":
        end = data.find(b"e", at, at + 24)
        return _integer(data[at + 1 : max(end, 0)], at, signed=True), end + 1
    if lead.isdigit():
        return _string(data, at)
    if lead == b"l":
        items: list[Value] = []
        at += 1
        while data[at : at + 1] != b"e":
            item, at = _decode(data, at, depth + 1)
            items.append(item)
        return items, at + 1
    if lead == b"d":
        found: dict[bytes, Value] = {}
        last: bytes | None = None
        at += 1
        while data[at : at + 1] != b"e":
            key, at = _string(data, at)
            if last is not None and key <= last:
                raise MetainfoError(f"dictionary keys out of order before {at}")
            found[key], at = _decode(data, at, depth + 1)
            last = key
        return found, at + 1
    raise MetainfoError(f"not bencoded at {at}")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    colon = data.find(b":", at, at + 12)
    length = _integer(data[at : max(colon, at)], at, signed=False)
    end = colon + 1 + length
    if colon < 0 or end > len(data):
        raise MetainfoError(f"byte string cut short at {at}")
    return data[colon + 1 : end], end


def _integer(digits: bytes, at: int, *, signed: bool) -> int:
    body = digits[1:] if signed and digits.startswith(b"-") else digits
    if not body.isdigit() or (body[0:1] == b"0" and digits != b"0"):
        raise MetainfoError(f"not a bencoded number at {at}")
    return int(digits)
