"""``/metrics``: the snapshot in Prometheus' words. Labels come from fixed sets and stream names alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from quart import Blueprint, Response, request

from seeder.stats.snapshot import IngestStats, PushStats, Snapshot, UpstreamStats

INGEST_STATES = ("starting", "live", "retrying", "ended", "stopped", "failed")
"""One series per state with 0 or 1, as Prometheus advises; others that an ingest reports are added."""


def blueprint(snapshot: Callable[[], Snapshot]) -> Blueprint:
    # Not the global registry: two servers in one process would share it.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Source(snapshot))
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    async def show() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(encode(registry), 200, headers, content_type=content_type)

    return metrics


class _Source(Collector):
    def __init__(self, snapshot: Callable[[], Snapshot]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        return families(self._snapshot())


def families(now: Snapshot) -> Iterator[Metric]:
    """The snapshot as metric families; pure."""
    streams = now.streams
    yield _gauge("streams", "Streams published now.", len(streams))
    yield _gauges(
        "stream_segments", "Segments listed now.", "stream", {n: s.segments for n, s in streams.items()}
    )
    yield _gauges(
        "stream_viewers",
        "Peers of the stream's rendezvous swarm now.",
        "stream",
        {n: s.viewers for n, s in streams.items()},
    )
    yield _gauges("stream_listeners", "Players that have it as MPEG-TS now.", "stream", now.listeners)
    yield _gauge("segments", "Segments listed now.", sum(s.segments for s in streams.values()))
    yield _gauge("torrents", "Torrents seeded now.", now.seed.torrents)
    yield _gauge("seed_peers", "Peers connected to libtorrent now.", now.seed.peers)
    yield _counter("seed_uploaded_bytes", "Payload bytes libtorrent sent.", now.seed.uploaded)
    yield _counter("seed_downloaded_bytes", "Payload bytes libtorrent received.", now.seed.downloaded)
    yield _counter("seed_restarts", "Times that libtorrent's process was started again.", now.seed.restarts)
    tracker = now.tracker
    yield _gauge("tracker_connections", "WebSocket connections open now.", tracker.connections)
    yield _counter("tracker_opened", "WebSocket connections accepted.", tracker.opened)
    yield _counters("tracker_messages", "Messages received.", "kind", tracker.received)
    yield _counter("tracker_offers", "Offers relayed.", tracker.offers)
    yield _counter("tracker_answers", "Answers relayed.", tracker.answers)
    yield _counter("tracker_failures", "Failure replies sent.", tracker.failures)
    yield _counters("tracker_refused", "Connections refused or ended by us.", "reason", tracker.refused)
    yield _counters("http_sent_bytes", "Body bytes sent over HTTP.", "kind", now.http.sent)
    responses = CounterMetricFamily(
        "live_torrent_http_responses", "HTTP responses.", labels=("kind", "status")
    )
    for (kind, status), count in sorted(now.http.responses.items()):
        responses.add_metric((kind, str(status)), count)
    yield responses
    yield from _ingests(now.ingests)
    yield from _pushes(now.pushes)
    yield from _upstreams(now.upstreams)
    yield from _publishers(now)
    kept = now.recordings
    yield _gauges("recording", "1 while it is recorded.", "stream", dict.fromkeys(kept.running, 1))
    yield _gauge("recordings", "Recordings in the feed.", kept.count)
    yield _gauge("recordings_bytes", "Bytes of their media.", kept.bytes)
    yield _gauge("recordings_lost_seconds", "Not kept by those under way.", kept.lost)
    if (copies := now.storage) is not None:
        yield _gauge("storage_recordings", "Recordings whose copy is whole.", copies.stored)
        yield _gauge("storage_bytes", "Bytes of those.", copies.bytes)
        yield _gauge("storage_waiting", "Recordings to be copied.", copies.waiting)
        yield _counter("storage_copied_bytes", "Bytes sent to the store.", copies.copied)
        yield _counter("storage_failures", "Times the store could not be had.", copies.failures)
    yield _gauges(
        "healthy", "Whether a room can do its work.", "room", {n: h.ok for n, h in now.health.items()}
    )


def _ingests(streams: Mapping[str, IngestStats]) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "live_torrent_ingest_state", "1 for the state the ingest is in.", labels=("stream", "state")
    )
    for stream, ingest in sorted(streams.items()):
        for each in dict.fromkeys((*INGEST_STATES, ingest.state)):
            states.add_metric((stream, each), float(each == ingest.state))
    yield states
    speeds = {stream: ingest.speed for stream, ingest in streams.items()}
    yield _gauges("ingest_speed", "Media seconds per second over the last segments.", "stream", speeds)
    rows: tuple[tuple[str, str, Callable[[IngestStats], int]], ...] = (
        ("restarts", "Times its ffmpeg was started again.", lambda i: i.restarts),
        ("segments", "Segments published since it began.", lambda i: i.segments),
        ("dropped", "Segments that the disk did not take.", lambda i: i.dropped),
    )
    for name, text, value in rows:
        found = {stream: value(ingest) for stream, ingest in streams.items()}
        yield _counters(f"ingest_{name}", text, "stream", found)


def _pushes(pushes: Mapping[tuple[str, str], PushStats]) -> Iterator[Metric]:
    labels = ("stream", "server")
    up = GaugeMetricFamily("live_torrent_push_up", "Whether the stream is being sent there.", labels=labels)
    restarts = CounterMetricFamily(
        "live_torrent_push_restarts", "Times it had to begin again.", labels=labels
    )
    for key, push in sorted(pushes.items()):
        up.add_metric(key, float(push.up))
        restarts.add_metric(key, push.restarts)
    yield from (up, restarts)


def _upstreams(streams: Mapping[str, UpstreamStats]) -> Iterator[Metric]:
    rows: tuple[tuple[str, str, Callable[[UpstreamStats], int]], ...] = (
        ("reloads", "Playlists read from an attached feed.", lambda u: u.reloads),
        ("failures", "Requests to an attached feed that came to nothing.", lambda u: u.failures),
        ("restarts", "Times an attached feed began anew.", lambda u: u.restarts),
        ("segments", "Segments fetched from an attached feed.", lambda u: u.fetched),
        ("bytes", "Bytes of segments fetched from an attached feed.", lambda u: u.bytes),
        ("changed_segments", "Segments whose bytes were others the second time.", lambda u: u.changed),
    )
    for name, text, value in rows:
        found = {stream: value(upstream) for stream, upstream in streams.items()}
        yield _counters(f"upstream_{name}", text, "stream", found)
    up = {stream: not upstream.trouble for stream, upstream in streams.items()}
    yield _gauges("upstream_up", "Whether an attached feed can be had and goes on.", "stream", up)


def _publishers(now: Snapshot) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "live_torrent_publisher_up", "1 while an encoder publishes it.", labels=("stream", "protocol")
    )
    for stream, publisher in sorted(now.publishers.items()):
        up.add_metric((stream, publisher.protocol), 1)
    yield up
    yield _counters("publishers", "Publishers let in.", "protocol", now.published)
    refused = CounterMetricFamily(
        "live_torrent_publishers_refused", "Publishers refused or cut off.", labels=("protocol", "status")
    )
    for (protocol, status), count in sorted(now.unpublished.items()):
        refused.add_metric((protocol, str(status)), count)
    yield refused


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"live_torrent_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"live_torrent_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"live_torrent_{name}", text, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"live_torrent_{name}", text, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family
