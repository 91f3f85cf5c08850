"""RTP packets (RFC 3550 §5.1), and RTCP's as far as a publisher sends them. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Packet:
    payload_type: int
    marker: bool
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits."""
    ssrc: int
    payload: bytes
    transport: int | None = None
    """Its number within the whole transport (TWCC)."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """RFC 3550 §6.4.1: the publisher's clock, and a track's at the same moment."""

    ssrc: int
    seconds: float
    """Since 1900."""
    middle: int
    """The middle 32 bits of the same, to be sent back."""
    timestamp: int


@dataclass(frozen=True, slots=True)
class Bye:
    ssrcs: tuple[int, ...]


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 §4."""
    return len(data) >= 8 and 192 <= data[1] <= 223


def parse(data: bytes, twcc: int | None = None) -> Packet | None:
    """``twcc``: the number of the extension that counts the transport's packets. ``None``: no RTP."""
    if len(data) < 12 or data[0] >> 6 != 2:
        return None
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHLL", data)
    at, end = 12 + 4 * (first & 15), len(data)
    transport = None
    if first & 0x10:
        if at + 4 > end:
            return None
        profile, words = struct.unpack_from("!HH", data, at)
        at += 4
        if twcc is not None:
            transport = _extension(data[at : at + 4 * words], profile, twcc)
        at += 4 * words
    if first & 0x20 and end > at:
        end -= data[-1]
    if at > end:
        return None
    return Packet(second & 127, bool(second & 128), sequence, timestamp, ssrc, data[at:end], transport)


def _extension(data: bytes, profile: int, wanted: int) -> int | None:
    """RFC 8285: a header of one byte (``0xBEDE``) or of two (``0x100.``) before each value."""
    at, short = 0, profile == 0xBEDE
    if not short and profile >> 4 != 0x100:
        return None
    while at + (1 if short else 2) <= len(data):
        if data[at] == 0:
            at += 1  # padding
            continue
        if short:
            name, size = data[at] >> 4, (data[at] & 15) + 1
            at += 1
        else:
            name, size = data[at], data[at + 1]
            at += 2
        if name == wanted and size >= 2 and at + 2 <= len(data):
            return int.from_bytes(data[at : at + 2], "big")
        at += size
    return None


def original(packet: Packet, payload_type: int) -> Packet | None:
    """The packet that a retransmission repeats (RFC 4588 §4); ``None`` for padding, with which bandwidth is
    measured. The SSRC stays the retransmission's own."""
    if len(packet.payload) < 3:
        return None
    sequence = int.from_bytes(packet.payload[:2], "big")
    return Packet(
        payload_type, packet.marker, sequence, packet.timestamp, packet.ssrc, packet.payload[2:],
    )  # fmt: skip


def reports(data: bytes) -> list[SenderReport | Bye]:
    """Of a compound RTCP packet, what concerns us."""
    found: list[SenderReport | Bye] = []
    at = 0
    while at + 8 <= len(data) and data[at] >> 6 == 2:
        count, kind = data[at] & 31, data[at + 1]
        size = 4 * (int.from_bytes(data[at + 2 : at + 4], "big") + 1)
        body = data[at : at + size]
        if kind == 200 and len(body) >= 28:
            ssrc, whole, part, timestamp = struct.unpack_from("!LLLL", body, 4)
            middle = (whole & 0xFFFF) << 16 | part >> 16
            found.append(SenderReport(ssrc, whole + part / (1 << 32), middle, timestamp))
        elif kind == 203 and len(body) >= 4 + 4 * count:
            found.append(Bye(struct.unpack_from(f"!{count}L", body, 4)))
        at += size
    return found


def unrolled(value: int, near: int, bits: int) -> int:
    """The number whose low ``bits`` are ``value`` that is nearest to ``near``; may be negative."""
    turn = 1 << bits
    return near + (value - near + turn // 2) % turn - turn // 2
