"""What we tell a publisher by RTCP: what is lost, how much arrives when, that a key frame is wanted. Pure."""

from __future__ import annotations

import struct

TICK = 0.00025
"""Seconds: TWCC's unit of time between two packets."""
MOST = 512
"""Packets in one TWCC message: some 1 KiB."""


def receiver_report(ours: int, blocks: list[bytes]) -> bytes:
    """RFC 3550 §6.4.2; every message of ours begins with one (§6.1)."""
    return _packet(201, len(blocks), struct.pack("!L", ours) + b"".join(blocks))


def block(ssrc: int, fraction: int, lost: int, highest: int, jitter: int, report: int, since: float) -> bytes:
    """One stream's in a receiver report. ``fraction``: of 256; ``highest``: sequence number with its turns;
    ``report``: the middle of the last sender report's time, ``since`` seconds ago."""
    lost = max(-(1 << 23), min(lost, (1 << 23) - 1)) & 0xFFFFFF
    delay = min(int(since * 65536), 0xFFFFFFFF) if report else 0
    return struct.pack(
        "!LLLLLL",
        ssrc,
        (fraction & 255) << 24 | lost,
        highest & 0xFFFFFFFF,
        jitter & 0xFFFFFFFF,
        report,
        delay,
    )


def picture_loss(ours: int, theirs: int) -> bytes:
    """RFC 4585 §6.3.1: a key frame, please."""
    return _packet(206, 1, struct.pack("!LL", ours, theirs))


def missing(ours: int, theirs: int, sequences: list[int]) -> bytes:
    """A generic NACK (RFC 4585 §6.2.1); ``sequences`` ascending, turns included."""
    entries: list[list[int]] = []
    for sequence in sequences:
        if entries and 0 < sequence - entries[-1][0] <= 16:
            entries[-1][1] |= 1 << (sequence - entries[-1][0] - 1)
        else:
            entries.append([sequence, 0])
    body = b"".join(struct.pack("!HH", first & 0xFFFF, rest) for first, rest in entries)
    return _packet(205, 1, struct.pack("!LL", ours, theirs) + body)


class Arrivals:
    """When each packet of the transport came, told back in TWCC messages
    (draft-holmer-rmcat-transport-wide-cc-extensions-01): from these the publisher guesses what the network
    carries."""

    def __init__(self) -> None:
        self._came: dict[int, float] = {}
        self._next: int | None = None
        """The first packet that no message has told of."""
        self._last = 0
        self._messages = 0

    def add(self, sequence: int, now: float) -> None:
        """``sequence``: 16 bits; ``now``: seconds of any clock."""
        if self._next is None:
            self._next = self._last = sequence
        full = self._last + ((sequence - self._last + 0x8000) & 0xFFFF) - 0x8000
        self._last = max(self._last, full)
        if full >= self._next and len(self._came) < 8 * MOST:
            self._came[full] = now

    def messages(self, ours: int, theirs: int) -> list[bytes]:
        """Of everything since the last call."""
        out: list[bytes] = []
        while self._came:
            first = min(self._came)
            span = range(first, min(max(self._came) + 1, first + MOST))
            out.append(self._message(ours, theirs, span))
            self._next = span.stop
            self._came = {sequence: at for sequence, at in self._came.items() if sequence >= span.stop}
        return out

    def _message(self, ours: int, theirs: int, span: range) -> bytes:
        reference = int(self._came[span.start] / 0.064)
        before = reference * 0.064
        symbols, deltas = [], b""
        for sequence in span:
            at = self._came.get(sequence)
            if at is None:
                symbols.append(0)
                continue
            ticks = max(-32768, min(round((at - before) / TICK), 32767))
            before += ticks * TICK  # as the reader will add it up, so that rounding does not
            small = 0 <= ticks <= 255
            symbols.append(1 if small else 2)
            deltas += struct.pack("!B" if small else "!h", ticks)
        chunks = b""
        for index in range(0, len(symbols), 7):
            seven = symbols[index : index + 7] + [0] * 7
            value = 3
            for symbol in seven[:7]:
                value = value << 2 | symbol
            chunks += struct.pack("!H", value)
        head = struct.pack(
            "!LLHHL",
            ours, theirs, span.start & 0xFFFF, len(span), (reference & 0xFFFFFF) << 8 | self._messages & 255,
        )  # fmt: skip
        self._messages += 1
        body = head + chunks + deltas
        return _packet(205, 15, body + bytes(-len(body) % 4))


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 2 << 6 | count, kind, len(body) // 4) + body
