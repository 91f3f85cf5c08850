"""What the program says on stderr: text or JSON, one line an event, no secrets, no floods.

:func:`mask`, :class:`Repeats` and the formatters are pure; :func:`setup` installs them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TextIO

_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^\s'\"]*@", re.IGNORECASE)
# rtmp://host/app/<stream key>: whoever knows the last component may broadcast in our name.
_RTMP_KEY = re.compile(r"(?P<app>\brtmp[a-z]*://[^\s/]+/[^\s/?]+/)[^\s?'\"]+", re.IGNORECASE)
_PARAMETER = re.compile(
    r"(?P<name>\b(?:[a-z_-]*(?:key|token|secret|password|passwd|passphrase|signature|auth)|pass|pwd|sig|streamid)=)"
    r"[^\s&;,'\"]+",
    re.IGNORECASE,
)
# Stream keys and admin tokens of ours, and JWTs, wherever they stand.
_TOKEN = re.compile(r"\blta?_[A-Za-z0-9]{12,}|\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*")
_BEARER = re.compile(r"(?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)


def mask(text: str) -> str:
    """``text`` with passwords, keys and tokens replaced by ``***``; safe to write to a log."""
    text = _USERINFO.sub(r"\g<scheme>***@", text)
    text = _RTMP_KEY.sub(r"\g<app>***", text)
    text = _TOKEN.sub("***", text)
    text = _PARAMETER.sub(r"\g<name>***", text)
    return _BEARER.sub(r"\g<scheme>***", text)


class Repeats:
    """Lets a warning of one place through ``burst`` times in ``period`` seconds, then counts the rest.

    A peer or a broken file can cause the same warning thousands of times a minute; the first few tell all.
    """

    def __init__(self, burst: int = 5, period: float = 60.0, places: int = 256) -> None:
        self._burst = burst
        self._period = period
        # The program has fewer places that warn; the bound is for messages of libraries.
        self._places = places
        self._seen: OrderedDict[tuple[str, int], tuple[float, int]] = OrderedDict()
        """Place → (start of its period, warnings since)."""

    def admit(self, place: tuple[str, int], now: float) -> int | None:
        """``None``: hold this one back; else how many were held back in the place's last period."""
        start, count = self._seen.pop(place, (now, 0))
        held = 0
        if now - start >= self._period:
            held = max(0, count - self._burst)
            start, count = now, 0
        self._seen[place] = (start, count + 1)
        if len(self._seen) > self._places:
            self._seen.popitem(last=False)
        return held if count < self._burst else None


class RepeatFilter(logging.Filter):
    """Applies :class:`Repeats` to warnings and errors; information and debugging pass."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._repeats = Repeats()
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        held = self._repeats.admit((record.pathname, record.lineno), self._clock())
        if held:
            record.held = held
        return held is not None


def _message(record: logging.LogRecord, tracebacks: bool) -> str:
    """The record's text, masked; a traceback only when asked for, else its last line."""
    text = record.getMessage()
    if held := getattr(record, "held", 0):
        text += f" ({held} more like it were held back)"
    if record.exc_info and record.exc_info[1] is not None and not tracebacks:
        error = record.exc_info[1]
        text += f": {type(error).__name__}: {error}"
    return mask(text)


class TextFormatter(logging.Formatter):
    """``12:34:56 segment ready``; the level is shown from warnings up."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__(datefmt="%H:%M:%S")
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        # One event, one line: text from outside (ffmpeg, peers) cannot forge a second one.
        line = " ".join(_message(record, self._tracebacks).splitlines())
        line = f"{self.formatTime(record, self.datefmt)} {level}{line}"
        if record.exc_info and self._tracebacks:
            line += "\n" + mask(self.formatException(record.exc_info))
        return line


class JsonFormatter(logging.Formatter):
    """One object a line: ``time`` (UTC, RFC 3339), ``level``, ``logger``, ``message``[, ``traceback``]."""

    def __init__(self, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        event = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record, self._tracebacks),
        }
        if record.exc_info and self._tracebacks:
            event["traceback"] = mask(self.formatException(record.exc_info))
        return json.dumps(event, ensure_ascii=False)


def setup(log_format: str = "text", log_level: str = "info", stream: TextIO | None = None) -> None:
    """Route every logger to ``stream`` (stderr); called once, replaces what was there before."""
    tracebacks = log_level == "debug"
    handler = logging.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter((JsonFormatter if log_format == "json" else TextFormatter)(tracebacks))
    handler.addFilter(RepeatFilter())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    # Libraries speak from warnings up; what they say at lower levels is about themselves.
    root.setLevel(logging.WARNING)
    logging.getLogger("seeder").setLevel(log_level.upper())
    logging.captureWarnings(True)
    logging.raiseExceptions = tracebacks


def is_json() -> bool:
    """Whether :func:`setup` chose JSON: then errors, too, are JSON lines."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)
