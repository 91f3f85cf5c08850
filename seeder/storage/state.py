"""What is stored, and what is still to be deleted there: one small file. Blocking."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from seeder.ingest.storage import write_atomically

log = logging.getLogger(__name__)


@dataclass(slots=True)
class State:
    url: str
    """Of the place it speaks of."""
    stored: dict[str, int] = field(default_factory=dict)
    """Recording → bytes there."""
    unwanted: set[str] = field(default_factory=set)
    """Recordings that were deleted here, and not there yet."""


def load(path: Path, url: str) -> State:
    """Empty where there is none, or of another place."""
    try:
        found = orjson.loads(path.read_bytes())
        if found["url"] == url:
            stored = {str(name): int(size) for name, size in found["stored"].items()}
            return State(url, stored, {str(name) for name in found["unwanted"]})
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read (%s): what is stored is looked up again", path, error)
    return State(url)


def save(path: Path, state: State) -> None:
    """OSError."""
    document = {"url": state.url, "stored": state.stored, "unwanted": sorted(state.unwanted)}
    write_atomically(path, orjson.dumps(document))
