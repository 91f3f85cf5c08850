"""libtorrent in a process of its own, seen as the session in it.

It is native code that speaks with strangers, and it crashes now and then (docs/design.md): that is not to
take the streams along. What should be seeded is known here, and given to the next process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from seeder import backoff
from seeder.errors import MetainfoError
from seeder.model import Torrent
from seeder.torrent import wire
from seeder.torrent.life import STOP_SECONDS, Life, begin
from seeder.torrent.seeds import Reachable, SeedCounters, Starts
from seeder.torrent.settings import SeedSettings

log = logging.getLogger(__name__)

LONGEST = 60.0
"""Seconds at most until a process that crashes over and over is started again: a line in the log and half a
second of CPU each time."""

SETTLED = 60.0
"""Seconds after which a crash counts as a first one again."""

ROOM_SECONDS = 0.5
"""Until libtorrent may have room for more torrents: a fraction of what its offers live."""

ANSWER_SECONDS = 22.0
"""For an answer to an order: libtorrent itself is given twenty to let go of a file."""


FAILED = "cannot start: "


@dataclass(slots=True, eq=False)
class Order:
    """A torrent that should be seeded."""

    torrent: Torrent
    path: Path
    trackers: tuple[str, ...]
    answer: asyncio.Future[str | None] | None = None
    """Of the process that was given it last."""


class ApartSession(Reachable):
    """An async context manager, as :class:`~seeder.torrent.session.SeedSession` is; RuntimeError when
    libtorrent cannot start. Once it has, it is started again for as often as it ends."""

    def __init__(self, settings: SeedSettings | None = None) -> None:
        self.settings = settings or SeedSettings()
        self.on_broken: Callable[[bytes], None] | None = None
        self.warning: str | None = None
        """One line when too few file descriptors cost peers."""
        self.trouble = ""
        """One line while there is no libtorrent; empty else."""
        self.restarts = 0
        self._orders: dict[bytes, Order] = {}  # what should be seeded; bounded by the caller's window
        self._held: set[bytes] = set()  # what is
        self._retiring: dict[bytes, asyncio.Future[str | None]] = {}
        self._life: Life | None = None  # while it is ready
        self._begun: asyncio.Future[None] | None = None  # of the first one
        self._keeper: asyncio.Task[None] | None = None
        self._ending = False
        self._pending = 0
        self._starts = Starts(time.monotonic)
        self.listening = set()
        self._counters = SeedCounters()
        self._earlier = SeedCounters()  # what those that ended had done

    # --- life ------------------------------------------------------------------------------------

    async def __aenter__(self) -> ApartSession:
        self._begun = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(), name="libtorrent")
        try:
            await self._begun
        except BaseException:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Also where it did not start, or never got as far."""
        self._ending = True
        if self._keeper is None:
            return
        self._orders.clear()
        try:
            if self._life is not None:
                self._life.stop()
                await asyncio.wait([self._keeper], timeout=STOP_SECONDS)
        finally:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])

    async def _keep(self) -> None:
        """One process after the other."""
        assert self._begun is not None
        failures = 0
        while True:
            began = time.monotonic()
            why = await self._live()
            if self._ending:
                return
            if not self._begun.done():
                failed = why.startswith(FAILED)
                self._begun.set_exception(
                    RuntimeError(why.removeprefix(FAILED) if failed else f"its process {why}")
                )
                return
            failures = 1 if time.monotonic() - began > SETTLED else failures + 1
            seconds = backoff.delay(failures, random.random(), LONGEST)
            self.restarts += 1
            self.trouble = f"libtorrent {why}: it is being started again"
            log.warning(
                "libtorrent %s: starting it again in %.1f s; viewers have each other and HTTP meanwhile",
                why,
                seconds,
            )
            await asyncio.sleep(seconds)

    async def _live(self) -> str:
        """One process, to its end; returns what happened to it."""
        again: asyncio.Task[None] | None = None
        try:
            life = await begin(self.settings)
        except OSError as error:
            return f"{FAILED}{error}"
        try:
            async with aclosing(life.heard()) as heard:
                async for said in heard:
                    if said["say"] == "failed":
                        return f"{FAILED}{said['why']}"
                    if said["say"] == "ready":
                        self._ready(life, said)
                        again = asyncio.create_task(self._again(life, tuple(self._orders.values())))
                    else:
                        self._hear(said)
            await life.gone()
        except Exception:
            # Memory that is not its own any more: then it may say anything before it ends.
            log.exception("libtorrent's process said what cannot be used")
            life.kill("said what cannot be used")
        finally:
            self._life = None
            self._held.clear()
            self.listening.clear()
            self._earlier = self._counters = replace(self._counters, torrents=0, peers=0)
            if again is not None:
                again.cancel()
            await life.end()
        return life.why

    def _ready(self, life: Life, said: wire.Message) -> None:
        self._pending = int(said["pending"])
        self.warning = said["warning"]
        self.listening = wire.listening(said)
        self._starts = Starts(time.monotonic)  # the last one's offers went with it
        self._life = life
        if self.trouble:
            log.info("libtorrent is back")
        self.trouble = ""
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(None)

    def _hear(self, said: wire.Message) -> None:
        match said["say"]:
            case "state":
                self._counters = wire.counters(said).after(self._earlier)
                self.listening = wire.listening(said)
            case "broken":
                infohash = bytes.fromhex(said["infohash"])
                if infohash in self._orders and self.on_broken is not None:
                    self.on_broken(infohash)
            case "log":
                log.log(int(said["level"]), "%s", said["text"])

    async def _again(self, life: Life, orders: Iterable[Order]) -> None:
        """Give it what the last one had; what is newest is wanted most."""
        for order in reversed(tuple(orders)):
            while not self.room:  # noqa: ASYNC110 - it is time that makes room
                await asyncio.sleep(ROOM_SECONDS)
            infohash = order.torrent.infohash
            if self._orders.get(infohash) is not order:
                continue
            answer = self._give(life, order)
            await asyncio.wait([answer])
            if answer.result() is not None and self.on_broken is not None:
                self.on_broken(infohash)

    # --- facts -----------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        """Of the process, while it seeds."""
        return None if self._life is None else self._life.pid

    def counters(self) -> SeedCounters:
        return self._counters

    def seeding(self) -> frozenset[bytes]:
        """The infohashes seeded now: none while there is no libtorrent."""
        return frozenset(self._held)

    # --- seeding ---------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """See :class:`~seeder.torrent.seeds.Seeds`."""
        return max(0, self._pending - self._starts.recent)

    async def seed(self, torrent: Torrent, path: Path, trackers: Sequence[str]) -> None:
        """See :class:`~seeder.torrent.seeds.Seeds`; while there is no libtorrent it returns at once, and the
        torrent is seeded when there is one. One that it then refuses is broken."""
        infohash = torrent.infohash
        order = self._orders.get(infohash)
        if order is None:
            order = self._orders[infohash] = Order(torrent, path, tuple(trackers))
            if self._life is not None:
                self._give(self._life, order)
        if order.answer is None:
            return
        await asyncio.wait([order.answer])
        if (error := order.answer.result()) is not None:
            raise MetainfoError(error)

    def _give(self, life: Life, order: Order) -> asyncio.Future[str | None]:
        self._starts.one()
        order.answer = life.ask(wire.seed_order(order.torrent, order.path, order.trackers))

        def answered(answer: asyncio.Future[str | None]) -> None:
            if self._orders.get(order.torrent.infohash) is not order or self._life is not life:
                return
            if answer.result() is None:
                self._held.add(order.torrent.infohash)
            else:
                del self._orders[order.torrent.infohash]

        order.answer.add_done_callback(answered)
        return order.answer

    async def retire(self, infohash: bytes) -> None:
        """See :class:`~seeder.torrent.seeds.Seeds`."""
        order = self._orders.pop(infohash, None)
        self._held.discard(infohash)
        life = self._life
        if order is not None and life is not None:
            answer = self._retiring[infohash] = life.ask({"do": "retire", "infohash": infohash.hex()})
            answer.add_done_callback(lambda _: self._retired(infohash, answer))
        elif infohash in self._retiring:
            answer = self._retiring[infohash]
        else:
            return
        await asyncio.wait([answer], timeout=ANSWER_SECONDS)
        if not answer.done() and life is not None:
            life.kill("does not answer")

    def _retired(self, infohash: bytes, answer: asyncio.Future[str | None]) -> None:
        if self._retiring.get(infohash) is answer:
            del self._retiring[infohash]
