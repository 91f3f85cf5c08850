"""Just enough STUN (RFC 8489) for ICE lite (RFC 8445 §2.5): who asks, whether it knows the password, the
answer. Pure."""

from __future__ import annotations

import hmac
import ipaddress
import struct
import zlib
from dataclasses import dataclass, field
from hashlib import sha1

COOKIE = 0x2112A442
REQUEST, SUCCESS = 0x0001, 0x0101  # binding
USERNAME, INTEGRITY, MAPPED, FINGERPRINT = 0x0006, 0x0008, 0x0020, 0x8028
USE_CANDIDATE = 0x0025
HEAD = 20
CRC_MASK = 0x5354554E


@dataclass(frozen=True, slots=True)
class Request:
    """A binding request; nothing in it is proven before :func:`proven` said so."""

    transaction: bytes
    username: str
    """``OURS:THEIRS``, the user name fragments of both ends."""
    nominates: bool
    data: bytes = field(repr=False)
    integrity_at: int = 0
    """Where its MESSAGE-INTEGRITY begins; 0: it has none."""


def parse(data: bytes) -> Request | None:
    """``None`` for anything but a binding request."""
    if len(data) < HEAD or len(data) % 4:
        return None
    kind, length, cookie = struct.unpack_from("!HHL", data)
    if kind != REQUEST or cookie != COOKIE or length != len(data) - HEAD:
        return None
    username, nominates, integrity_at, at = "", False, 0, HEAD
    while at + 4 <= len(data):
        name, size = struct.unpack_from("!HH", data, at)
        value = data[at + 4 : at + 4 + size]
        if len(value) != size:
            return None
        if name == USERNAME and not integrity_at:
            username = value.decode("utf-8", "replace")
        elif name == USE_CANDIDATE:
            nominates = True
        elif name == INTEGRITY and size == 20 and not integrity_at:
            integrity_at = at
        at += 4 + (size + 3) // 4 * 4
    return Request(data[8:HEAD], username, nominates, data, integrity_at)


def proven(request: Request, password: str) -> bool:
    """Its sender knows our ``password``."""
    at = request.integrity_at
    if not at:
        return False
    # Hashed as if it ended with this attribute (RFC 8489 §14.5).
    head = request.data[:2] + struct.pack("!H", at + 24 - HEAD) + request.data[4:at]
    told = request.data[at + 4 : at + 24]
    return hmac.compare_digest(hmac.digest(password.encode(), head, sha1), told)


def answer(request: Request, password: str, address: tuple[str, int]) -> bytes:
    """Success, for the sender at ``address``."""
    host, port = ipaddress.ip_address(address[0]), address[1]
    mask = struct.pack("!L", COOKIE) + request.transaction
    hidden = bytes(a ^ b for a, b in zip(host.packed, mask, strict=False))
    mapped = struct.pack("!BBH", 0, 1 if host.version == 4 else 2, port ^ (COOKIE >> 16)) + hidden
    body = struct.pack("!HH", MAPPED, len(mapped)) + mapped
    body += struct.pack("!HH", INTEGRITY, 20) + hmac.digest(
        password.encode(), _head(len(body) + 24, request.transaction) + body, sha1
    )
    crc = zlib.crc32(_head(len(body) + 8, request.transaction) + body) ^ CRC_MASK
    body += struct.pack("!HHL", FINGERPRINT, 4, crc)
    return _head(len(body), request.transaction) + body


def _head(length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHL", SUCCESS, length, COOKIE) + transaction
