"""Makes libtorrent hold what is to be seeded, and lets go of the rest in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seeder.errors import MetainfoError
from seeder.feed.window import Candidate, to_seed
from seeder.model import Span, Torrent
from seeder.torrent.seeds import Seeds
from seeder.torrent.spool import Spool

log = logging.getLogger(__name__)

ROOM_SECONDS = 0.5
"""Until libtorrent may have room for more torrents: a fraction of what its offers live."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A torrent and where to seed it from."""

    torrent: Torrent
    data: bytes | None
    """To be copied to the spool first."""
    place: Path
    """Else the writer's own file, which is only read."""
    span: Span | None = None
    """A range of that file: libtorrent seeds whole files, so it is copied to the spool, too."""

    @property
    def copied(self) -> int:
        """Bytes in the spool."""
        return self.torrent.length if self.data is not None or self.span is not None else 0


def chosen(
    seeds: Iterable[tuple[Seed, bool, int]], asked: Sequence[bytes], limit: int, live_bytes: int
) -> dict[bytes, Seed]:
    """Those to hold, by infohash, of ``seeds`` (each with whether it is live and its age, as in
    :class:`Candidate`); ``asked``: infohashes, the most recent first. See :func:`to_seed`."""
    everything: dict[bytes, Seed] = {}
    candidates = []
    for seed, live, age in seeds:
        infohash = seed.torrent.infohash
        everything.setdefault(infohash, seed)
        candidates.append(Candidate(infohash, seed.copied, live, age))
    ranks = {infohash: rank for rank, infohash in enumerate(asked)}
    return {infohash: everything[infohash] for infohash in to_seed(candidates, ranks, limit, live_bytes)}


class Seeding:
    """``run`` it in a task. Without a session only the retirements are passed on.

    ``on_retire`` is called with each forgotten infohash once libtorrent has let go of it: the tracker's
    last reply frees libtorrent's record of the torrent only when it finds the torrent gone. ``known``
    says whether an infohash is published (again). ``trackers`` are libtorrent's announce URLs.
    """

    def __init__(
        self,
        session: Seeds | None,
        spool: Spool | None,
        trackers: Sequence[str],
        known: Callable[[bytes], bool],
        on_retire: Callable[[bytes], None] | None,
    ) -> None:
        self._session = session
        self._spool = spool
        self._trackers = tuple(trackers)
        self._known = known
        self._on_retire = on_retire
        self._wanted: Mapping[bytes, Seed] = {}
        self._held: dict[bytes, Seed] = {}
        self._failed: set[bytes] = set()  # not tried again while they are published
        self._forgotten: set[bytes] = set()  # to be passed on; emptied by the next turn
        self._wake = asyncio.Event()

    def want(self, seeds: Mapping[bytes, Seed]) -> None:
        """From now on seed these and nothing else; bounded by the caller."""
        self._wanted = seeds
        self._wake.set()

    def forget(self, infohashes: Iterable[bytes]) -> None:
        """These are no longer published; only a later :meth:`want` can bring them back."""
        self._forgotten.update(infohashes)
        # The next decision what to seed is up to a tenth of a second away: until then the last one would
        # have each retired torrent seeded, announced and retired a second time.
        self._wanted = {h: seed for h, seed in self._wanted.items() if h not in self._forgotten}
        self._wake.set()

    def broken(self, infohash: bytes) -> None:
        """Its file does not match any more: retire it and leave it at that."""
        self._failed.add(infohash)
        self._wake.set()

    def reads(self, place: Path) -> bool:
        """Whether something is seeded from the file at ``place`` itself, not from a copy of it."""
        return any(seed.copied == 0 and seed.place == place for seed in self._held.values())

    async def run(self) -> None:
        """Until cancelled; then everything is let go of before it returns."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._apply()
        finally:
            await asyncio.gather(*(self._release(infohash) for infohash in list(self._held)))

    async def _apply(self) -> None:
        forgotten, self._forgotten = self._forgotten, set()  # what comes meanwhile has its own turn
        gone = [h for h, seed in self._held.items() if h in forgotten or self._is_gone(h, seed)]
        await asyncio.gather(*(self._release(infohash) for infohash in gone))
        for infohash in forgotten:
            if not self._known(infohash):
                self._failed.discard(infohash)
                if self._on_retire is not None:
                    self._on_retire(infohash)
            # Published again meanwhile (a loop, a restarted writer): it is simply still there.
        if self._session is not None:
            new = [s for h, s in self._wanted.items() if h not in self._held and self._may_seed(h)]
            if len(new) > (room := self._session.room):
                # The most wanted now; by the time of the next look they may be others.
                new = new[:room]
                asyncio.get_running_loop().call_later(ROOM_SECONDS, self._wake.set)
            await asyncio.gather(*(self._seed(self._session, seed) for seed in new))

    def _may_seed(self, infohash: bytes) -> bool:
        """Not after it failed, nor after it was forgotten, though the last choice may still name it."""
        return infohash not in self._failed and self._known(infohash)

    def _is_gone(self, infohash: bytes, seed: Seed) -> bool:
        wanted = self._wanted.get(infohash)
        if wanted is None or infohash in self._failed:
            return True
        if (seed.data is None) != (wanted.data is None):
            return True  # from the spool to the writer's file, or back
        return seed.data is None and seed.place != wanted.place

    async def _seed(self, session: Seeds, seed: Seed) -> None:
        infohash = seed.torrent.infohash
        self._held[infohash] = seed  # before the first await: a cancelled start is let go of too
        try:
            path = seed.place
            data = seed.data
            if data is None and seed.span is not None:
                data = await asyncio.to_thread(_read, seed.place, seed.span)
            if data is not None and self._spool is not None:
                path = await self._spool.write(infohash, data)
            await session.seed(seed.torrent, path, self._trackers)
        except (OSError, MetainfoError) as error:
            log.warning("%s is served over HTTP only: %s", seed.torrent.name, error)
            self._failed.add(infohash)
            await self._release(infohash)

    async def _release(self, infohash: bytes) -> None:
        """libtorrent lets go of the file, then ours is deleted."""
        if self._session is not None:
            await self._session.retire(infohash)
        if self._spool is not None:
            with contextlib.suppress(OSError):  # it is ours and goes with the spool at the latest
                await self._spool.remove(infohash)
        self._held.pop(infohash, None)


def _read(place: Path, span: Span) -> bytes:
    with place.open("rb") as handle:
        handle.seek(span.start)
        return handle.read(span.length)
