"""Attached low-latency feeds: what upstream promises of its playlists we keep for ours."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from seeder.feed.remote import follow
from seeder.feed.remote.listing import DateRanges
from seeder.feed.remote.places import also
from seeder.hls.attributes import parse_attributes
from seeder.hls.check import check
from seeder.hls.delivery import has
from seeder.hls.manifest import annotate
from seeder.model import Addresses, Edge
from tests.feed.remote.test_presentation import presenting
from tests.feed.remote.upstream import CONTROL, HLS, Attached, LowLatency, Packager, attached

ADDRESSES = Addresses("http://here", "ws://here/announce")


def edge(it: Attached, path: str = "v0/index.m3u8") -> Edge:
    found = it.playlist(path).edge
    assert found is not None
    return found


def reloads(packager: Packager) -> list[str]:
    return [asked for asked in packager.asked if "index.m3u8" in asked]


async def test_each_part_is_ours_as_soon_as_it_is_upstreams_and_one_reload_waits_for_it(
    tmp_path: Path,
) -> None:
    packager = LowLatency()
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: packager.waiting == 1)
        for _ in range(9):
            packager.on_part()
            now = (packager.first + packager.count, packager.listed)
            await it.until(lambda now=now: (edge(it).msn, edge(it).parts) == now)  # type: ignore[misc]
            await it.until(lambda: packager.waiting == 1)
        assert packager.most == 1
        assert len(reloads(packager)) <= 11, "one for each part, and the first"
        assert has(edge(it), 5, 3)
        assert f'#EXT-X-PART:DURATION=0.25,URI="{it.base}/live/p6.0.ts"' in it.playlist().text
        assert f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{it.base}/live/p6.1.ts"' in it.playlist().text
        await it.until(it.tagged)
        assert not any("/p" in asked for asked in packager.asked), "parts are for players to fetch"


async def test_what_is_served_breaks_no_rule_that_its_home_keeps(tmp_path: Path) -> None:
    packager = LowLatency()
    theirs, ours = [packager.playlist()], []
    async with attached(packager, tmp_path) as it:
        for _ in range(9):
            await it.until(lambda: packager.waiting == 1)
            packager.on_part()
            theirs.append(packager.playlist())
            await it.until(
                lambda: it.playlist().text.count("#EXT-X-PART:") == packager.tail.count("#EXT-X-PART:")
            )
            ours.append(annotate(it.playlist(), it.view.rendezvous, ADDRESSES, "show"))
    assert {finding.rule for finding in check(ours)} <= {finding.rule for finding in check(theirs)}


async def test_upstream_need_not_go_on_to_be_asked_again(tmp_path: Path) -> None:
    packager = LowLatency(patience=0.3)
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: packager.waiting == 1)
        await it.until(lambda: len(reloads(packager)) >= 4)  # 503 so often
        assert it.task.upstream().failures == 0
        packager.on_part()
        await it.until(lambda: edge(it).parts == 1)


async def test_a_server_that_does_not_wait_though_it_says_so_is_asked_as_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "QUICK", 100.0)  # on a busy machine every answer takes its time
    packager = Packager(head=f"{CONTROL}#EXT-X-PART-INF:PART-TARGET=0.25\n")

    def blocking() -> int:
        return sum("_HLS_msn" in asked for asked in packager.asked)

    async with attached(packager, tmp_path) as it:
        await it.until(lambda: blocking() == 1 and len(reloads(packager)) >= 4)
        for _ in range(2):
            packager.on()
            await it.until(lambda: edge(it).msn == packager.first + 4)
        assert blocking() == 1


async def test_a_playlist_that_is_another_each_time_is_not_asked_for_without_end(tmp_path: Path) -> None:
    packager = Packager(head=CONTROL)

    async def eager(request: web.Request, body: bytes) -> web.Response:
        packager.on()
        return web.Response(body=packager.playlist().encode(), content_type=HLS)

    packager.failing["index.m3u8"] = eager
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: edge(it).msn > 5)
        before = len(reloads(packager))
        await asyncio.sleep(0.5)
        assert 2 <= len(reloads(packager)) - before <= 0.5 / follow.SHORTEST + 1


async def test_a_restart_is_found_though_a_reload_waits_for_what_will_not_come(tmp_path: Path) -> None:
    packager = LowLatency(first=100, patience=0.3)
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: packager.waiting == 1)
        packager.first, packager.salt = 0, "another take "
        packager.failing["index.m3u8"] = too_far_ahead
        await it.until(lambda: edge(it).msn == 4)
        packager.failing.clear()
        await it.until(lambda: packager.waiting == 1)
        assert it.task.upstream().restarts == 1


async def too_far_ahead(request: web.Request, body: bytes) -> web.Response:
    if int(request.query.get("_HLS_msn", 0)) > 6:
        return web.Response(status=400)
    return web.Response(body=body, content_type=HLS)


async def test_renditions_report_on_our_playlists_and_not_on_their_homes(tmp_path: Path) -> None:
    report = '#EXT-X-RENDITION-REPORT:URI="{}",LAST-MSN=3\n'
    packager = LowLatency(tail=report.format("high.m3u8") + report.format("../live/low.m3u8?t=9"))
    text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8?t=1\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n"
    presenting(packager, [text])
    async with attached(packager, tmp_path, "master.m3u8") as it:
        await it.until(lambda: {"v0/index.m3u8", "v1/index.m3u8"} <= it.view.playlists.keys())
        lines = it.playlist("v0/index.m3u8").text.splitlines()
        found = [parse_attributes(line.partition(":")[2])["URI"] for line in lines if "REPORT" in line]
        assert found == ["../v1/index.m3u8", "index.m3u8"]


def test_a_name_that_would_be_two_playlists_is_nones() -> None:
    paths = {"http://a/x?v=1": "v0", "http://a/x?v=2": "v1", "http://a/y?t=1": "v2"}
    names = also(paths, {"v2": "http://edge/y?t=1"})
    assert names == paths | {"http://a/y": "v2", "http://edge/y?t=1": "v2", "http://edge/y": "v2"}


async def test_what_upstream_does_not_promise_we_do_not_keep(tmp_path: Path) -> None:
    async with attached(Packager(), tmp_path) as it:
        await it.until(it.tagged)
        assert it.playlist().edge is None


def test_date_ranges_that_went_are_known_for_a_while() -> None:
    def text(*names: str) -> str:
        return "".join(f'#EXT-X-DATERANGE:ID="{name}"\n' for name in names)

    ranges = DateRanges().follow(text("a", "b"), 0, 12).follow(text("b"), 5, 12)
    assert set(ranges.gone) == {"a"}
    assert set(ranges.follow(text(), 10, 12).gone) == {"a", "b"}
    assert set(ranges.follow(text("a"), 10, 12).gone) == {"b"}
    assert set(ranges.follow(text(), 18, 12).gone) == {"b"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST", 0.05)
