"""Attached presentations: variants, renditions, and what only a multivariant playlist says."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from seeder.feed.remote import task
from seeder.torrent.metainfo import matches
from tests.feed.remote.upstream import HLS, Packager, attached

MASTER = """#EXTM3U
#EXT-X-VERSION:8
#EXT-X-DEFINE:NAME="token",VALUE="t1"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="key"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",URI="de/audio.m3u8?k={$token}"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Deutsch",URI="de/subs.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2000,AUDIO="a",SUBTITLES="s"
low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO="a",SUBTITLES="s"
high.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=100,URI="frames.m3u8"
"""


def presenting(packager: Packager, text: list[str]) -> None:
    async def master(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=text[-1].encode(), content_type=HLS)

    packager.failing["master.m3u8"] = master


async def test_every_playlist_of_a_presentation_is_served_from_here(tmp_path: Path) -> None:
    packager = Packager(head='#EXT-X-DEFINE:IMPORT="token"\n#EXT-X-MAP:URI="init.mp4?k={$token}"\n')
    presenting(packager, [MASTER])
    async with attached(packager, tmp_path, "master.m3u8") as it:
        paths = {"v0/index.m3u8", "v1/index.m3u8", "a0/index.m3u8", "s0/index.m3u8", "i0/index.m3u8"}
        await it.until(lambda: it.view.playlists.keys() == paths | {"master.m3u8"})
        master = it.playlist("master.m3u8").text
        for path in paths:
            assert path in master
        assert f'#EXT-X-SESSION-KEY:METHOD=AES-128,URI="{it.base}/live/key"' in master
        assert f'#EXT-X-MAP:URI="{it.base}/live/de/init.mp4?k=t1"' in it.playlist("a0/index.m3u8").text
        await it.until(lambda: all(len(it.playlist(path).torrents) == 4 for path in paths))
        assert any("de/audio.m3u8?k=t1" in asked for asked in packager.asked)
        # Variants that list the same segment share its torrent, and it was fetched once.
        assert packager.asked.count("/live/s0.ts") == 1


async def test_variants_may_come_go_and_get_new_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "ROOT_SECONDS", 5.0)
    monkeypatch.setattr(task, "LOOK", 0.1)
    packager, text = Packager(), ["#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8?t=1\n"]
    presenting(packager, text)
    async with attached(packager, tmp_path, "master.m3u8") as it:
        await it.until(lambda: len(it.playlist("v0/index.m3u8").torrents) == 4)
        # The first token runs out.
        text.append(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8?t=2\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n"
        )

        async def refusing(request: web.Request, body: bytes) -> web.Response:
            return web.Response(body=body) if request.query.get("t") == "2" else web.Response(status=403)

        packager.failing["low.m3u8"] = refusing
        await it.until(lambda: "v1/index.m3u8" in it.view.playlists)
        packager.on()
        await it.until(lambda: f"s{packager.first + 3}.ts" in it.playlist("v0/index.m3u8").text)
        assert "v0/index.m3u8" in it.playlist("master.m3u8").text, "players keep their playlist's place"
        text.append("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8\n")
        await it.until(lambda: it.view.playlists.keys() == {"master.m3u8", "v1/index.m3u8"})


TEXT = """#EXTM3U
#EXT-X-VERSION:8
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:3
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://asset",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-KEY:METHOD=AES-128,URI="../key?n=1",IV=0x0123
#EXTINF:2,
s7.ts
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z
#EXT-X-DATERANGE:ID="ad",START-DATE="2026-01-01T00:00:00Z",X-ASSET-LIST="ads.json",SCTE35-OUT=0xFC
#EXTINF:2,A title, with a comma
s8.ts
#EXT-X-GAP
#EXTINF:2,
s9.ts
#EXT-X-KEY:METHOD=NONE
#EXTINF:2,
s10.ts
#EXT-X-ENDLIST
"""


async def test_keys_gaps_dates_and_breaks_are_passed_on_and_encrypted_bytes_are_bytes(tmp_path: Path) -> None:
    packager = Packager()

    async def fixed(request: web.Request, body: bytes) -> web.Response:
        return web.Response(body=TEXT.encode(), content_type=HLS)

    packager.failing["index.m3u8"] = fixed
    async with attached(packager, tmp_path) as it:
        await it.until(lambda: len(it.playlist().torrents) == 3)
        text = it.playlist().text
        assert f'URI="{it.base}/key?n=1"' in text
        home = text.replace(f"{it.base}/key", "../key").replace(f"{it.base}/live/", "")
        assert home == TEXT
        lines = TEXT.splitlines()
        for line, torrent in it.playlist().torrents.items():
            assert matches(torrent, packager.segment(lines[line + 1]))
        assert not any("s9.ts" in asked for asked in packager.asked), "a gap has no bytes"
