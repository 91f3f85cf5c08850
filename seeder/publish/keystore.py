"""The keys as a running server knows them: held in memory, read again when the file changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from seeder.errors import ConfigError
from seeder.publish.claim import Claim, Grant, RefusedError
from seeder.publish.keyfile import KeyFile, Stamp
from seeder.publish.keys import MAX_KEY, Key, Keys

POLL = 0.5
"""Seconds between two looks at the file: a revoked key's publisher ends within a second."""
USED = 60
"""Seconds before the use of a key is written down again: an encoder that comes back each second must not have
the file written each second."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyGrant(Grant):
    """By a stream key: good for as long as that is."""


class KeyStore:
    """``file``: None where there is no place for one: then there is no key. ``clock``: Unix seconds."""

    def __init__(self, file: KeyFile | None, clock: Callable[[], float] = time.time) -> None:
        self.file = file
        self.trouble = ""
        """Why nobody is let in, a line; empty when all is well."""
        self._clock = clock
        self._keys = Keys()
        self._stamp: Stamp = None
        self._reading = asyncio.Lock()
        self._writing: set[asyncio.Task[None]] = set()

    def use(self, file: KeyFile | None) -> None:
        """That one from now on: the next :meth:`refresh` reads it."""
        if file is not self.file:
            self.file, self._stamp = file, None
            if file is None:
                self._keys, self.trouble = Keys(), ""

    async def refresh(self) -> None:
        """As the file says now. A damaged one lets nobody in, and those inside stay: what it said last is all
        that is known of their keys."""
        if self.file is None:
            return
        async with self._reading:
            stamp = self.file.stamp()
            if stamp == self._stamp:
                return
            try:
                self._keys = await asyncio.to_thread(self.file.read)
            except ConfigError as error:
                if str(error) != self.trouble:
                    log.error("nobody can publish by a key: %s", error)
                self.trouble = str(error)
            else:
                self.trouble = ""
            self._stamp = stamp

    async def __call__(self, claim: Claim) -> Grant:
        """An :data:`~seeder.publish.claim.Access`."""
        await self.refresh()
        key = self._keys.match(claim.key) if 0 < len(claim.key) <= MAX_KEY else None
        if self.trouble:
            raise RefusedError("keys cannot be looked up now", 503)
        if key is None:
            raise RefusedError("no such key" if claim.key else "a key is needed")
        if not key.valid(self._clock()):
            raise RefusedError("the key has expired")
        if claim.stream is None or claim.stream == key.stream:
            self._use(key)
        return KeyGrant(key.stream, key.id, key.expires)

    def all(self) -> Keys:
        """As they were read last."""
        return self._keys

    def passphrase(self, stream: str) -> str | None:
        """What SRT publishers of ``stream`` encrypt with; None: nobody publishes it over SRT so. It is a key:
        who knows it claims with it."""
        return None if self.trouble else self._keys.passphrase(stream, self._clock())

    def good(self, ident: str) -> bool:
        """Whether the key of this id opens anything now."""
        key = self._keys.get(ident)
        return key is not None and key.valid(self._clock())

    def _use(self, key: Key) -> None:
        now = self._clock()
        if self.file is None or (key.used is not None and 0 <= now - key.used < USED):
            return
        self._keys = self._keys.seen(key.id, now)
        task = asyncio.create_task(asyncio.to_thread(_note, self.file, key.id, now))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Returns once nothing is being written."""
        await asyncio.gather(*self._writing, return_exceptions=True)


def _note(file: KeyFile, ident: str, now: float) -> None:
    try:
        file.change(lambda keys: (keys.seen(ident, now), None))
    except ConfigError as error:  # a file that is not ours to write: the key is as good
        log.debug("when a key was used cannot be written down: %s", error)
