"""What one run of ffmpeg does: values alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seeder.ingest.encoders import ENCODERS, SOFTWARE, Encoder
from seeder.ingest.sources import Source
from seeder.ingest.steps import LEAST_BITRATE, Step

USUAL_FRAME_RATE = "30"


class Mode(StrEnum):
    COPY = "copy"
    ENCODE = "encode"
    NONE = "none"
    IF_ANY = "encode if there is any"  # the input could not be probed


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run does."""

    source: Source
    video: Mode
    audio: Mode
    segment_seconds: float
    target_duration: int
    paced: bool
    """ffmpeg reads at the input's own pace, since nothing else slows it down."""
    loop: bool
    frame_rate: str = USUAL_FRAME_RATE
    interlaced: bool = False
    max_height: int = 720
    frame: tuple[int, int] | None = None
    """Width and height that the picture is fitted into, should it change; None: it does not."""
    bitrate: int = LEAST_BITRATE
    why: str = ""
    """Why the video is not copied; empty when it is, or when there is none to copy."""
    steps: tuple[Step, ...] = ()
    """The variants of a ladder, best first; empty without one: then there is one variant, as said above."""
    encoder: Encoder = ENCODERS[SOFTWARE]
    reorders: bool = True
    """The encoder may make B frames: the variants' sound is cut where their pictures are decoded, so all of
    them must reorder alike."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Their folders, where there is a ladder."""
        return tuple(step.folder for step in self.steps)


@dataclass(frozen=True, slots=True)
class Launch:
    """What differs from run to run."""

    burst: float = 0.0
    """Seconds of media a paced input gives at once, to fill the timeline up to now."""
    clock: float = 0.0
    """Seconds after midnight at media time 0, for the test picture."""
    pipes: tuple[int, ...] = (1,)
    """Numbers of the pipes to write to, one for each variant."""
