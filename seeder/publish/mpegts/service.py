"""The service name in MPEG-TS, before anything else of it is looked at. Pure.

ISO 13818-1 §2.4.3 and §2.4.4 (packets, sections), EN 300 468 §5.2.3 and §6.2.33 (the table, its descriptor).
"""

from __future__ import annotations

from seeder.publish.claim import RefusedError

PACKET = 188
SYNC = 0x47
MOST_BEFORE = 4 << 20
"""Bytes in which the name has to come: encoders say it first and then twice a second, at up to 64 Mbit/s."""
_SDT_PID, _SDT_ACTUAL, _SERVICE = 0x11, 0x42, 0x48
_LONGEST = 1024
"""Bytes of a section of this table."""


class ServiceName:
    """Reads a stream from its first byte until the name is known."""

    def __init__(self) -> None:
        self._rest = b""
        self._section = bytearray()
        self._read = 0

    def feed(self, data: bytes) -> str | None:
        """The name, once it has come; a section with a bad checksum has said nothing. Raises
        :class:`RefusedError` for what is no MPEG-TS or says no name for long."""
        self._read += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % PACKET
        self._rest = data[whole:]
        if data and data[0] != SYNC:
            raise RefusedError("this is no MPEG-TS", 400)
        for at in range(0, whole, PACKET):
            if data[at] != SYNC:
                raise RefusedError("this is no MPEG-TS", 400)
            if (data[at + 1] & 0x1F) << 8 | data[at + 2] == _SDT_PID:
                name = self._packet(data[at : at + PACKET])
                if name:
                    return name
        if self._read > MOST_BEFORE:
            raise RefusedError("no service name: send the key as that", 401)
        return None

    def _packet(self, packet: bytes) -> str:
        payload = 4
        if packet[3] & 0x20:  # an adaptation field
            payload += 1 + packet[4]
        if not packet[3] & 0x10 or payload >= PACKET:
            return ""
        if packet[1] & 0x40:  # a section begins
            start = payload + 1 + packet[payload]
            self._section = bytearray(packet[start:])
        elif self._section:
            self._section += packet[payload:]
        return self._complete()

    def _complete(self) -> str:
        section = self._section
        if len(section) < 3:
            return ""
        length = 3 + ((section[1] & 0x0F) << 8 | section[2])
        if section[0] != _SDT_ACTUAL or not 15 <= length <= _LONGEST:
            self._section = bytearray()
            return ""
        if len(section) < length:
            return ""
        whole, self._section = bytes(section[:length]), bytearray()
        return _name(whole) if checksum(whole) == 0 else ""


def _name(section: bytes) -> str:
    """Of the first service that has one."""
    at, end = 11, len(section) - 4
    while at + 5 <= end:
        stop = at + 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])
        at += 5
        while at + 2 <= min(stop, end):
            tag, length = section[at], section[at + 1]
            body = section[at + 2 : at + 2 + length]
            if tag == _SERVICE and len(body) >= 2:
                start = 2 + body[1]  # past the type and the provider's name
                text = body[start + 1 : start + 1 + body[start]] if start < len(body) else b""
                # A first byte that is no character says which alphabet the rest is in (EN 300 468 annex A).
                if name := text.lstrip(bytes(range(0x20))).decode(errors="replace"):
                    return name
            at += 2 + length
        at = stop
    return ""


def _table() -> tuple[int, ...]:
    made = []
    for value in range(256):
        crc = value << 24
        for _ in range(8):
            crc = crc << 1 ^ (0x04C11DB7 if crc & 1 << 31 else 0)
        made.append(crc & 0xFFFFFFFF)
    return tuple(made)


_TABLE = _table()


def checksum(section: bytes) -> int:
    """MPEG-2's CRC-32 (ISO 13818-1 annex A); 0 for a section with its own at the end."""
    crc = 0xFFFFFFFF
    for byte in section:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _TABLE[crc >> 24 ^ byte]
    return crc
