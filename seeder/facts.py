"""Everything known of a run at one moment, asked of its rooms: what ``/metrics`` and ``/healthz`` show."""

from __future__ import annotations

from typing import Protocol

from seeder.beside import Beside
from seeder.config import Plan
from seeder.feed.library import Library
from seeder.feed.remote.task import AttachTask
from seeder.ingest.many import Ingests
from seeder.keeping import Keeper
from seeder.onward.channel import Channels
from seeder.onward.push import Pushes
from seeder.publish.room import Publishing
from seeder.stats.counters import HttpCounters
from seeder.stats.snapshot import (
    Health,
    IngestStats,
    SeedStats,
    Snapshot,
    StreamStats,
    TrackerStats,
    UpstreamStats,
    freeze_http,
    freeze_tracker,
)
from seeder.torrent.apart import ApartSession
from seeder.tracker import Tracker


class Rooms(Protocol):
    """``service.Service`` is one. What is ``None`` is not there in this run."""

    @property
    def plan(self) -> Plan: ...
    @property
    def library(self) -> Library: ...
    @property
    def tracker(self) -> Tracker | None: ...
    @property
    def seed(self) -> ApartSession | None: ...
    @property
    def channels(self) -> Channels: ...
    @property
    def pushes(self) -> Pushes: ...
    @property
    def ingests(self) -> Ingests: ...
    @property
    def attached(self) -> AttachTask | None: ...
    @property
    def publishing(self) -> Publishing | None: ...
    @property
    def beside(self) -> Beside: ...
    @property
    def counters(self) -> HttpCounters: ...
    @property
    def keeper(self) -> Keeper: ...
    def viewers(self, infohash: bytes) -> int: ...


def snapshot(rooms: Rooms) -> Snapshot:
    """Now."""
    desk = None if rooms.publishing is None else rooms.publishing.desk
    streams = {
        view.name: StreamStats(view.live, view.segments, rooms.viewers(view.rendezvous))
        for view in rooms.library.streams()
    }
    tracker = TrackerStats() if rooms.tracker is None else freeze_tracker(rooms.tracker.counters)
    return Snapshot(
        streams=streams,
        seed=_seed(rooms.seed),
        tracker=tracker,
        http=freeze_http(rooms.counters),
        ingests=_ingests(rooms),
        upstreams=_upstreams(rooms),
        listeners=rooms.channels.listeners(),
        pushes=rooms.pushes.stats(),
        recordings=rooms.beside.recordings(),
        storage=None if rooms.beside.storage is None else rooms.beside.storage.stats(),
        health=_healths(rooms),
        publishers={} if rooms.publishing is None else rooms.publishing.publishers(),
        published={} if desk is None else dict(desk.counters.admitted),
        unpublished={} if desk is None else dict(desk.counters.refused),
    )


def _seed(seed: ApartSession | None) -> SeedStats:
    if seed is None:
        return SeedStats()
    now = seed.counters()
    held, restarts = len(seed.seeding()), seed.restarts
    return SeedStats(held, now.peers, now.uploaded_bytes, restarts=restarts)


def _ingests(rooms: Rooms) -> dict[str, IngestStats]:
    found = {} if rooms.publishing is None else rooms.publishing.ingests()
    return found | rooms.ingests.stats()


def _upstreams(rooms: Rooms) -> dict[str, UpstreamStats]:
    if rooms.attached is None or rooms.plan.name is None:
        return {}
    return {rooms.plan.name: rooms.attached.upstream()}


def _healths(rooms: Rooms) -> dict[str, Health]:
    """Only what stops viewers from being served makes us unhealthy; the rest is said in the detail."""
    health = dict(rooms.keeper.health) | rooms.beside.healths()
    if rooms.attached is not None:
        # Viewers have what was published until then; it is the upstream that is not well.
        health["upstream"] = Health(not (trouble := rooms.attached.upstream().trouble), trouble)
    elif "feed" in health and not rooms.plan.feed.is_dir():
        health["feed"] = Health(False, f"the feed folder {rooms.plan.feed} is gone; waiting for it")
    if rooms.seed is not None:
        said = rooms.seed.trouble or rooms.seed.webrtc_reason or rooms.seed.warning or ""
        health["torrent"] = Health(True, said)
    if rooms.pushes.all:
        health["push"] = Health(True, rooms.pushes.trouble())
    if rooms.ingests.stats():
        health["ingest"] = Health(True, rooms.ingests.trouble())
    if rooms.publishing is not None and "publish" in health and health["publish"].ok:
        health["publish"] = Health(True, rooms.publishing.trouble() or health["publish"].detail)
    return health
