"""Which streams are recorded: what the API said last, and is remembered, before what the settings say."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import orjson

from seeder.ingest.storage import write_atomically

MOST = 1000
"""Streams that the API may have said something about: more than one server has."""
LARGEST = 256 * 1024

log = logging.getLogger(__name__)


class Switches:
    """``file``: where the API's word is remembered; ``configured``: by stream, what its ``[[streams]]`` table
    says; ``default``: of all others."""

    def __init__(self, file: Path, default: bool, configured: Mapping[str, bool]) -> None:
        self._path = file
        self._default = default
        self._configured = dict(configured)
        self._said: dict[str, bool] = {}

    def configure(self, default: bool, configured: Mapping[str, bool]) -> None:
        """What the settings say from now on."""
        self._default = default
        self._configured = dict(configured)

    def load(self) -> None:
        """Blocking; what cannot be read counts as never said."""
        try:
            with self._path.open("rb") as file:
                found = orjson.loads(file.read(LARGEST))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            log.warning("%s cannot be read (%s): what the API switched is forgotten", self._path, error)
            return
        if isinstance(found, dict):
            self._said = {name: on for name, on in found.items() if isinstance(on, bool)}

    def on(self, stream: str) -> bool:
        if stream in self._said:
            return self._said[stream]
        return self._configured.get(stream, self._default)

    @property
    def any(self) -> bool:
        """Whether some stream is, or could be, recorded."""
        return self._default or any(self._configured.values()) or any(self._said.values())

    def switch(self, stream: str, on: bool) -> None:
        """From now on, and after a restart. Blocking; OSError: then as before; ValueError: too many."""
        said = self._said | {stream: on}
        if self._configured.get(stream, self._default) == on:
            del said[stream]  # as it would be anyway
        if len(said) > MOST:
            raise ValueError(f"{MOST} streams have been switched: no more can be remembered")
        write_atomically(self._path, orjson.dumps(said))
        self._said = said
