"""What every container holds. Values alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["video", "audio"]
VIDEO: Kind = "video"
AUDIO: Kind = "audio"


@dataclass(frozen=True, slots=True)
class Track:
    """What a file's header says of its picture or its sound."""

    kind: Kind
    codec: str
    """Matroska's id: ``V_VP9``, ``A_OPUS``, …"""
    private: bytes = b""
    """As Matroska holds it: what a decoder must know before its first frame, if that is not in the frames."""
    size: tuple[int, int] = (0, 0)
    """Of the picture."""
    rate: float = 48000.0
    """Samples a second."""
    channels: int = 1
    bits: int = 0
    """A sample of PCM."""


class Frame(NamedTuple):
    kind: Kind
    time: int
    """µs, as its recorder counts them; of decoding, where the container says it."""
    data: bytes
    key: bool
    """A decoder can begin with it."""
    shown: int = 0
    """µs later than ``time`` at which it is shown."""


@dataclass(frozen=True, slots=True)
class Header:
    """A file begins. At most one track of each kind."""

    tracks: tuple[Track, ...]


Event = Header | Frame
