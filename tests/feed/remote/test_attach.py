"""A feed that others serve, with magnets, through all that can go wrong there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from seeder.feed.remote import follow
from seeder.hls.manifest import annotate, strip_tags
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.model import Addresses
from seeder.torrent.metainfo import matches
from tests.feed.remote.upstream import HLS, Attached, Packager, attached

ADDRESSES = Addresses("http://here", "ws://here/announce")


def msns(it: Attached) -> list[int]:
    playlist = parse(it.playlist().text)
    assert isinstance(playlist, MediaPlaylist)
    return [segment.msn for segment in playlist.segments]


def newest(it: Attached) -> int:
    return msns(it)[-1]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST", 0.05)
    monkeypatch.setattr("seeder.feed.remote.hold.ATTEMPTS", 10_000)


async def test_every_segment_stays_where_it_is_and_gets_the_torrent_of_its_bytes(tmp_path: Path) -> None:
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        playlist = it.playlist()
        segments = parse(playlist.text).segments  # type: ignore[union-attr]
        assert [s.uri for s in segments] == [f"{it.base}/live/s{n}.ts" for n in range(4)]
        for segment in segments:
            torrent = playlist.torrents[segment.line]
            assert matches(torrent, packager.segment(f"s{segment.msn}.ts"))
            assert it.view.elsewhere[torrent.infohash].url == segment.uri
            assert it.library.knows(torrent.infohash)
        manifest = annotate(playlist, it.view.rendezvous, ADDRESSES, "show")
        assert f"ws={it.base.replace(':', '%3A').replace('/', '%2F')}%2Flive%2Fs3.ts" in manifest
        assert strip_tags(manifest).replace(f"{it.base}/live/", "") == packager.playlist(), (
            "every line is kept"
        )
        assert "v0/index.m3u8" in it.playlist("master.m3u8").text
        assert it.view.resources == {}, "nothing is served from here"


async def test_a_live_window_moves_on_and_what_left_it_is_forgotten(tmp_path: Path) -> None:
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        first = next(iter(it.playlist().torrents.values())).infohash
        for _ in range(8):
            packager.on()
            await it.until(lambda: newest(it) == packager.first + 3 and it.tagged())
        assert not it.library.knows(first)
        assert len(it.task._hold.held) <= 4 + 3
        assert all(packager.asked.count(f"/live/s{n}.ts") <= 2 for n in range(12)), (
            "once, and once more to be sure"
        )


async def test_a_manifest_does_not_wait_for_hashes(tmp_path: Path) -> None:
    packager, gate = Packager(), asyncio.Event()

    async def slow(request: web.Request, body: bytes) -> web.Response:
        await gate.wait()
        return web.Response(body=body)

    packager.failing["s3.ts"] = slow
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: len(it.playlist().torrents) == 3)
        assert newest(it) == 3
        version = it.playlist().version
        gate.set()
        await it.until(it.tagged)
        assert it.playlist().version > version


async def test_upstream_trouble_is_said_and_survived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        for failure in (503, 404, stall, cut, garbage):
            packager.failing["index.m3u8"] = failure
            await it.until(lambda: it.task.upstream().trouble != "")
            assert len(msns(it)) == 4, "what was published stays"
            packager.failing.clear()
            packager.on()
            await it.until(lambda: newest(it) == packager.first + 3 and it.task.upstream().trouble == "")
        assert it.task.upstream().failures >= 4
    assert "HTTP 503" in caplog.text


async def stall(request: web.Request, body: bytes) -> web.StreamResponse:
    await asyncio.sleep(3)  # longer than TIMEOUT below
    return web.Response(body=body)


async def cut(request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return response


async def garbage(request: web.Request, body: bytes) -> web.Response:
    return web.Response(body=b"<html>busy</html>")


async def test_no_wrong_hash_comes_of_a_segment_cut_short_or_missing(tmp_path: Path) -> None:
    packager = Packager()
    packager.failing = {"s1.ts": cut, "s2.ts": 404}
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: len(it.playlist().torrents) == 2)
        assert it.task.upstream().trouble
        packager.failing.clear()
        await it.until(it.tagged)
        for segment in parse(it.playlist().text).segments:  # type: ignore[union-attr]
            assert matches(it.playlist().torrents[segment.line], packager.segment(f"s{segment.msn}.ts"))


async def test_a_segment_listed_before_it_was_whole_gets_the_torrent_of_the_whole(tmp_path: Path) -> None:
    packager = Packager()
    whole = packager.segment("s3.ts")
    short = True

    async def growing(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=body[:1000] if short else body, headers={"ETag": f'"{short}"'})

    packager.failing["s3.ts"] = growing
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        short = False
        packager.on()
        await it.until(lambda: any(matches(t, whole) for t in it.playlist().torrents.values()))
        assert it.task.upstream().changed == 1


async def test_an_answer_from_the_past_changes_nothing_and_a_publisher_that_begins_anew_does(
    tmp_path: Path,
) -> None:
    packager = Packager(first=100)
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        reloads = it.task.upstream().reloads
        packager.first = 99  # a cache that is behind
        await it.until(lambda: it.task.upstream().reloads >= reloads + 2)
        assert newest(it) == 103
        packager.first, packager.salt = 0, "another take "
        await it.until(lambda: newest(it) == 3 and it.tagged())
        for segment in parse(it.playlist().text).segments:  # type: ignore[union-attr]
            assert matches(it.playlist().torrents[segment.line], packager.segment(f"s{segment.msn}.ts"))
        assert it.task.upstream().restarts == 1


async def test_the_same_names_with_other_bytes_after_a_restart_get_new_torrents(tmp_path: Path) -> None:
    packager = Packager(first=2)
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        old = {t.infohash for t in it.playlist().torrents.values()}
        packager.first, packager.name, packager.salt = 0, "x", "b"
        await it.until(lambda: newest(it) == 3 and it.tagged())
        packager.first, packager.name, packager.salt = 5, "s", "c"
        await it.until(lambda: newest(it) == 8 and it.tagged())
        assert not old & {t.infohash for t in it.playlist().torrents.values()}


async def test_a_feed_that_ends_is_a_recording_from_then_on(tmp_path: Path) -> None:
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        packager.ended = True
        await it.until(lambda: not it.view.live)
        asked = packager.asked.count("/live/index.m3u8")
        await asyncio.sleep(1.2)
        assert packager.asked.count("/live/index.m3u8") == asked, "nothing more is expected of it"
        assert it.tagged()


async def test_a_playlist_that_stands_still_is_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 0.5)
    packager = Packager()
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: "stands still" in it.task.upstream().trouble)
        packager.on()
        await it.until(lambda: newest(it) == 4)
        assert "still" not in it.task.upstream().trouble


async def test_parts_come_with_a_reload_that_waits_for_them(tmp_path: Path) -> None:
    packager = Packager(
        head="#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n",
        tail='#EXT-X-PART:DURATION=0.5,URI="p0.ts"\n',
    )
    news = asyncio.Event()

    async def blocking(request: web.Request, body: bytes) -> web.Response:
        if "_HLS_msn" in request.query:
            await news.wait()
            news.clear()
            return web.Response(body=packager.playlist().encode(), content_type=HLS)
        return web.Response(body=body, content_type=HLS)

    packager.failing["index.m3u8"] = blocking
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: any("_HLS_msn=4&_HLS_part=1" in asked for asked in packager.asked))
        packager.tail += '#EXT-X-PART:DURATION=0.5,URI="p1.ts"\n'
        news.set()
        await it.until(lambda: f'URI="{it.base}/live/p1.ts"' in it.playlist().text)
        await it.until(lambda: any("_HLS_msn=4&_HLS_part=2" in asked for asked in packager.asked))
        assert len([asked for asked in packager.asked if "index.m3u8" in asked]) <= 5


async def test_relayed_segments_are_served_from_here_from_the_first_listing_on(tmp_path: Path) -> None:
    packager = Packager(cors=False)
    async with attached(packager, tmp_path, relay=True) as it:
        await it.until(it.tagged)
        uris: dict[int, str] = {}
        for _ in range(3):
            for segment in parse(it.playlist().text).segments:  # type: ignore[union-attr]
                assert uris.setdefault(segment.msn, segment.uri) == segment.uri, "a segment keeps its URI"
                assert segment.uri.startswith("../r/")
                resource = it.view.resources[segment.uri.removeprefix("../")]
                assert resource.data == packager.segment(f"s{segment.msn}.ts")
                assert resource.content_type == "video/mp2t"
            packager.on()
            await it.until(lambda: newest(it) == packager.first + 3 and it.tagged())


async def test_without_cors_the_operator_is_told_of_relay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with attached(Packager(cors=False), tmp_path) as it:
        await it.until(it.tagged)
        await it.until(lambda: "--relay" in caplog.text)


async def test_memory_for_segments_is_bounded_and_their_torrents_stay(tmp_path: Path) -> None:
    packager = Packager(count=6)
    size = len(packager.segment("s0.ts"))
    async with attached(packager, tmp_path, relay=True, memory_bytes=3 * size) as it:
        await it.until(lambda: len(it.task._hold.held) == 6)
        kept = [held for held in it.task._hold.held.values() if held.data is not None]
        assert len(kept) == 3
        assert {int(held.torrent.name[1:-3]) for held in kept} == {3, 4, 5}, "the newest"


async def test_an_upstream_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    packager = Packager()
    packager.failing["index.m3u8"] = 404
    async with attached(packager, tmp_path) as it:
        async with asyncio.timeout(10):
            await it.task.ready.wait()
        assert it.library.stream("show") is None
        assert "404" in it.task.upstream().trouble
        packager.failing.clear()
        await it.until(it.tagged)


async def test_what_is_no_playlist_from_the_start_is_named_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def page(request: web.Request, body: bytes) -> web.Response:
        return web.Response(text="<html>moved</html>")

    packager = Packager()
    packager.failing["index.m3u8"] = page
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: "no playlist" in it.task.upstream().trouble)
        assert any("index.m3u8 is no playlist" in line and "trying again" in line for line in caplog.messages)
        packager.failing.clear()
        await it.until(it.tagged)
