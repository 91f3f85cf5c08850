"""What is made of a ladder for one input: its steps. Pure.

All steps share their key frames, so a frame rate of a step's own is the input's divided by a whole number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from seeder.ingest.probe import Video
from seeder.ladder import AUDIO_BITRATE, CODECS, Choice, Ladder, Rung, rank

BITS_PER_PIXEL = 0.1  # x264 veryfast looks good from here on
LEAST_BITRATE, MOST_BITRATE = 400_000, 6_000_000
LEAST_LOW_BITRATE = 200_000  # the lowest rungs are for lines that carry no more
HEIGHTS = (1080, 720, 480, 360, 240)
CLOSEST = 0.75  # of the height above: nearer rungs look the same
CHEAPER = 0.7  # of the bit rate above, at most: less difference is not worth a switch
STARVED = 0.5  # of the usual bit rate of its size: a rung below that looks worse than the next smaller one
AUTO_RUNGS = 4
# Of 2 cores at 2–3 GHz one encodes some 50 Mpixel/s of ordinary pictures with x264 veryfast. Half of that is
# planned with: the rest of the machine serves viewers, and a livelier picture takes more.
AUTO_PIXELS_PER_CORE = 25_000_000
HEVC_EFFORT = 3  # × the work of x264 veryfast for the same picture
HEVC_SAVES = 0.6  # × the bits of x264 that look alike
COPIED_RATE = 1.25  # × a rung's bit rate: an input of no more than that need not be encoded for it


@dataclass(frozen=True, slots=True)
class Step:
    """One variant as it is made."""

    folder: str
    """``v0``, ``v1``, … from the best; ``h0``, … those in HEVC; ``a0`` for sound alone."""
    height: int = 0
    """0 where nothing is scaled."""
    bitrate: int = LEAST_BITRATE
    every: int = 1
    """One frame in so many."""
    audio_bitrate: int = AUDIO_BITRATE
    copied: bool = False
    sound: bool = False
    label: str = ""
    """For people: ``720p``."""
    pixels: float = 0.0
    """To be encoded a second: what it costs."""
    codec: str = CODECS[0]


def usual_bitrate(width: int, height: int, rate: float, least: int = LEAST_BITRATE) -> int:
    """bit/s at which x264 veryfast shows such a picture well."""
    return int(min(MOST_BITRATE, max(least, width * height * rate * BITS_PER_PIXEL)))


@dataclass(frozen=True, slots=True)
class Input:
    """What the choice of steps depends on."""

    video: Video | None
    """None: not known beforehand; anything is tried."""
    frame_rate: float
    """Frames a second that are encoded."""
    bitrate: int | None = None
    """Of the video, bit/s; None when it was not measured."""
    copies: bool = False
    """It fits to be copied."""
    max_height: int = 720
    """What the best encoded rung is scaled down to, unless asked for."""
    cores: int = 2


def steps(ladder: Ladder, given: Input) -> tuple[Step, ...]:
    """Best first, sound alone last; empty without a ladder. Nothing is scaled up."""
    if ladder.choice is Choice.OFF:
        return ()
    rungs = _auto(given) if ladder.choice is Choice.AUTO else _fitting(ladder.rungs, given)
    # A copied frame keeps its time, and others of another rate have no frame at that time.
    # Beside HEVC, which is made without B frames, a copy that has some would have its sound cut elsewhere.
    alike = all(
        (rung.frame_rate is None or _every(rung, given) == 1) and rung.codec == CODECS[0] for rung in rungs
    )
    out: list[Step] = []
    for letter, codec in zip("vh", CODECS, strict=True):
        for number, rung in enumerate(rung for rung in rungs if not rung.sound and rung.codec == codec):
            copied = not out and alike and _copies(rung, given)
            out.append(_step(f"{letter}{number}", rung, given, copied))
    out += [
        Step("a0", audio_bitrate=rung.audio_bitrate, sound=True, label="audio")
        for rung in rungs
        if rung.sound
    ]
    return tuple(out)


def _fitting(rungs: Iterable[Rung], given: Input) -> list[Rung]:
    """Without those that would be scaled up: the best of these becomes as high as the input is."""
    if given.video is None or not given.video.height:
        return list(rungs)
    own, rungs = given.video.height, list(rungs)
    out = [rung for rung in rungs if rung.height <= own]
    for codec in CODECS:
        tall = [rung for rung in rungs if rung.height > own and rung.codec == codec]
        if tall and not any(
            rung.height in (0, own) and rung.codec == codec for rung in out if not rung.sound
        ):
            out.append(replace(tall[-1], height=own))
    return sorted(out, key=rank)


def _copies(rung: Rung, given: Input) -> bool:
    if not given.copies or given.video is None:
        return False
    if not rung.height:
        return True
    if rung.height != given.video.height:
        return False
    return rung.bitrate is None or (given.bitrate or 0) <= rung.bitrate * COPIED_RATE


def _every(rung: Rung, given: Input) -> int:
    """The whole number that the frame rate is divided by."""
    return max(1, round(given.frame_rate / rung.frame_rate)) if rung.frame_rate else 1


def _size(height: int, given: Input) -> tuple[int, int]:
    """(width, height) in pixels; 16:9 where the input's is not known."""
    video = given.video
    if video is None or not video.height:
        return height * 16 // 9, height
    return video.width * height // video.height, height


def _step(folder: str, rung: Rung, given: Input, copied: bool) -> Step:
    own = given.video.height if given.video else 0
    height = rung.height or min(own or given.max_height, given.max_height)
    every = _every(rung, given)
    rate = given.frame_rate / every
    width, height = _size(own if copied and own else height, given)
    bits = rung.bitrate or usual_bitrate(width, height, rate, LEAST_LOW_BITRATE)
    label = f"{height}p{rate:.0f}" if every > 1 else f"{height}p"
    pixels = 0.0 if copied else width * height * rate
    if rung.codec != CODECS[0]:
        label, pixels = f"{label} {rung.codec}", pixels * HEVC_EFFORT
        bits = rung.bitrate or int(bits * HEVC_SAVES)
    return Step(
        folder,
        0 if copied else height,
        bits,
        every,
        rung.audio_bitrate,
        copied,
        False,
        label,
        pixels,
        rung.codec,
    )


def _auto(given: Input) -> list[Rung]:
    """The input itself, and lower ones while this machine can be expected to encode them."""
    own = given.video.height if given.video and given.video.height else given.max_height
    height = own if given.copies else min(own, given.max_height)
    width, _ = _size(height, given)
    bits = usual_bitrate(width, height, given.frame_rate, LEAST_LOW_BITRATE)
    if given.bitrate:
        bits = given.bitrate if given.copies else min(bits, given.bitrate)
    room = AUTO_PIXELS_PER_CORE * given.cores
    if not given.copies:
        room -= int(width * height * given.frame_rate)
    out = [Rung() if given.copies else Rung(height, max(bits, 50_000))]
    for low in HEIGHTS:
        width, _ = _size(low, given)
        usual = usual_bitrate(width, low, given.frame_rate, LEAST_LOW_BITRATE)
        rate = min(usual, int(bits * CHEAPER))
        cost = width * low * given.frame_rate
        if low > height * CLOSEST or rate < usual * STARVED or cost > room or len(out) >= AUTO_RUNGS:
            continue
        out.append(Rung(low, rate))
        height, bits, room = low, rate, room - int(cost)
    return out


def costliest(made: Sequence[Step]) -> Step | None:
    """Which of these to give up when the machine cannot keep up: of those that are encoded the one that costs
    most, never the last picture; None when nothing is left to give up."""
    pictures = [step for step in made if not step.sound]
    candidates = [step for step in pictures if not step.copied]
    if len(candidates) == len(pictures):  # without a copy the lowest stays that every browser plays
        lowest = [step for step in pictures if step.codec == CODECS[0]][-1:]
        candidates = [step for step in candidates if step not in lowest]
    return max(candidates, key=lambda step: step.pixels, default=None)
