"""Requests that wait for a playlist to go on: blocking reloads (RFC 8216bis §6.2.5.2).

Viewers of a live edge all ask for the same: who does is in one group, which is looked at once when its stream
changes and whose answer is rendered once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from seeder.hls.delivery import has, went_back
from seeder.model import Addresses, Edge, PublishedPlaylist, StreamView
from seeder.web.catalog import Catalog
from seeder.web.render import Renderer

MOST = 20_000
"""Requests that wait at once: as many as there may be connections, for over HTTP/2 each could ask a hundred
times. Whoever comes then is answered at once with what there is."""
TARGETS = 3.0
"""Target durations until 503 is the answer."""
SHORTEST, LONGEST = 1.0, 60.0
"""Seconds, whatever a playlist says that its target duration is."""
GROUPS = 16
"""Looked after in one turn: each is another rendering, and a stranger's Host header makes another group."""
TURN = 64
"""Requests answered before other connections have their turn: some ms."""


class Verdict(StrEnum):
    """How waiting ended."""

    HERE = "here"
    """What was asked for is listed."""
    ANEW = "anew"
    """It will never be: the publisher began anew, ended, or is gone. What there is now is the answer."""
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Wait:
    """What for; equal for all whom the same bytes will answer."""

    stream: str
    path: str
    msn: int
    part: int | None
    skip: str
    addresses: Addresses
    edge: Edge = field(compare=False)
    """The playlist's end when it was asked for."""

    @property
    def seconds(self) -> float:
        """At most."""
        return min(LONGEST, max(SHORTEST, TARGETS * self.edge.target_duration))


Call = Callable[[Wait, Verdict], None]


class Waiting:
    """All that wait. On the event loop's thread alone."""

    def __init__(self, catalog: Catalog, renderer: Renderer) -> None:
        self._catalog = catalog
        self._renderer = renderer
        self._streams: dict[str, dict[Wait, dict[Call, None]]] = {}
        self._count = 0
        self._due: set[str] = set()
        """Streams that changed and are looked at in the next turn."""
        self._rendering: set[asyncio.Task[None]] = set()
        self._watching = False

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        return self._count >= MOST

    def hold(self, wait: Wait, call: Call) -> None:
        """``call(wait, verdict)`` once there is one; not for being late: that is up to the caller."""
        if not self._watching:
            self._watching = True
            self._catalog.watch(self._told)
        self._streams.setdefault(wait.stream, {}).setdefault(wait, {})[call] = None
        self._count += 1

    def drop(self, wait: Wait, call: Call) -> None:
        """It waits no more. Once is enough, and after its verdict too late without harm."""
        groups = self._streams.get(wait.stream, {})
        calls = groups.get(wait, {})
        if call in calls:
            del calls[call]
            self._count -= 1
        if not calls:
            groups.pop(wait, None)
        if not groups:
            self._streams.pop(wait.stream, None)

    async def wait(self, wait: Wait) -> Verdict:
        """The verdict, late or not. Cancelling is safe."""
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()

        def call(_: Wait, verdict: Verdict) -> None:
            if not future.done():
                future.set_result(verdict)

        self.hold(wait, call)
        try:
            async with asyncio.timeout(wait.seconds):
                return await future
        except TimeoutError:
            return Verdict.LATE
        finally:
            self.drop(wait, call)

    def close(self) -> None:
        """The server stops: nobody need wait."""
        for groups in list(self._streams.values()):
            for wait in list(groups):
                self._tell(wait, self._take(wait), Verdict.LATE)

    # --- what happens to streams -----------------------------------------------------------------

    def _told(self, name: str) -> None:
        """By whoever publishes, in the middle of that."""
        if name in self._streams and name not in self._due:
            self._due.add(name)
            asyncio.get_running_loop().call_soon(self._look, name)

    def _look(self, name: str) -> None:
        self._due.discard(name)
        view = self._catalog.stream(name)
        ended = 0
        for wait in list(self._streams.get(name, {})):
            if ended == GROUPS:
                self._told(name)
                return
            playlist = None if view is None else view.playlists.get(wait.path)
            verdict = judged(wait, playlist)
            if verdict is None:
                continue
            ended += 1
            calls = self._take(wait)
            if verdict is Verdict.HERE and view is not None and playlist is not None:
                task = asyncio.ensure_future(self._render(view, playlist, wait, calls))
                self._rendering.add(task)
                task.add_done_callback(self._rendering.discard)
            else:
                self._tell(wait, calls, verdict)

    async def _render(
        self, view: StreamView, playlist: PublishedPlaylist, wait: Wait, calls: list[Call]
    ) -> None:
        """Nobody is woken to wait a second time, for a long playlist to be rendered."""
        try:
            await self._renderer.render(view, playlist, wait.addresses, wait.skip)
        finally:
            self._tell(wait, calls, Verdict.HERE)

    def _take(self, wait: Wait) -> list[Call]:
        groups = self._streams[wait.stream]
        calls = list(groups.pop(wait))
        if not groups:
            del self._streams[wait.stream]
        self._count -= len(calls)
        return calls

    def _tell(self, wait: Wait, calls: list[Call], verdict: Verdict) -> None:
        for call in calls[:TURN]:
            call(wait, verdict)
        if len(calls) > TURN:
            asyncio.get_running_loop().call_soon(self._tell, wait, calls[TURN:], verdict)


def judged(wait: Wait, playlist: PublishedPlaylist | None) -> Verdict | None:
    """None: it has to wait on."""
    edge = None if playlist is None else playlist.edge
    if edge is None or not edge.control.blocks or went_back(edge, wait.edge):
        return Verdict.ANEW
    return Verdict.HERE if has(edge, wait.msn, wait.part) else None
