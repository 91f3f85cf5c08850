"""The live test picture as an ffmpeg filter graph: moving, with wall clock, frame counter and tone. Pure.

ffmpeg's ``testsrc2`` moves and writes its own time stamp and frame number with a built-in font. The wall
clock is drawn as seven-segment digits out of boxes: ``drawtext`` would need a font file, and a bare machine
has none.
"""

from __future__ import annotations

WIDTH, HEIGHT, FRAME_RATE = 640, 360, 30
TONE = 440  # Hz, with a beep on every second to judge lip-sync by
SAMPLE_RATE = 48_000

# The lit segments of the digits 0–9; bit 0 is the top bar, then clockwise, bit 6 is the middle bar.
LIT = (0x3F, 0x06, 0x5B, 0x4F, 0x66, 0x6D, 0x7D, 0x07, 0x7F, 0x6F)
# (seconds per step, steps) of each digit of HH:MM:SS.d; a mark stands for itself.
FACE: tuple[tuple[float, int] | str, ...] = (
    (36000, 3), (3600, 10), ":", (600, 6), (60, 10), ":", (10, 6), (1, 10), ".", (0.1, 10),
)  # fmt: skip
DIGIT_WIDTH, DIGIT_HEIGHT, STROKE = 32, 56, 6
STEP = DIGIT_WIDTH + 2 * STROKE
MARK_STEP = 3 * STROKE
DAY = 86400


def graph(clock: float) -> str:
    """The ``lavfi`` graph with outputs ``out0`` (video) and ``out1`` (audio); its clock starts at ``clock``
    seconds after midnight."""
    face_width = sum(MARK_STEP if isinstance(part, str) else STEP for part in FACE) - 2 * STROKE
    left, top = (WIDTH - face_width) // 2, HEIGHT - DIGIT_HEIGHT - 32
    filters = [
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FRAME_RATE}",
        _box(left - 12, top - 12, face_width + 24, DIGIT_HEIGHT + 24, "black"),
    ]
    x = left
    for part in FACE:
        if isinstance(part, str):
            heights = (0.3, 0.7) if part == ":" else (0.9,)
            filters += [_box(x, top + int(DIGIT_HEIGHT * height), STROKE, STROKE) for height in heights]
            x += MARK_STEP
        else:
            filters += _digit(x, top, f"mod(floor(mod(t+{clock:.3f},{DAY})/{part[0]}),{part[1]})")
            x += STEP
    tone = f"sine=frequency={TONE}:beep_factor=2:sample_rate={SAMPLE_RATE}"
    return f"{','.join(filters)}[out0];{tone}[out1]"


def _digit(x: int, y: int, value: str) -> list[str]:
    """Seven boxes, each drawn while the expression ``value`` is one of the digits it is lit for."""
    half = (DIGIT_HEIGHT - STROKE) // 2
    right, low = DIGIT_WIDTH - STROKE, DIGIT_HEIGHT - STROKE
    shapes = (
        (0, 0, DIGIT_WIDTH, STROKE),
        (right, 0, STROKE, half + STROKE),
        (right, half, STROKE, half + STROKE),
        (0, low, DIGIT_WIDTH, STROKE),
        (0, half, STROKE, half + STROKE),
        (0, 0, STROKE, half + STROKE),
        (0, half, DIGIT_WIDTH, STROKE),
    )
    boxes = []
    for bar, (dx, dy, width, height) in enumerate(shapes):
        lit = sum(1 << digit for digit, bars in enumerate(LIT) if bars >> bar & 1)
        boxes.append(_box(x + dx, y + dy, width, height) + f":enable='bitand(floor({lit}/pow(2,{value})),1)'")
    return boxes


def _box(x: int, y: int, width: int, height: int, color: str = "white") -> str:
    return f"drawbox=x={x}:y={y}:w={width}:h={height}:color={color}:t=fill"
