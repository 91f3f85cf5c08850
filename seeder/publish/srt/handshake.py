"""SRT's handshake packets, read and written (draft-sharabayko-srt-01 §3.2.1, §4.3). Pure."""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, replace

INDUCTION, CONCLUSION = 1, 0xFFFFFFFF
FAILURE = 1000
"""Kinds from here on, but for negative ones, are rejections; less this, they say why."""
VERSION = 5
"""Since SRT 1.3 (2018)."""
MAGIC = 0x4A17
"""In the answer to an induction: we speak version 5."""
STREAM_ID, KEY_MATERIAL = 5, 3
MINUTE = 60
_CONTROL = b"\x80\x00\x00\x00"
_SHUTDOWN = b"\x80\x05\x00\x00"
_HEADER, _FIELDS = struct.Struct(">4sIII"), struct.Struct(">8I16s")
_COOKIE_AT = _HEADER.size + 28


@dataclass(frozen=True, slots=True)
class Handshake:
    """The fields that we look at have names; the others are passed on."""

    to: int
    """The SRT socket that it is for; 0 before that is known."""
    time: int
    """Microseconds."""
    version: int
    flags: int
    sequence: int
    size: int
    window: int
    kind: int
    socket: int
    """The sender's."""
    cookie: int
    address: bytes
    rest: bytes = b""
    """Extensions."""

    def extension(self, kind: int) -> bytes | None:
        """None: there is none of that kind."""
        at = 0
        while at + 4 <= len(self.rest):
            found, words = struct.unpack_from(">HH", self.rest, at)
            at += 4
            if found == kind and at + 4 * words <= len(self.rest):
                return self.rest[at : at + 4 * words]
            at += 4 * words
        return None

    @property
    def failure(self) -> int | None:
        """Why it rejects; None: it does not."""
        return self.kind - FAILURE if FAILURE <= self.kind < 1 << 31 else None

    @property
    def stream_id(self) -> str:
        """Empty without one. Each four characters come in reverse (§3.2.1.3)."""
        data = self.extension(STREAM_ID) or b""
        words = (data[at : at + 4][::-1] for at in range(0, len(data), 4))
        return b"".join(words).rstrip(b"\0").decode(errors="replace")


def read(datagram: bytes) -> Handshake | None:
    """None for any other packet."""
    if len(datagram) < _HEADER.size + _FIELDS.size or not datagram.startswith(_CONTROL):
        return None
    _, _, time, to = _HEADER.unpack_from(datagram)
    version, flags, sequence, size, window, kind, socket, cookie, address = _FIELDS.unpack_from(
        datagram, _HEADER.size
    )
    rest = datagram[_HEADER.size + _FIELDS.size :]
    return Handshake(to, time, version, flags, sequence, size, window, kind, socket, cookie, address, rest)


def written(shake: Handshake) -> bytes:
    fields = (
        shake.version, shake.flags, shake.sequence, shake.size, shake.window, shake.kind, shake.socket,
        shake.cookie, shake.address,
    )  # fmt: skip
    return _HEADER.pack(_CONTROL, 0, shake.time, shake.to) + _FIELDS.pack(*fields) + shake.rest


def induced(asked: Handshake, cookie: int) -> bytes:
    """The answer to an induction; not longer than that."""
    return written(replace(asked, to=asked.socket, version=VERSION, flags=MAGIC, cookie=cookie, rest=b""))


def rejection(asked: Handshake, code: int) -> bytes:
    """``code``: libsrt's SRT_REJECT_REASON; 1000 and an HTTP status is an application's."""
    return written(replace(asked, to=asked.socket, kind=FAILURE + code, rest=b""))


def induction(concluding: Handshake) -> bytes:
    """What the sender of a conclusion asked before; for an end that did not hear it."""
    return written(replace(concluding, version=4, flags=2, kind=INDUCTION, cookie=0, rest=b""))


def with_cookie(conclusion: bytes, cookie: int) -> bytes:
    return conclusion[:_COOKIE_AT] + struct.pack(">I", cookie) + conclusion[_COOKIE_AT + 4 :]


def shutdown(socket: int) -> bytes:
    """The connection to ``socket`` is over (§3.2.5)."""
    return _HEADER.pack(_SHUTDOWN, 0, 0, socket) + bytes(4)


def is_shutdown(datagram: bytes) -> bool:
    """Its sender closes the connection; one that was killed, or lost its network, cannot say so."""
    return datagram.startswith(_SHUTDOWN[:2])


def made_cookie(secret: bytes, host: str, port: int, minute: int) -> int:
    """What proves that a packet from there reaches us is answered from there. Nothing is kept for it."""
    digest = hmac.digest(secret, f"{host}|{port}|{minute}".encode(), "sha256")
    return int.from_bytes(digest[:4], "big")
