"""Parts, hold-backs and hints: the low-latency tags of one media playlist. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seeder.hls.check.lines import Line
from seeder.hls.check.rules import Finding
from seeder.hls.playlist import MediaPlaylist

ROUNDING = 0.01
"""Seconds: durations are written with a few digits."""
LEAST_PART = 0.85
RECENT = 3
"""Target durations from the end for which parts are of use."""


def low_latency(playlist: MediaPlaylist, lines: Sequence[Line]) -> Iterator[Finding]:
    parts = [line for line in lines if line.tag == "EXT-X-PART"]
    inf = _first(lines, "EXT-X-PART-INF")
    target = _seconds(inf, "PART-TARGET")
    if parts and inf is None:
        yield Finding("part-inf-missing", parts[0].number, "parts, and no EXT-X-PART-INF")
    yield from _control(playlist, lines, target if parts else None)
    if target is not None:
        yield from _parts(playlist, lines, target)
    yield from _hints(lines)
    for line in lines:
        if line.tag == "EXT-X-SKIP":
            yield Finding("skip-unasked", line.number, "EXT-X-SKIP, though no delta update was asked for")


def _first(lines: Sequence[Line], tag: str) -> Line | None:
    return next((line for line in lines if line.tag == tag), None)


def _seconds(line: Line | None, name: str) -> float | None:
    try:
        return float(line.attributes.values[name]) if line is not None else None
    except (KeyError, ValueError):
        return None  # a finding already, where it is one


def _control(playlist: MediaPlaylist, lines: Sequence[Line], part: float | None) -> Iterator[Finding]:
    line = _first(lines, "EXT-X-SERVER-CONTROL")
    number = line.number if line else 0
    whole = playlist.target_duration
    hold, skip = _seconds(line, "HOLD-BACK"), _seconds(line, "CAN-SKIP-UNTIL")
    if hold is not None and hold < 3 * whole:
        yield Finding(
            "hold-back-short", number, f"HOLD-BACK {hold:g}, three target durations are {3 * whole:g}"
        )
    if skip is not None and skip < 6 * whole:
        text = f"CAN-SKIP-UNTIL {skip:g}, six target durations are {6 * whole:g}"
        yield Finding("skip-until-short", number, text)
    if line is not None and line.get("CAN-SKIP-DATERANGES") == "YES" and skip is None:
        yield Finding("skip-dateranges-alone", number, "CAN-SKIP-DATERANGES without CAN-SKIP-UNTIL")
    if part is None:
        return
    back = _seconds(line, "PART-HOLD-BACK")
    if back is None:
        yield Finding("part-hold-back-missing", number, "parts, and no PART-HOLD-BACK")
    elif back < 2 * part:
        yield Finding("part-hold-back-short", number, f"PART-HOLD-BACK {back:g}, PART-TARGET is {part:g}")
    elif back < 3 * part:
        yield Finding("part-hold-back-tight", number, f"PART-HOLD-BACK {back:g}, PART-TARGET is {part:g}")
    if line is None or line.get("CAN-BLOCK-RELOAD") != "YES":
        yield Finding("blocking-reload-missing", number, "parts, and no CAN-BLOCK-RELOAD=YES")


def _parts(playlist: MediaPlaylist, lines: Sequence[Line], target: float) -> Iterator[Finding]:
    by_line = {segment.uri_line + 1: segment for segment in playlist.segments}
    remaining = playlist.duration
    open_parts: list[tuple[Line, float]] = []
    for line in lines:
        if line.tag == "EXT-X-PART":
            seconds = _seconds(line, "DURATION")
            if seconds is None:
                continue
            if seconds > target + 1e-6:
                yield Finding(
                    "part-above-target", line.number, f"a part of {seconds:g} s, PART-TARGET {target:g}"
                )
            open_parts.append((line, seconds))
        elif segment := by_line.get(line.number):
            # The last part may be short; so may the last before a gap in what the encoder got.
            for part, seconds in open_parts[:-1]:
                if seconds < LEAST_PART * target - 1e-6 and part.get("GAP") != "YES":
                    yield Finding(
                        "part-below-target", part.number, f"a part of {seconds:g} s, PART-TARGET {target:g}"
                    )
            if open_parts:
                total = sum(seconds for _, seconds in open_parts)
                if abs(total - segment.duration) > ROUNDING * len(open_parts):
                    text = f"parts of {total:g} s, a segment of {segment.duration:g} s"
                    yield Finding("part-sum-off", segment.line + 1, text)
                if remaining - segment.duration > RECENT * playlist.target_duration + ROUNDING:
                    text = f"parts {remaining - segment.duration:g} s before the end"
                    yield Finding("parts-too-old", open_parts[0][0].number, text)
            open_parts = []
            remaining -= segment.duration


def _hints(lines: Sequence[Line]) -> Iterator[Finding]:
    listed = {(line.get("URI"), line.get("BYTERANGE")) for line in lines if line.tag == "EXT-X-PART"}
    uris = {uri for uri, span in listed if span is None}
    types: set[str | None] = set()
    for line in lines:
        if line.tag != "EXT-X-PRELOAD-HINT":
            continue
        if line.get("TYPE") in types:
            yield Finding("hint-repeated", line.number, f"another hint of TYPE={line.get('TYPE')}")
        types.add(line.get("TYPE"))
        whole = "BYTERANGE-START" not in line.attributes.values
        if line.get("TYPE") == "PART" and whole and line.get("URI") in uris:
            yield Finding("hint-listed", line.number, f"{line.get('URI')} is listed already")
