from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from seeder.stats.counters import HttpCounters, TrackerCounters
from seeder.stats.snapshot import (
    Health,
    IngestStats,
    SeedStats,
    Snapshot,
    StreamStats,
    freeze_http,
    freeze_tracker,
)
from tests.web.conftest import Open


def busy() -> Snapshot:
    http, tracker = HttpCounters(), TrackerCounters(connections=2, opened=5, offers=7, answers=6, failures=1)
    http.responded("segment", 206, 1000)
    http.responded("playlist", 200, 10)
    tracker.received.update(announce=9, scrape=1)
    tracker.refused["per-ip"] += 1
    return Snapshot(
        streams={"demo": StreamStats(True, 8, 4), 'a"b\n': StreamStats(False, 2, 0)},
        seed=SeedStats(torrents=10, peers=3, uploaded=12345, downloaded=0),
        tracker=freeze_tracker(tracker),
        http=freeze_http(http),
        ingests={"demo": IngestStats("running", 1.5, 2, 30, 1, "a secret place")},
        health={"feed": Health(True), "torrent": Health(False, "why")},
    )


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name.removeprefix("live_torrent_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_prometheus_reads_what_the_issue_asks_for(open_site: Open) -> None:
    site = await open_site(snapshot=busy)
    got = await site.fetch("/metrics")
    assert got.headers["content-type"].startswith("text/plain; version=")
    found = samples(got.body.decode())
    expected = {
        ("segments", ()): 10,
        ("torrents", ()): 10,
        ("stream_segments", (("stream", "demo"),)): 8,
        ("stream_viewers", (("stream", 'a"b\n'),)): 0,
        ("seed_uploaded_bytes_total", ()): 12345,
        ("tracker_connections", ()): 2,
        ("tracker_messages_total", (("kind", "announce"),)): 9,
        ("tracker_offers_total", ()): 7,
        ("tracker_refused_total", (("reason", "per-ip"),)): 1,
        ("http_sent_bytes_total", (("kind", "segment"),)): 1000,
        ("http_responses_total", (("kind", "segment"), ("status", "206"))): 1,
        ("ingest_state", (("state", "running"), ("stream", "demo"))): 1,
        ("ingest_state", (("state", "stopped"), ("stream", "demo"))): 0,
        ("ingest_speed", (("stream", "demo"),)): 1.5,
        ("ingest_restarts_total", (("stream", "demo"),)): 2,
        ("ingest_segments_total", (("stream", "demo"),)): 30,
        ("ingest_dropped_total", (("stream", "demo"),)): 1,
        ("healthy", (("room", "torrent"),)): 0,
    }
    assert "secret" not in got.body.decode()
    assert expected.items() <= found.items()


async def test_openmetrics_is_spoken_to_who_asks_for_it(open_site: Open) -> None:
    site = await open_site(snapshot=busy)
    got = await site.fetch("/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert got.headers["content-type"].startswith("application/openmetrics-text")
    assert got.body.endswith(b"# EOF\n")


async def test_two_servers_in_one_process_do_not_share_their_numbers(open_site: Open) -> None:
    first, second = await open_site(snapshot=busy), await open_site()
    assert samples((await first.fetch("/metrics")).body.decode())["segments", ()] == 10
    assert samples((await second.fetch("/metrics")).body.decode())["segments", ()] == 0
