"""``[[streams]]`` in the config file: what one run makes, takes and sends on, stream by stream. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from seeder.errors import ConfigError
from seeder.ladder import Ladder
from seeder.settings import SETTINGS
from seeder.values import meant, stream_name

MOST = 100
"""Streams in one file: each has an ffmpeg, and no machine serves more."""
MOST_INPUTS = 1000
"""Of one stream; more stand in a file of their own, as a list."""
MOST_PUSHES = 8
"""Servers that one stream is sent to: each has an ffmpeg of its own."""
PUSH_SCHEMES = ("rtmp", "rtmps", "rtsp", "rtsps", "srt")


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """One table, checked; made by :func:`read`."""

    name: str
    input: str | None = None
    """A file, URL or device, or several, one a line; ``None``: publishers bring it. May hold credentials:
    never to be shown."""
    segment_seconds: float | None = None
    """``None``, as of ``window``: what the rest of the file says."""
    window: int | None = None
    loop: bool = True
    """Play a file over and over."""
    ladder: Ladder | None = None
    """Its variants; ``None``: what the rest of the file says."""
    takeover: bool = True
    """A second publisher takes the stream over; else it is refused."""
    copy: bool = True
    max_height: int | None = None
    video_bitrate: int | None = None
    """bit/s."""
    stall_seconds: float | None = None
    record: bool | None = None
    """``None``, as of ``dvr``: what the rest of the file says."""
    dvr: float | None = None
    """Seconds; 0: none."""
    push: tuple[str, ...] = ()
    """Servers that it is sent on to. They hold credentials, too."""
    where: str = field(default="", compare=False)
    """For messages: file, and stream."""


def read(value: object, source: str, folder: Path | None = None) -> tuple[StreamConfig, ...]:
    """The tables of ``streams`` in the file called ``source``; inputs that are relative paths are relative to
    ``folder``. Raises :class:`ConfigError` with the file, the stream and the key in it."""
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ConfigError(f"{source}: streams: tables are needed, each beginning with a line [[streams]]")
    if len(value) > MOST:
        raise ConfigError(f"{source}: streams: at most {MOST} are possible, not {len(value)}")
    streams = tuple(_stream(table, number, source, folder) for number, table in enumerate(value, 1))
    seen: set[str] = set()
    for stream in streams:
        if stream.name in seen:
            raise ConfigError(f"{source}: [[streams]] {stream.name}: there are two of that name")
        seen.add(stream.name)
    return streams


def one(table: Mapping[str, Any], where: str, folder: Path | None = None) -> StreamConfig:
    """A table, by whatever way it came; ``where`` stands before messages."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _PARSERS:
            raise ConfigError(f"{where}: unknown key {key!r}{meant(key, _PARSERS)}")
        try:
            values[key] = _PARSERS[key](value)
        except ValueError as error:
            raise ConfigError(f"{where}: {key}: {error}") from None
    if "name" not in values:
        raise ConfigError(f"{where}: name is missing")
    if folder is not None and "input" in values:
        values["input"] = "\n".join(_beside(line, folder) for line in values["input"].split("\n"))
    if "input" in values and "takeover" in values:
        raise ConfigError(f"{where}: takeover is for streams without an input: publishers bring those")
    return StreamConfig(**values, where=where)


def _stream(table: Mapping[str, Any], number: int, source: str, folder: Path | None) -> StreamConfig:
    name = table.get("name")
    called = name if isinstance(name, str) and len(name) <= 64 and name.isprintable() else f"number {number}"
    return one(table, f"{source}: [[streams]] {called}", folder)


def _beside(given: str, folder: Path) -> str:
    """A URL or ``FORMAT:DEVICE`` stays; a drive letter is no format."""
    return given if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", given) else str(folder / Path(given).expanduser())


def _input(value: object) -> str:
    """One, or a list: see :mod:`seeder.ingest.playing`."""
    if isinstance(value, list):
        if not value:
            raise ValueError("an empty list is no input")
        return "\n".join(_one_input(item) for item in value)
    return _one_input(value)


def _one_input(value: object) -> str:
    # Values are not shown: they may hold passwords.
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a file, URL or device is needed; leave it out for a stream that publishers bring")
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("holds a control character")
    if value.strip() in ("-", "pipe:", "pipe:0"):
        raise ValueError("standard input is for `live-torrent stream -`")
    return value.strip()


def push_url(value: object) -> str:
    """A server that a stream is sent to; ``ValueError`` otherwise, without a word of it."""
    match = re.fullmatch(r"([a-z]+)://[^/\s'\"\x00-\x1f\x7f]+(?:/[^\s'\"\x00-\x1f\x7f]*)?", str(value))
    if not isinstance(value, str) or match is None or match[1] not in PUSH_SCHEMES:
        raise ValueError(f"addresses that begin with {', '.join(f'{s}://' for s in PUSH_SCHEMES)} are needed")
    return value


def push_urls(value: object) -> tuple[str, ...]:
    """One or several."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or len(items) > MOST_PUSHES:
        raise ValueError(f"a list of at most {MOST_PUSHES} addresses is needed")
    return tuple(dict.fromkeys(push_url(item) for item in items))


def _whole(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed, not {str(value)[:40]!r}")
        return value

    return parse


def _bit_rate(value: object) -> int:
    match = re.fullmatch(r"(\d{1,9})\s*([kM]?)", str(value)) if isinstance(value, int | str) else None
    number = 0 if match is None else int(match[1]) * {"": 1, "k": 1000, "M": 1_000_000}[match[2]]
    if isinstance(value, bool) or not 50_000 <= number <= 100_000_000:
        raise ValueError(f'bits a second from "50k" to "100M" are needed, not {str(value)[:40]!r}')
    return number


def _stall(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 3600:
        raise ValueError(f"from 1 to 3600 seconds are needed, not {str(value)[:40]!r}")
    return float(value)


_PARSERS: Mapping[str, Callable[[object], Any]] = {
    "name": stream_name,
    "input": _input,
    "segment_seconds": SETTINGS["segment_seconds"].parse,
    "window": SETTINGS["window"].parse,
    "loop": SETTINGS["loop"].parse,
    "ladder": SETTINGS["ladder"].parse,
    "takeover": SETTINGS["loop"].parse,
    "copy": SETTINGS["loop"].parse,
    "max_height": _whole(64, 4320),
    "video_bitrate": _bit_rate,
    "stall_seconds": _stall,
    "record": SETTINGS["record"].parse,
    "dvr": lambda value: SETTINGS["dvr"].parse(value) or 0.0,
    "push": push_urls,
}
assert set(_PARSERS) == {each.name for each in fields(StreamConfig)} - {"where"}
