from __future__ import annotations

import json
from dataclasses import replace

import pytest

from seeder.model import rendezvous_hash
from seeder.stats.snapshot import Health, Snapshot, StreamStats
from seeder.web.api import bitrate
from tests.web.conftest import Open, Site, live_stream, playlist


async def test_the_streams_are_listed_with_their_viewers(open_site: Open) -> None:
    site = await open_site(viewers=lambda infohash: 3 if infohash == rendezvous_hash("demo") else 0)
    got = await site.fetch("/api/streams")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["cache-control"] == "no-store"
    demo = {
        "name": "demo",
        "live": True,
        "onAir": True,
        "dvr": 0,
        "duration": None,
        "recording": None,
        "playlist": "/live/demo/master.m3u8",
        "segments": 1,
        "targetDuration": 2.0,
        "viewers": 3,
        "bitrate": 800000,
    }
    film = demo | {
        "name": "film",
        "live": False,
        "onAir": False,
        "playlist": "/live/film/master.m3u8",
        "viewers": 0,
    }
    assert json.loads(got.body) == {"streams": [demo, film | {"bitrate": None, "duration": 0.0}]}
    one = await site.fetch("/api/streams/demo")
    assert json.loads(one.body) == demo


async def test_an_unknown_stream_is_a_404_in_json(site: Site) -> None:
    got = await site.fetch("/api/streams/nobody")
    assert (got.status, json.loads(got.body)) == (404, {"error": "no such stream"})


@pytest.mark.parametrize("ok", [True, False])
async def test_health_is_that_of_every_room(open_site: Open, ok: bool) -> None:
    health = {"feed": Health(True), "torrent": Health(ok, "no network interface but loopback")}
    site = await open_site(snapshot=lambda: Snapshot(health=health))
    got = await site.fetch("/healthz")
    assert got.status == (200 if ok else 503)
    assert json.loads(got.body) == {
        "ok": ok,
        "rooms": {
            "feed": {"ok": True, "detail": ""},
            "torrent": {"ok": ok, "detail": "no network interface but loopback"},
        },
    }


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ("BANDWIDTH=900000", 900000),
        ("BANDWIDTH=900000,AVERAGE-BANDWIDTH=700000", 700000),
        ("AVERAGE-BANDWIDTH=700000,BANDWIDTH=900000", 700000),
        ('CODECS="x"', None),
        ("BANDWIDTH=many", None),
    ],
)
def test_the_bit_rate_is_what_the_master_playlist_says(attributes: str, found: int | None) -> None:
    master = playlist("master.m3u8", f"#EXTM3U\n#EXT-X-STREAM-INF:{attributes}\nv.m3u8\n")
    assert bitrate(replace(live_stream(), playlists={"master.m3u8": master})) == found


async def test_only_get_is_allowed_and_said_in_json(site: Site) -> None:
    got = await site.fetch("/api/streams", "POST")
    assert got.status == 405
    assert "GET" in got.headers["allow"]
    assert json.loads(got.body) == {"error": "method not allowed"}
    got = await site.fetch("/api/nothing")
    assert (got.status, json.loads(got.body)) == (404, {"error": "not found"})
    got = await site.fetch("/healthz", "POST")
    assert got.headers["content-type"] == "text/plain; charset=utf-8"


async def test_viewers_are_numbers_by_stream_and_in_all(open_site: Open) -> None:
    streams = {"pond": StreamStats(True, 3, 2), "garden": StreamStats(False, 9, 1)}
    site = await open_site(snapshot=lambda: Snapshot(streams=streams, listeners={"pond": 4, "gone": 1}))
    got = await site.fetch("/api/viewers")
    assert got.headers["access-control-allow-origin"] == "*"
    assert json.loads(got.body) == {
        "viewers": 3,
        "listeners": 4,
        "streams": [
            {"name": "garden", "live": False, "viewers": 1, "listeners": 0},
            {"name": "pond", "live": True, "viewers": 2, "listeners": 4},
        ],
    }
