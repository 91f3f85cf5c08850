"""Feeds that a real ffmpeg wrote, relayed: a player that knows nothing of us plays the same from here."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from seeder.web import ServerConfig, create_app, serve
from tests.feed.remote.upstream import attached
from tests.feed.test_written_by_ffmpeg import CODECS, SOURCE, run

SECONDS = ("-t", "4")
HLS = ("-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod")
SUBTITLES = "1\n00:00:00,000 --> 00:00:01,500\nBonjour\n\n2\n00:00:02,000 --> 00:00:03,500\nMonde\n"
MASTER = """#EXTM3U
#EXT-X-VERSION:4
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Packed",DEFAULT=YES,URI="audio/index.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="Français",DEFAULT=YES,URI="subs/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=300000,AUDIO="a",SUBTITLES="s"
video/index.m3u8
"""


@dataclass
class Shelf:
    """A plain web server of a folder: ranges, no CORS."""

    folder: Path
    agents: set[str] = field(default_factory=set)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.agents.add(request.headers.get("User-Agent", ""))
        file = self.folder / request.match_info["path"].removeprefix("live/")
        return web.FileResponse(file) if file.is_file() else web.Response(status=404)


async def encrypted(ffmpeg: str, folder: Path) -> str:
    (folder / "a.key").write_bytes(os.urandom(16))
    (folder / "key.txt").write_text(f"a.key\n{folder / 'a.key'}\n{os.urandom(16).hex()}\n")
    await run(
        ffmpeg, *SOURCE, *SECONDS, *CODECS, *HLS, "-hls_key_info_file", "key.txt", "index.m3u8", cwd=folder
    )
    return "index.m3u8"


async def ranged(ffmpeg: str, folder: Path) -> str:
    flags = ("-hls_flags", "single_file", "-hls_segment_type", "fmp4")
    await run(ffmpeg, *SOURCE, *SECONDS, *CODECS, *HLS, *flags, "index.m3u8", cwd=folder)
    return "index.m3u8"


async def discontinuous(ffmpeg: str, folder: Path) -> str:
    for flags in (("discont_start",), ("append_list", "discont_start")):
        muxer = ("-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_flags", "+".join(flags))
        await run(ffmpeg, *SOURCE, "-t", "2", *CODECS, *muxer, "index.m3u8", cwd=folder)
    return "index.m3u8"


async def renditions(ffmpeg: str, folder: Path) -> str:
    for name in ("video", "audio", "subs"):
        (folder / name).mkdir()
    (folder / "subs.srt").write_text(SUBTITLES)
    (folder / "master.m3u8").write_text(MASTER)
    cut = ("-f", "segment", "-segment_time", "1", "-segment_list", "index.m3u8")
    video = (*SOURCE, *SECONDS, "-map", "0:v", *CODECS)
    audio = (*SOURCE, *SECONDS, "-map", "1:a", *CODECS)
    words = ("-i", "../subs.srt", "-c:s", "webvtt", *cut, "-segment_format", "webvtt", "s%d.vtt")
    await asyncio.gather(
        run(ffmpeg, *video, *HLS, "index.m3u8", cwd=folder / "video"),
        run(ffmpeg, *audio, *cut, "-segment_format", "adts", "a%d.aac", cwd=folder / "audio"),
        run(ffmpeg, *words, cwd=folder / "subs"),
    )
    return "master.m3u8"


async def played(ffmpeg: str, url: str) -> list[str]:
    """Every packet of picture and sound that a player of ``url`` gets, with times and checksums."""
    process = await asyncio.create_subprocess_exec(
        *(ffmpeg, "-nostdin", "-v", "error", "-i", url, "-map", "0:v", "-map", "0:a"),
        *("-c", "copy", "-f", "framecrc", "-"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode().splitlines()


@pytest.mark.parametrize("make", [encrypted, ranged, discontinuous, renditions])
async def test_what_ffmpeg_wrote_is_played_from_here_as_from_its_home(
    ffmpeg: str, tmp_path: Path, make: object
) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    path = await make(ffmpeg, folder)  # type: ignore[operator]
    shelf = Shelf(folder)
    async with (
        attached(shelf, tmp_path, path, relay=True) as it,  # type: ignore[arg-type]
        serve(create_app(it.library), ServerConfig(port=0, grace=0.5)) as bound,
    ):
        await it.until(it.tagged)
        expected = await played(ffmpeg, f"{it.base}/live/{path}")
        shelf.agents.clear()
        got = await played(ffmpeg, f"{bound.url}/live/show/master.m3u8")
        assert len(got) > 50  # of ranges in a row this ffmpeg plays the first, at home too
        assert got == expected
        assert not any("Lavf" in agent for agent in shelf.agents), "the player went nowhere else"
        if make is renditions:
            await it.until(lambda: len(it.playlist("s0/index.m3u8").torrents) >= 2)
            words = [it.view.resources[p].data or b"" for p in it.view.resources if p.endswith(".vtt")]
            assert b"Bonjour" in b"".join(words)
            assert {r.content_type for p, r in it.view.resources.items() if p.endswith(".aac")} == {
                "audio/aac"
            }
