"""Everything known at one moment, frozen; ``/metrics`` and ``/healthz`` both render it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from seeder.stats.counters import HttpCounters, TrackerCounters


@dataclass(frozen=True, slots=True)
class Health:
    """Whether one room can do its work."""

    ok: bool
    detail: str = ""
    """One line for a person; empty when there is nothing to say."""


@dataclass(frozen=True, slots=True)
class StreamStats:
    """One published stream."""

    live: bool
    segments: int
    """Segments listed now, over all variants."""
    viewers: int
    """Peers of its rendezvous swarm."""


@dataclass(frozen=True, slots=True)
class TrackerStats:
    connections: int = 0
    opened: int = 0
    received: Mapping[str, int] = field(default_factory=dict)
    offers: int = 0
    answers: int = 0
    failures: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpStats:
    sent: Mapping[str, int] = field(default_factory=dict)
    responses: Mapping[tuple[str, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeedStats:
    """What libtorrent says of itself."""

    torrents: int = 0
    peers: int = 0
    uploaded: int = 0
    """Payload bytes sent since the start."""
    downloaded: int = 0
    """Payload bytes received since the start: a seed that downloads is a surprise worth a graph."""
    restarts: int = 0
    """Of its process."""


@dataclass(frozen=True, slots=True)
class UpstreamStats:
    """A feed that others serve, as it does here; counted since the start."""

    reloads: int = 0
    """Playlists read."""
    failures: int = 0
    """Requests that came to nothing."""
    restarts: int = 0
    """Times its publisher began anew."""
    fetched: int = 0
    """Segments."""
    bytes: int = 0
    changed: int = 0
    """Segments whose bytes were others the second time."""
    trouble: str = ""
    """What is wrong now, a line; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class PublisherStats:
    """Who publishes a stream, as far as the public may know: neither its address nor its key."""

    protocol: str
    since: float
    """Unix seconds."""
    state: str
    """Of its ingest; ``starting`` before its media came."""


@dataclass(frozen=True, slots=True)
class IngestStats:
    """A stream that is made here, from an input of ours or from what a publisher sends."""

    state: str = "starting"
    """``failed``: it cannot go on, and is tried again now and then; else its ingest's."""
    speed: float = 0.0
    """Media seconds per second over the last segments; 0: not known yet."""
    restarts: int = 0
    """Of its ffmpeg."""
    segments: int = 0
    """Published since it began."""
    dropped: int = 0
    """Not written, because the disk did not take them."""
    error: str = ""
    """A line for the operator, credentials masked; empty when all is well."""
    rungs: tuple[str, ...] = ()
    """The variants of a ladder that are made now, best first; empty without one."""
    shed: tuple[str, ...] = ()
    """What was given up because this machine could not keep up, a line each."""


@dataclass(frozen=True, slots=True)
class PushStats:
    """A stream on its way to a server."""

    up: bool
    restarts: int
    error: str
    """A line for the operator, without keys; empty when all is well."""


@dataclass(frozen=True, slots=True)
class RecordingStats:
    """What is kept of what was live."""

    running: Mapping[str, str] = field(default_factory=dict)
    """Stream → its recording under way."""
    count: int = 0
    """Recordings there are."""
    bytes: int = 0
    """Of their media."""
    lost: float = 0.0
    """Seconds that those under way could not keep."""


@dataclass(frozen=True, slots=True)
class StorageStats:
    """Copies of recordings in the operator's store."""

    stored: int = 0
    """Recordings."""
    bytes: int = 0
    """Of those."""
    waiting: int = 0
    """Recordings that are still to be copied."""
    copied: int = 0
    """Bytes sent since the start."""
    failures: int = 0
    """Times it could not go on, and waited."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    streams: Mapping[str, StreamStats] = field(default_factory=dict)
    seed: SeedStats = field(default_factory=SeedStats)
    tracker: TrackerStats = field(default_factory=TrackerStats)
    http: HttpStats = field(default_factory=HttpStats)
    ingests: Mapping[str, IngestStats] = field(default_factory=dict)
    """By stream; empty when nothing is ingested."""
    upstreams: Mapping[str, UpstreamStats] = field(default_factory=dict)
    """By stream; empty when nothing is attached."""
    publishers: Mapping[str, PublisherStats] = field(default_factory=dict)
    """By stream: those that encoders elsewhere send us now."""
    published: Mapping[str, int] = field(default_factory=dict)
    """Publishers let in since the start, by protocol."""
    unpublished: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Publishers refused or cut off since the start, by protocol and status (as HTTP would say it)."""
    listeners: Mapping[str, int] = field(default_factory=dict)
    """Stream → players that have it as MPEG-TS now; those with one at least."""
    pushes: Mapping[tuple[str, str], PushStats] = field(default_factory=dict)
    """By stream and server."""
    recordings: RecordingStats = field(default_factory=RecordingStats)
    storage: StorageStats | None = None
    """``None`` where nothing is copied."""
    health: Mapping[str, Health] = field(default_factory=dict)
    """By room."""

    @property
    def healthy(self) -> bool:
        return all(health.ok for health in self.health.values())


def freeze_http(counters: HttpCounters) -> HttpStats:
    """The tallies as they stand; later counting does not change the result."""
    return HttpStats(MappingProxyType(dict(counters.sent)), MappingProxyType(dict(counters.responses)))


def freeze_tracker(counters: TrackerCounters) -> TrackerStats:
    """The tallies as they stand; later counting does not change the result."""
    return TrackerStats(
        connections=counters.connections,
        opened=counters.opened,
        received=MappingProxyType(dict(counters.received)),
        offers=counters.offers,
        answers=counters.answers,
        failures=counters.failures,
        refused=MappingProxyType(dict(counters.refused)),
    )
