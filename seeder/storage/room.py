"""Copies each recording once it is whole, and deletes the copy with it; behind everything else."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from seeder.backoff import delay
from seeder.errors import cause
from seeder.events import Event, Events
from seeder.feed.library import Library
from seeder.model import Addresses, Resource, StreamView
from seeder.recording.about import ABOUT, Recording
from seeder.recording.about import State as Being
from seeder.recording.about import load as load_about
from seeder.stats.snapshot import StorageStats
from seeder.storage.plan import headers, media, missing, playlists
from seeder.storage.state import State, load, save
from seeder.storage.store import StorageError, Store

AT_ONCE = 4
"""Objects on their way: enough for one connection's round trips not to count, and some MB of memory."""
HELD = 8 << 20
"""Bytes of an object that is read into memory; a larger one is sent from its file."""
LONGEST = 300.0
"""Seconds between two tries, at most."""
LOOK = 60.0
"""Seconds between two looks at what there is to do, should an event have been lost."""
UNHASHED = 2.0
"""Seconds until a recording that is not all hashed yet is looked at again; twice as long after each time."""
_MD5 = re.compile(r"[0-9a-f]{32}")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Storage:
    """One server's. ``note``: the file of its state; ``reach``: where viewers of the copies meet, ``None``
    where no address is known that holds for all of them."""

    feed: Path
    library: Library
    store: Store
    url: Callable[[str], str]
    """Of a recording's folder there."""
    note: Path
    reach: Addresses | None
    dice: Callable[[], float] = random.random
    trouble: str = ""
    """What is wrong now, a line."""
    copied: int = 0
    """Bytes sent since the start."""
    failures: int = 0
    waiting: int = 0
    """Recordings that are not stored yet."""
    _state: State | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self, events: Events) -> None:
        events.watch(self._told)

    def stored(self, recording: str) -> str:
        """URL of its folder there; empty: it is not there, or not yet."""
        return self.url(recording) if self._state and recording in self._state.stored else ""

    def stats(self) -> StorageStats:
        state = self._state or State("")
        return StorageStats(
            len(state.stored), sum(state.stored.values()), self.waiting, self.copied, self.failures
        )

    def _told(self, event: Event) -> None:
        if event.kind == "recording.gone" and self._state is not None:
            name = str(event.data.get("name"))
            self._state.stored.pop(name, None)
            # Whatever of it is there; only what was deleted here, never what is merely not to be seen.
            self._state.unwanted.add(name)
        if event.kind in ("recording.gone", "recording.ready"):
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        if self._state is None:
            self._state = await asyncio.to_thread(load, self.note, self.url(""))
        failed = late = 0
        while True:
            self._wake.clear()
            wait = LOOK
            try:
                late = late + 1 if await self._round(self._state) else 0
                failed, self.trouble = 0, ""
                if late:
                    wait = min(LOOK, UNHASHED * 2.0 ** min(late - 1, 8))
            except Exception as error:
                named = cause(error)
                if not isinstance(named, StorageError | OSError):
                    raise
                failed += 1
                self.failures += 1
                wait = delay(failed, self.dice(), LONGEST)
                if self.trouble != (said := str(named)):
                    log.warning("%s; trying again", said)
                self.trouble = said
                await asyncio.sleep(wait)
                continue
            try:
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _round(self, state: State) -> bool:
        """Everything there is to do now; True: something is not ready for it."""
        await asyncio.to_thread(save, self.note, state)
        for name in sorted(state.unwanted):
            await self.store.delete(name)
            state.unwanted.discard(name)
            await asyncio.to_thread(save, self.note, state)
            log.info("the recording %s is deleted from the store, too", name)
        wanted = await asyncio.to_thread(
            lambda: [r.name for r in whole(self.feed) if r.name not in state.stored]
        )
        self.waiting = len(wanted)
        late = False
        for name in wanted:
            view = self.library.stream(name)
            found = None if view is None or view.live else media(view)
            if view is None or found is None:
                late = True
                continue
            size = await self._copy(view, found)
            if name in state.unwanted:
                continue  # deleted meanwhile: with the next round
            state.stored[name] = size
            await asyncio.to_thread(save, self.note, state)
            self.waiting -= 1
            log.info("the recording %s is stored: %s/master.m3u8", name, self.url(name))
        return late

    async def _copy(self, view: StreamView, found: tuple[Resource, ...]) -> int:
        """All of it; its bytes."""
        there = await self.store.list(view.name)
        digests: dict[str, str] = {}
        for one in found:
            size, tag = there.get(one.path, (-1, ""))
            if size == one.size and _MD5.fullmatch(tag):
                digests[one.path] = await asyncio.to_thread(self._digest, one)
        todo = iter(missing(found, there, digests))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._send(view.name, todo))
        addresses = self.reach
        if addresses is not None:
            addresses = Addresses("", addresses.tracker, addresses.ice, addresses.terms, self.url(view.name))
        texts = playlists(view, addresses)
        for text in texts:
            await self.store.put(f"{view.name}/{text.path}", text.data, headers(text.path))
            self.copied += len(text.data)
        return sum(one.size for one in found) + sum(len(text.data) for text in texts)

    async def _send(self, name: str, todo: Iterator[Resource]) -> None:
        for one in todo:
            held = await asyncio.to_thread(self._read, one)
            try:
                await self.store.put(f"{name}/{one.path}", held, headers(one.path))
            finally:
                if not isinstance(held, bytes):
                    held.close()
            self.copied += one.size

    def _read(self, one: Resource) -> bytes | BinaryIO:
        held = self.library.read(one)
        if isinstance(held, bytes) or one.size > HELD:
            return held
        with held:
            return held.read()

    def _digest(self, one: Resource) -> str:
        held = self.library.read(one)
        if isinstance(held, bytes):
            return hashlib.md5(held, usedforsecurity=False).hexdigest()
        digest = hashlib.md5(usedforsecurity=False)
        with held:
            while data := held.read(HELD):
                digest.update(data)
        return digest.hexdigest()


def whole(feed: Path) -> list[Recording]:
    """The recordings of a feed that do not change any more, the oldest first. Blocking."""
    found = [load_about(path.parent) for path in feed.glob(f"[!.]*/{ABOUT}")]
    done = [one for one in found if one is not None and one.state in (Being.READY, Being.INCOMPLETE)]
    return sorted(done, key=lambda one: one.started)
