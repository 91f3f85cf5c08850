"""H.264 as Chromium writes it into Matroska: start codes, its parameter sets in each key frame, none in the
header. MP4 wants lengths, and the parameter sets in ``avcC`` (ISO/IEC 14496-15 §5.3.3). Pure."""

from __future__ import annotations

import re

START = re.compile(b"\x00\x00\x01")


def units(data: bytes) -> list[bytes]:
    """NAL units of what has start codes. A zero before a start code is no part of the unit."""
    starts = [match.end() for match in START.finditer(data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    found = (data[start:end].rstrip(b"\0") for start, end in zip(starts, ends, strict=True))
    return [unit for unit in found if unit]


def sized(parts: list[bytes]) -> bytes:
    return b"".join(part for unit in parts for part in (len(unit).to_bytes(4, "big"), unit))


def parameters(parts: list[bytes]) -> bytes:
    """``avcC`` of the parameter sets among ``parts``; empty when one is missing."""
    sets = {kind: unit for unit in parts if (kind := unit[0] & 31) in (7, 8)}
    sps, pps = sets.get(7, b""), sets.get(8, b"")
    if len(sps) < 4 or not pps:
        return b""
    return b"".join((
        b"\x01", sps[1:4], b"\xff\xe1", len(sps).to_bytes(2, "big"), sps,
        b"\x01", len(pps).to_bytes(2, "big"), pps,
    ))  # fmt: skip


def split(data: bytes, width: int) -> list[bytes]:
    """NAL units of what has lengths of ``width`` bytes; as far as they are whole."""
    found, at = [], 0
    while at + width < len(data):
        size = int.from_bytes(data[at : at + width], "big")
        at += width
        if not size or at + size > len(data):
            break
        found.append(data[at : at + size])
        at += size
    return found


def alone(private: bytes) -> bytes:
    """``avcC`` with its first parameter sets and nothing else, as :func:`parameters` makes it, to compare."""
    found: list[bytes] = []
    at = 5
    for _ in range(2):
        count = private[at] & 31 if at < len(private) else 0
        at += 1
        for index in range(count):
            size = int.from_bytes(private[at : at + 2], "big")
            if index == 0:
                found.append(private[at + 2 : at + 2 + size])
            at += 2 + size
    return parameters([unit for unit in found if unit])
