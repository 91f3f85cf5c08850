"""A low-latency feed that no part of live-torrent made, attached: hls.js plays it part by part through us."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page

from seeder.feed.library import Library
from seeder.feed.remote.task import Attach, AttachTask
from seeder.web.app import create_app
from seeder.web.server import ServerConfig, serve
from tests import npm
from tests.browser.asking import until, when
from tests.browser.sites import site
from tests.browser.upstream import CORS
from tests.conftest import visitors
from tests.feed.test_written_by_ffmpeg import run
from tests.fetch.hosting import host

PART = 0.5
OF_SEGMENT = 4
LISTED = 10
"""Segments: the oldest ones are beyond the skip boundary."""
HEAD = f"""#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5
#EXT-X-PART-INF:PART-TARGET={PART}
#EXT-X-MAP:URI="init.mp4"
"""


@dataclass
class Show:
    """An origin that lists a part twice a second, and keeps who asks for the next one waiting for it."""

    folder: Path
    began: float = field(default_factory=time.monotonic)
    waited: int = 0

    @property
    def parts(self) -> int:
        """So many there are."""
        return LISTED * OF_SEGMENT + int((time.monotonic() - self.began) / PART)

    def playlist(self) -> str:
        whole, more = divmod(self.parts, OF_SEGMENT)
        lines = [HEAD + f"#EXT-X-MEDIA-SEQUENCE:{whole - LISTED}\n"]
        for segment in range(whole - LISTED, whole + 1):
            parts = range(more if segment == whole else OF_SEGMENT if segment >= whole - 2 else 0)
            lines += [self._part(segment * OF_SEGMENT + n) for n in parts]
            lines += [f"#EXTINF:{PART * OF_SEGMENT},\ns{segment}.mp4\n"] if segment < whole else []
        lines += [f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p{whole * OF_SEGMENT + more}.mp4"\n']
        return "".join(lines)

    def _part(self, number: int) -> str:
        return f'#EXT-X-PART:DURATION={PART},INDEPENDENT=YES,URI="p{number}.mp4"\n'

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["path"]
        if name.endswith(".m3u8"):
            if "_HLS_msn" in request.query:
                wanted = int(request.query["_HLS_msn"]) * OF_SEGMENT + int(request.query.get("_HLS_part", 3))
                self.waited += 1
                await self._until(wanted)
            return web.Response(text=self.playlist(), headers=CORS)
        number = int(name[1:-4]) if name != "init.mp4" else 0
        if name.startswith("p"):
            await self._until(number)
        numbers = range(number * OF_SEGMENT, (number + 1) * OF_SEGMENT) if name.startswith("s") else [number]
        files = ["init.mp4"] if name == "init.mp4" else [f"{n}.m4s" for n in numbers]
        return web.Response(body=b"".join((self.folder / file).read_bytes() for file in files), headers=CORS)

    async def _until(self, part: int) -> None:
        while self.parts <= part:
            await asyncio.sleep(0.02)


@dataclass
class Stage:
    show: Show
    url: str
    plain: Page
    """hls.js as it is, set to low latency."""
    ours: Page


PLAIN = "<!doctype html><video muted></video>"
PLAY = """url => {
  window.parts = 0, window.deltas = 0, window.fatal = ''
  const hls = window.hls = new Hls({ lowLatencyMode: true })
  hls.on(Hls.Events.FRAG_LOADED, (_, { part }) => { if (part) window.parts += 1 })
  hls.on(Hls.Events.LEVEL_LOADED, (_, { networkDetails }) => {
    if (networkDetails.responseText.includes('#EXT-X-SKIP:')) window.deltas += 1
  })
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal) window.fatal = details })
  hls.loadSource(url)
  hls.attachMedia(document.querySelector('video'))
  document.querySelector('video').play()
}"""
TOLD = """() => {
  const { played } = document.querySelector('video')
  let seconds = 0
  for (let i = 0; i < played.length; i++) seconds += played.end(i) - played.start(i)
  return { played: seconds, parts: window.parts, deltas: window.deltas, fatal: window.fatal }
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(
    ffmpeg: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("show")
    await run(
        ffmpeg,
        *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10", "-t", "200", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-g", "5", "-keyint_min", "5", "-sc_threshold", "0"),
        *("-pix_fmt", "yuv420p", "-f", "hls"),
        *("-hls_time", str(PART), "-hls_list_size", "0", "-hls_segment_type", "fmp4"),
        *("-hls_segment_filename", "%d.m4s", "index.m3u8"),
        cwd=folder,
    )
    async with AsyncExitStack() as stack:
        show = Show(folder)
        upstream = await stack.enter_async_context(host({"{path:.*}": show.answer}))
        library = Library(folder / "nothing")
        job = asyncio.create_task(AttachTask(Attach(f"{upstream}/index.m3u8", "show"), library, None).run())
        stack.callback(job.cancel)
        bound = await stack.enter_async_context(serve(create_app(library), ServerConfig(port=0)))
        new_page = await stack.enter_async_context(visitors(chromium))
        plain, ours = await new_page(), await new_page()
        await plain.goto(await stack.enter_async_context(site(PLAIN)))
        await plain.add_script_tag(path=npm.MODULES / "hls.js/dist/hls.min.js")
        yield Stage(show, f"{bound.url}/live/show/v0/index.m3u8", plain, ours)


async def test_hls_js_plays_part_by_part_and_is_sent_what_is_new(stage: Stage) -> None:
    await stage.plain.evaluate(PLAY, stage.url)

    async def played() -> bool:
        told = await stage.plain.evaluate(TOLD)
        assert told["fatal"] == ""
        return bool(told["played"] > 4 and told["parts"] > 4 and told["deltas"] > 4)

    await until("parts and delta updates come and are played", played, stage.plain)
    assert await stage.plain.evaluate("hls.latestLevelDetails?.deltaUpdateFailed ?? false") is False


async def test_our_player_takes_whole_segments_of_it_that_have_magnets(stage: Stage) -> None:
    await stage.ours.goto(stage.url.partition("/live/")[0] + "/watch/show?mode=loader")
    told = await when(stage.ours, "played > 4 && s.segments.length > 3", "playing whole segments")
    msns = [segment["msn"] for segment in told["segments"]]
    assert msns == sorted(set(msns))
    groups = await stage.ours.evaluate("[...window.liveTorrent.players[0].engine.library.groups.keys()]")
    assert groups == [stage.url], "whatever was asked of it, it is one playlist"
