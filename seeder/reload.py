"""The configuration read anew while everything runs: all of it is checked first, then what can change does.

A :class:`Part` takes up some settings. It looks at them, and may refuse (then nothing changes at all); what
it gives is done once all parts have agreed, and does not fail. Settings that no part takes up need a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

from seeder.config import Config
from seeder.errors import LiveTorrentError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What a part would do."""

    commit: Callable[[], Awaitable[None]] | None = None
    """``None``: nothing."""
    names: tuple[str, ...] = ()
    """What of it is to be told, besides settings: single streams, files with other contents."""


@dataclass(frozen=True, slots=True)
class Part:
    settings: frozenset[str]
    """That it takes up."""
    prepare: Callable[[Config, Config], Awaitable[Ready]]
    """From the present configuration and the next. Raises a :class:`LiveTorrentError`: it cannot be."""


@dataclass(frozen=True, slots=True)
class Outcome:
    applied: tuple[str, ...]
    """Settings, and ``streams.NAME``."""
    unchanged: int
    """``[[streams]]`` that go on as they were."""
    needs_restart: tuple[str, ...]

    def line(self) -> str:
        """For people."""
        said = f"applied: {', '.join(self.applied)}" if self.applied else "nothing has changed"
        if self.needs_restart:
            said += f"; after a restart: {', '.join(self.needs_restart)}"
        return said


class Reload:
    """One run's."""

    def __init__(self, config: Config, read: Callable[[], Config] | None, parts: Sequence[Part]) -> None:
        """``read``: the configuration as file, variables and flags say now, blocking; ``None``: there is none
        to be read, only files that it names."""
        self.config = config
        """What is in force."""
        self._read = read
        self._parts = parts
        self._turn = asyncio.Lock()
        self._soon: set[asyncio.Task[None]] = set()

    async def now(self) -> Outcome:
        """Raises a :class:`LiveTorrentError`, one line: then nothing has changed."""
        async with self._turn:
            asked = self.config if self._read is None else await asyncio.to_thread(self._read)
            live = frozenset().union(*(part.settings for part in self._parts))
            new, rest = divided(self.config, asked, live)
            ready = [await part.prepare(self.config, new) for part in self._parts]
            outcome = told(self.config, new, rest, [name for each in ready for name in each.names])
            self.config = new
            for each in ready:
                if each.commit is not None:
                    await _done(each.commit)
            log.info("the configuration was read anew; %s", outcome.line())
            return outcome

    def soon(self) -> None:
        """A signal's: what goes wrong is said in the log."""
        task = asyncio.get_running_loop().create_task(self._told())
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    async def _told(self) -> None:
        try:
            await self.now()
        except LiveTorrentError as error:
            log.error("the configuration stays as it was: %s", error)
        except Exception:
            log.exception("the configuration could not be read anew")


async def _done(commit: Callable[[], Awaitable[None]]) -> None:
    """One room's bug is not to keep the others from following."""
    try:
        await commit()
    except Exception:
        log.exception("part of the configuration is not in force, for a room crashed over it")


def changed(old: Config, new: Config) -> tuple[str, ...]:
    """The settings that differ. Pure, as all below."""
    return tuple(each.name for each in fields(Config) if getattr(old, each.name) != getattr(new, each.name))


def divided(old: Config, asked: Config, live: Iterable[str]) -> tuple[Config, tuple[str, ...]]:
    """What can be in force now, and the settings that have to wait for a restart."""
    names = changed(old, asked)
    now = {name: getattr(asked, name) for name in names if name in set(live)}
    return replace(old, **now), tuple(name for name in names if name not in now)


def told(old: Config, new: Config, rest: Sequence[str], more: Sequence[str]) -> Outcome:
    """``more``: what parts name besides settings."""
    settings = [name for name in changed(old, new) if name != "streams"]
    before = {each.name: each for each in old.streams}
    same = sum(
        1 for each in new.streams if before.get(each.name) == each and f"streams.{each.name}" not in more
    )
    return Outcome(tuple(dict.fromkeys((*settings, *more))), same, tuple(rest))
