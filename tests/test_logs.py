"""What reaches the log: one line an event, no secret, no flood."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What was logged, with the root logger put back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("seeder")
    before = (root.handlers[:], root.level, ours.level, logging.raiseExceptions)
    yield io.StringIO()
    root.handlers[:], root.level, ours.level, logging.raiseExceptions = before
    logging.captureWarnings(False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://user:hunter2@cam/1", "rtsp://***@cam/1"),
        ("rtsp://user:hunter@2/3@cam/1", "rtsp://***@cam/1"),
        ("rtmp://a.example.org/live/sk-12345?x=1", "rtmp://a.example.org/live/***?x=1"),
        ("srt://h:9000?passphrase=abcdefghij&mode=caller", "srt://h:9000?passphrase=***&mode=caller"),
        ("https://h/x?api_key=1&Token=2&b=3", "https://h/x?api_key=***&Token=***&b=3"),
        ("Authorization: Bearer abcdef.123", "Authorization: Bearer ***"),
        (f"no stream lt_{'aB3' * 9}, nor lta_{'x9' * 16}", "no stream ***, nor ***"),
        (f"/whip/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.{'s-_' * 14}?", "/whip/***?"),
        ("http://h/live/demo/master.m3u8", "http://h/live/demo/master.m3u8"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert logs.mask(text) == masked


@given(st.text(alphabet="abcXYZ0123", min_size=6, max_size=20))
def test_no_password_in_a_url_survives(password: str) -> None:
    secret = f"q{password}q"
    assert secret not in logs.mask(f"cannot open rtmp://me:{secret}@host/app/{secret}?token={secret}")


def test_a_repeated_warning_is_held_back_and_counted() -> None:
    repeats = logs.Repeats(burst=2, period=60)
    here, there = ("a.py", 1), ("a.py", 2)
    assert [repeats.admit(here, now) for now in (0, 1, 2, 3)] == [0, 0, None, None]
    assert repeats.admit(there, 3) == 0
    assert repeats.admit(here, 60) == 2
    assert repeats.admit(here, 61) == 0


def test_the_memory_of_repeats_is_bounded() -> None:
    repeats = logs.Repeats(places=10)
    for line in range(1000):
        repeats.admit(("a.py", line), float(line))
    assert len(repeats._seen) == 10


def test_a_text_line_is_one_line_whatever_is_logged(written: io.StringIO) -> None:
    logs.setup("text", "info", written)
    logging.getLogger("seeder.x").warning("bad name %s", "a\r\n12:00:00 all is well")
    assert written.getvalue().count("\n") == 1
    assert "warning: bad name a 12:00:00 all is well" in written.getvalue()


@pytest.mark.parametrize(("level", "traceback"), [("info", False), ("debug", True)])
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_is_shown_only_when_debugging(
    written: io.StringIO, log_format: str, level: str, traceback: bool
) -> None:
    logs.setup(log_format, level, written)
    try:
        raise OSError("disk on fire")
    except OSError:
        logging.getLogger("seeder.x").exception("cannot write")
    assert ("Traceback" in written.getvalue()) is traceback
    assert "disk on fire" in written.getvalue()


def test_json_lines_are_objects_and_masked(written: io.StringIO) -> None:
    logs.setup("json", "info", written)
    logging.getLogger("seeder.ingest").info("reading %s", "rtsp://a:b@c/d")
    event = json.loads(written.getvalue())
    assert event["message"] == "reading rtsp://***@c/d"
    assert event["level"] == "info"
    assert event["logger"] == "seeder.ingest"


def test_libraries_speak_from_warnings_up(written: io.StringIO) -> None:
    logs.setup("text", "debug", written)
    logging.getLogger("hypercorn.error").info("Running on …")
    logging.getLogger("seeder.web").debug("served")
    assert "Running on" not in written.getvalue()
    assert "debug: served" in written.getvalue()
