"""The ladder: which variants a stream shall have, as an operator writes it down. Pure.

    720p@2500k,480p30@1000k+96k,720p@1500k:hevc,audio@64k        on the command line
    [{height = 720, bitrate = "2500k"}, {height = 480, frame_rate = 30}, {audio = "64k"}]        in a config

A rung is what is asked for; what is done about it for one input is a step (``seeder.ingest.steps``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_RUNGS = 8  # more variants than that only make players switch for nothing
MOST_HEIGHT = 4320
AUDIO_BITRATE = 128_000
HARDWARE = ("h264_nvenc", "h264_qsv", "h264_videotoolbox", "h264_vaapi", "h264_v4l2m2m")
ENCODERS = ("auto", "libx264", *HARDWARE)
"""What pictures can be encoded with; auto: the first of these that works on this machine, libx264 last."""
CODECS = ("h264", "hevc")
"""h264 is played by every browser; hevc by some, in fewer bits and for more work."""
LEAST_FRAME_RATE = 5  # a slower rung has no frame where the others' segments may still end


class Choice(StrEnum):
    OFF = "off"
    AUTO = "auto"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Rung:
    """One variant as asked for."""

    height: int = 0
    """0: the input's own, copied where it can be."""
    bitrate: int | None = None
    """Of the video, bit/s; None chooses by size and frame rate."""
    frame_rate: float | None = None
    """At most; None keeps the input's."""
    audio_bitrate: int = AUDIO_BITRATE
    sound: bool = False
    """Nothing but sound."""
    codec: str = CODECS[0]

    def __str__(self) -> str:
        if self.sound:
            return f"audio@{_short(self.audio_bitrate)}"
        size = f"{self.height}p" if self.height else "copy"
        rate = f"{self.frame_rate:g}" if self.frame_rate else ""
        bits = f"@{_short(self.bitrate)}" if self.bitrate else ""
        audio = f"+{_short(self.audio_bitrate)}" if self.audio_bitrate != AUDIO_BITRATE else ""
        codec = f":{self.codec}" if self.codec != CODECS[0] else ""
        return size + rate + bits + audio + codec


@dataclass(frozen=True, slots=True)
class Ladder:
    choice: Choice = Choice.OFF
    rungs: tuple[Rung, ...] = ()
    """Best first, sound alone last; empty unless given."""

    def __str__(self) -> str:
        return ",".join(map(str, self.rungs)) if self.rungs else self.choice.value


OFF = Ladder()


def parse(value: object) -> Ladder:
    """From text (command line, environment), or a list of texts and tables (TOML).

    ``ValueError`` says what would be accepted.
    """
    if isinstance(value, str) and value.strip().lower() in ("off", "auto"):
        return Ladder(Choice(value.strip().lower()))
    items: Sequence[object]
    if isinstance(value, str):
        items = [item.strip() for item in value.split(",")]
    elif isinstance(value, list | tuple):
        items = value
    else:
        raise ValueError(
            f"auto, off or rungs such as 720p@2500k,480p@1000k,audio@96k are needed, not {value!r}"
        )
    rungs = [_table(item) if isinstance(item, Mapping) else _text(item) for item in items]
    if not rungs or all(rung.sound for rung in rungs):
        raise ValueError("a ladder needs at least one rung with a picture, such as 720p@2500k")
    if all(rung.sound or rung.codec != CODECS[0] for rung in rungs):
        raise ValueError("a ladder needs at least one rung of h264, which every browser plays")
    if len(rungs) > MOST_RUNGS:
        raise ValueError(f"at most {MOST_RUNGS} rungs are useful, not {len(rungs)}")
    if sum(rung.sound for rung in rungs) > 1:
        raise ValueError("one rung of sound alone is enough")
    if sum(not rung.sound and not rung.height for rung in rungs) > 1:
        raise ValueError("copy can stand there only once")
    return Ladder(Choice.GIVEN, tuple(sorted(rungs, key=rank)))


def rank(rung: Rung) -> tuple[bool, bool, float, float, float]:
    """Best first, what not every browser plays after what it does."""
    height = rung.height or MOST_HEIGHT + 1
    return rung.sound, rung.codec != CODECS[0], -height, -(rung.frame_rate or 1000), -(rung.bitrate or 0)


def _text(item: object) -> Rung:
    text = item.strip() if isinstance(item, str) else ""
    sound = re.fullmatch(r"audio(?:@(\S+))?", text, re.IGNORECASE)
    if sound:
        return Rung(audio_bitrate=_audio_rate(sound[1]), sound=True)
    shape = r"(?:(copy)|(\d{2,4})p(\d+(?:\.\d+)?)?)(?:@([^+:\s]+))?(?:\+([^:\s]+))?(?::(\w+))?"
    match = re.fullmatch(shape, text, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{item!r} is no rung: write 720p@2500k, 480p30@1000k+96k, audio@96k or copy")
    copied, height, frame_rate, bits, audio, codec = match.groups()
    if copied and bits:
        raise ValueError("copy keeps the input's bit rate: leave it out")
    if copied and codec:
        raise ValueError("copy keeps the input's codec: leave it out")
    return _rung(0 if copied else int(height), bits, frame_rate, audio, _codec(codec or CODECS[0]))


def _table(table: Mapping[str, object]) -> Rung:
    known = {"height", "bitrate", "frame_rate", "audio", "codec", "copy"}
    if unknown := set(table) - known:
        raise ValueError(f"{sorted(unknown)[0]!r} is not known of a rung: it has {', '.join(sorted(known))}")
    codec = _codec(table.get("codec", CODECS[0]))
    if table.get("copy") is True:
        return _rung(0, None, None, table.get("audio"))
    height = table.get("height")
    if height is None:
        if "audio" not in table or "bitrate" in table:
            raise ValueError("a rung needs a height, or audio for sound alone")
        return Rung(audio_bitrate=_audio_rate(table["audio"]), sound=True)
    if isinstance(height, bool) or not isinstance(height, int):
        raise ValueError(f"height is a number of lines, not {height!r}")
    return _rung(height, table.get("bitrate"), table.get("frame_rate"), table.get("audio"), codec)


def _codec(name: object) -> str:
    found = str(name).lower()
    if found not in CODECS:
        raise ValueError(f"codec {name!r} is not made here: {' and '.join(CODECS)} are")
    return found


def _rung(height: int, bits: object, frame_rate: object, audio: object, codec: str = CODECS[0]) -> Rung:
    if height and not 64 <= height <= MOST_HEIGHT:
        raise ValueError(f"a height must be between 64 and {MOST_HEIGHT}, not {height}")
    rate = None
    if frame_rate is not None:
        try:
            rate = float(str(frame_rate))
        except ValueError:
            raise ValueError(f"a frame rate is a number, not {frame_rate!r}") from None
        if not LEAST_FRAME_RATE <= rate <= 240:
            raise ValueError(f"a frame rate must be between {LEAST_FRAME_RATE} and 240, not {rate:g}")
    bitrate = None if bits is None else bit_rate(bits, 50_000, 100_000_000)
    return Rung(height, bitrate, rate, _audio_rate(audio), codec=codec)


def _audio_rate(value: object) -> int:
    return AUDIO_BITRATE if value is None else bit_rate(value, 16_000, 512_000)


def bit_rate(value: object, least: int, most: int) -> int:
    """bit/s from ``2500k``, ``2.5M`` or a number; ``ValueError`` otherwise."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([km]?)", str(value).strip(), re.IGNORECASE)
    if match is None or isinstance(value, bool):
        raise ValueError(f"a bit rate such as 2500k or 2.5M is needed, not {value!r}")
    number = round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])
    if not least <= number <= most:
        raise ValueError(f"a bit rate must be between {_short(least)} and {_short(most)}, not {value!r}")
    return number


def _short(bits: int) -> str:
    return f"{bits // 1000}k" if bits % 1000 == 0 else str(bits)
