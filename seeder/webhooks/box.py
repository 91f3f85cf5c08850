"""The messages that wait, in a file. Blocking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import orjson

from seeder.ingest.storage import write_atomically
from seeder.webhooks.message import Message

LARGEST = 32 << 20
"""Bytes of the file: what is larger is not ours."""


def load(file: Path) -> list[Message]:
    """None where there is no file, or what is there cannot be read. What is damaged is dropped alone."""
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
        found = orjson.loads(data) if len(data) <= LARGEST else []
    except (OSError, orjson.JSONDecodeError):
        return []
    return [message for each in found if (message := _read(each))] if isinstance(found, list) else []


def save(file: Path, messages: Iterable[Message]) -> None:
    """Whole, or not at all; OSError."""
    write_atomically(file, orjson.dumps([asdict(message) for message in messages]))


_TEXTS = ("id", "place", "kind", "stream", "body")


def _read(found: object) -> Message | None:
    try:
        assert isinstance(found, dict)
        ident, place, kind, stream, body = (str(found[name]) for name in _TEXTS)
        return Message(
            ident,
            place,
            kind,
            stream,
            body,
            created=float(found["created"]),
            attempts=max(0, int(found["attempts"])),
            due=float(found["due"]),
        )
    except (AssertionError, KeyError, TypeError, ValueError):
        return None
