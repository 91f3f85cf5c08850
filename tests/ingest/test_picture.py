from __future__ import annotations

import subprocess

from seeder.ingest.picture import (
    DIGIT_HEIGHT,
    DIGIT_WIDTH,
    FACE,
    HEIGHT,
    LIT,
    MARK_STEP,
    STEP,
    STROKE,
    WIDTH,
    graph,
)


def frame(ffmpeg: str, clock: float) -> bytes:
    command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph(clock), "-map", "0:v", "-frames:v", "1"]
    output = ["-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    done = subprocess.run([*command, *output], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.stderr == b""
    return done.stdout


def read_clock(picture: bytes) -> str:
    """The digits by the pixels in the middle of each bar."""
    width = sum(MARK_STEP if isinstance(part, str) else STEP for part in FACE) - 2 * STROKE
    x, top = (WIDTH - width) // 2, HEIGHT - DIGIT_HEIGHT - 32
    left, middle, right = STROKE // 2, DIGIT_WIDTH // 2, DIGIT_WIDTH - STROKE // 2
    high, low = DIGIT_HEIGHT // 4, DIGIT_HEIGHT * 3 // 4
    spots = [
        (middle, STROKE // 2), (right, high), (right, low), (middle, DIGIT_HEIGHT - STROKE // 2),
        (left, low), (left, high), (middle, DIGIT_HEIGHT // 2),
    ]  # fmt: skip
    text = ""
    for part in FACE:
        if isinstance(part, str):
            text += part
            x += MARK_STEP
        else:
            lit = sum(
                1 << bar for bar, (dx, dy) in enumerate(spots) if picture[(top + dy) * WIDTH + x + dx] > 128
            )
            text += str(LIT.index(lit))
            x += STEP
    return text


def test_the_burnt_in_clock_shows_the_time_of_day(ffmpeg: str) -> None:
    for clock, text in (
        (0.0, "00:00:00.0"),
        (45296.75, "12:34:56.7"),
        (71999.96, "19:59:59.9"),
        (86399.0, "23:59:59.0"),
    ):
        assert read_clock(frame(ffmpeg, clock)) == text


def test_midnight_starts_at_zero_again(ffmpeg: str) -> None:
    assert read_clock(frame(ffmpeg, 86400.05)) == "00:00:00.0"
