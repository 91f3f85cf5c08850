"""Info dictionaries and .torrent files (BEP 3, v1, one file).

v1 only: webtorrent has no BEP 52, and hybrid torrents announce twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from seeder.errors import MetainfoError
from seeder.model import Span, Torrent
from seeder.torrent import bencode

PIECE_LENGTH = 64 << 10
"""Bytes. Small enough that a viewer relays a 700 KB segment while still receiving it (eleven pieces),
large enough that a MiB costs 386 bytes of INFO in the manifest."""

MAX_PIECES = 256
"""Above this the pieces grow instead: INFO stands in the manifest once per segment, and 256 hashes
are already 6.8 KB of base64 (16 MiB at 64 KiB)."""

MAX_LENGTH = 256 << 20
"""Bytes. Larger than this is no segment: clients refuse to hold it in memory, HTTP serves it."""


def piece_length(length: int) -> int:
    """Bytes of a piece for a segment of ``length`` bytes: 64 KiB, doubled until 256 pieces suffice."""
    size = PIECE_LENGTH
    while length > size * MAX_PIECES:
        size *= 2
    return size


def piece_hashes(data: bytes | memoryview, size: int) -> list[bytes]:
    """SHA-1 of each piece. hashlib lets go of the GIL for every one of them."""
    view = memoryview(data)
    return [hashlib.sha1(view[at : at + size]).digest() for at in range(0, len(view), size)]


def from_hashes(name: str, length: int, hashes: Iterable[bytes]) -> Torrent:
    """The torrent of a file whose pieces, cut by :func:`piece_length`, hash to ``hashes``."""
    if not 0 < length <= MAX_LENGTH:
        raise MetainfoError(f"{name}: {length} bytes cannot be a segment's torrent")
    size = piece_length(length)
    info = bencode.encode(
        {
            b"length": length,
            b"name": name.encode(),
            b"piece length": size,
            b"pieces": b"".join(hashes),
        }
    )
    return Torrent(hashlib.sha1(info).digest(), info, name, length, size)


def make_torrent(name: str, data: bytes) -> Torrent:
    """The torrent of a segment named ``name``; MetainfoError when empty or beyond :data:`MAX_LENGTH`."""
    return from_hashes(name, len(data), piece_hashes(data, piece_length(len(data))))


def part_name(name: str, span: Span) -> str:
    """The name of a byte range of the file ``name``: with its offset, as EXT-X-BYTERANGE writes it. So two
    ranges of equal bytes are two torrents, and a range is the same one wherever it is listed."""
    return f"{name}@{span.start}"


def parse_info(info: bytes) -> Torrent:
    """The torrent of a bencoded info dictionary, every field checked; MetainfoError otherwise."""
    fields = bencode.decode(info)
    if not isinstance(fields, dict):
        raise MetainfoError("INFO is not a dictionary")
    length, name = fields.get(b"length"), fields.get(b"name")
    size, pieces = fields.get(b"piece length"), fields.get(b"pieces")
    if not isinstance(length, int) or not 0 < length <= MAX_LENGTH:
        raise MetainfoError("INFO has no usable length (one file of at most 256 MiB)")
    if not isinstance(size, int) or size < 16 << 10 or size & (size - 1):
        raise MetainfoError("INFO's piece length is not a power of two of at least 16 KiB")
    if not isinstance(pieces, bytes) or len(pieces) != 20 * -(-length // size):
        raise MetainfoError("INFO has the wrong number of piece hashes")
    if not isinstance(name, bytes) or not name or b"/" in name or name in (b".", b".."):
        raise MetainfoError("INFO has no usable name")
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise MetainfoError("INFO's name is not UTF-8") from None
    return Torrent(hashlib.sha1(info).digest(), info, text, length, size)


def matches(torrent: Torrent, data: bytes) -> bool:
    """The bytes are the torrent's, all of them."""
    pieces = _pieces(torrent)
    return len(data) == torrent.length and b"".join(piece_hashes(data, torrent.piece_length)) == pieces


def mismatch(torrent: Torrent, data: bytes) -> str | None:
    """What of the bytes is not the torrent's, for people; ``None``: they are its."""
    if len(data) != torrent.length:
        return f"{len(data)} bytes, and the torrent has {torrent.length}"
    pieces = _pieces(torrent)
    for index, digest in enumerate(piece_hashes(data, torrent.piece_length)):
        if digest != pieces[20 * index : 20 * index + 20]:
            return f"piece {index} does not match its hash"
    return None


def begins(torrent: Torrent, data: bytes) -> bool:
    """``data`` is shorter than the segment and, as far as whole pieces tell, its beginning: cut off."""
    if len(data) >= torrent.length:
        return False
    whole = len(data) // torrent.piece_length
    view = memoryview(data)[: whole * torrent.piece_length]
    return _pieces(torrent).startswith(b"".join(piece_hashes(view, torrent.piece_length)))


def _pieces(torrent: Torrent) -> bytes:
    fields = bencode.decode(torrent.info)
    assert isinstance(fields, dict)
    pieces = fields[b"pieces"]
    assert isinstance(pieces, bytes)
    return pieces


def torrent_file(torrent: Torrent, trackers: Sequence[str] = (), web_seeds: Sequence[str] = ()) -> bytes:
    """The bytes of a .torrent: announce and announce-list (BEP 12), url-list (BEP 19), info as hashed."""
    head: dict[bytes, bencode.Value] = {}
    if trackers:
        head[b"announce"] = trackers[0].encode()
    if len(trackers) > 1:
        head[b"announce-list"] = [[t.encode()] for t in trackers]
    tail: dict[bytes, bencode.Value] = {}
    if web_seeds:
        tail[b"url-list"] = [w.encode() for w in web_seeds]
    # "announce…" < "info" < "url-list": the info dictionary goes in untouched, so its hash stays.
    return bencode.encode(head)[:-1] + b"4:info" + torrent.info + bencode.encode(tail)[1:]
