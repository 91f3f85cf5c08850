"""What one ingest is asked to do. Validated here, so that everything after can rely on it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import ConfigError
from seeder.ingest.encoders import SOFTWARE
from seeder.ladder import ENCODERS, OFF, Ladder

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""One path component that needs no quoting in a URL, a shell or a log line."""


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """Raises :class:`ConfigError` for values that cannot be used."""

    stream: str
    """Folder under the feed."""
    input: str | None = None
    """None for the test picture; see ``sources.classify``."""
    segment_seconds: float = 2.0
    window: int = 8
    """Segments listed."""
    dvr: float = 0.0
    """Seconds listed at least."""
    variant: str = "v0"
    """Folder under the stream; a ladder's best."""
    ffmpeg: str | Path | None = None
    """Path of the binary; None chooses the newer of the system's and the imageio-ffmpeg wheel's."""
    loop: bool = True
    """Play a finite input over and over."""
    end: bool = False
    """Write EXT-X-ENDLIST when a finite input that is not looped has ended."""
    copy: bool = True
    """Copy H.264 and AAC that fit instead of encoding them."""
    max_height: int = 720
    """Taller video is scaled down when it is encoded; two cores encode 720p in real time."""
    video_bitrate: int | None = None
    """bit/s when encoding; None chooses by size and frame rate."""
    ladder: Ladder = OFF
    """Variants; without it there is one."""
    encoder: str = SOFTWARE
    """Of ``ladder.ENCODERS``."""
    stall_seconds: float | None = None
    """Without output for so long ffmpeg counts as stalled; None for max(10, five segments)."""

    def __post_init__(self) -> None:
        for what, name in (("stream", self.stream), ("variant", self.variant)):
            if not NAME.fullmatch(name):
                raise ConfigError(
                    f"{what} name {name[:80]!r} cannot be used: letters, digits, '.', '_' and '-', "
                    "at most 64, the first one a letter or digit"
                )
        # Under half a second GOPs cost more than the picture; over 60 s nothing is live any more.
        _within("segment_seconds", self.segment_seconds, 0.5, 60)
        # RFC 8216bis §6.2.2 wants three Target Durations; more than 1000 would be a recording, not a window.
        _within("window", self.window, 3, 1000)
        _within("dvr", self.dvr, 0, 4 * 3600)
        if self.encoder not in ENCODERS:
            raise ConfigError(f"encoder is {self.encoder!r}: it must be one of {', '.join(ENCODERS)}")
        _within("max_height", self.max_height, 64, 4320)
        if self.video_bitrate is not None:
            _within("video_bitrate", self.video_bitrate, 50_000, 100_000_000)
        if self.stall_seconds is not None:
            _within("stall_seconds", self.stall_seconds, 1, 3600)

    @property
    def stall(self) -> float:
        """Seconds."""
        return self.stall_seconds if self.stall_seconds is not None else max(10.0, 5 * self.segment_seconds)


def _within(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise ConfigError(f"{name} is {value}: it must be from {least:g} to {most:g}")
