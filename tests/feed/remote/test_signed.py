"""Segments whose URLs are others at every reload: signed ones, with tokens that run out."""

from __future__ import annotations

import asyncio
import re
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from seeder.feed.remote import follow
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.torrent.metainfo import matches
from tests.feed.remote.upstream import HLS, Attached, Packager, attached


def signing(packager: Packager) -> None:
    """Each answer has tokens of its own."""
    token = count()

    async def signed(request: web.Request, body: bytes) -> web.Response:
        text = re.sub(r"(\.ts)\n", rf"\1?token={next(token)}\n", body.decode())
        return web.Response(body=text.encode(), content_type=HLS)

    packager.failing["index.m3u8"] = signed


def fetched(packager: Packager, name: str) -> int:
    return sum(1 for path in packager.asked if path.startswith(f"/live/{name}?"))


def newest(it: Attached) -> int:
    playlist = parse(it.playlist().text)
    assert isinstance(playlist, MediaPlaylist)
    return playlist.segments[-1].msn


async def test_a_segment_is_fetched_once_whatever_its_url_becomes(tmp_path: Path) -> None:
    packager = Packager(count=2)
    signing(packager)
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        first = next(iter(it.playlist().torrents.values()))
        for _ in range(4):
            packager.on()
            await it.until(lambda: newest(it) == packager.first + 1 and it.tagged())
        counts = [fetched(packager, f"s{n}.ts") for n in range(packager.first + 2)]
        assert max(counts) <= 2, f"once, and once more to be sure: {counts}"
        newest_url = parse(it.playlist().text).segments[-1].uri  # type: ignore[union-attr]
        elsewhere = {found.torrent.name: found.url for found in it.view.elsewhere.values()}
        assert elsewhere[f"s{newest(it)}.ts"] == newest_url, "the URL that still works"
        assert not it.library.knows(first.infohash), "what left is forgotten all the same"
        assert len(it.task._hold.held) <= 2 + 3


async def test_one_that_is_under_way_when_its_url_changes_is_not_fetched_again(tmp_path: Path) -> None:
    packager, gate = Packager(), asyncio.Event()
    signing(packager)

    async def slow(request: web.Request, body: bytes) -> web.Response:
        await gate.wait()
        return web.Response(body=body)

    packager.failing["s4.ts"] = slow
    async with attached(packager, tmp_path) as it:
        await it.until(it.tagged)
        packager.on()
        await it.until(lambda: fetched(packager, "s4.ts") == 1)
        reloads = it.task.upstream().reloads
        await it.until(lambda: it.task.upstream().reloads >= reloads + 2)
        gate.set()
        await it.until(lambda: newest(it) == 4 and it.tagged())
        assert fetched(packager, "s4.ts") == 1


@pytest.mark.parametrize("signed", [False, True])
async def test_what_was_under_way_when_the_publisher_began_anew_is_not_taken_for_the_new(
    tmp_path: Path, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "PATIENCE", 0.5)
    packager, gate = Packager(first=100), asyncio.Event()
    if signed:
        signing(packager)
    old = packager.segment("s100.ts")

    async def late(request: web.Request, body: bytes) -> web.Response:
        if packager.salt:
            return web.Response(body=body)
        await gate.wait()
        return web.Response(body=old)

    packager.failing["s100.ts"] = late
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: any("s100.ts" in asked for asked in packager.asked))
        packager.first, packager.salt = 99, "another take "
        await it.until(lambda: newest(it) == 102 and it.task.upstream().restarts == 1)
        gate.set()
        await it.until(it.tagged)
        for segment in parse(it.playlist().text).segments:  # type: ignore[union-attr]
            data = packager.segment(f"s{segment.msn}.ts")
            assert matches(it.playlist().torrents[segment.line], data), segment.msn
