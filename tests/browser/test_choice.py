"""hls.js with our loaders chooses among variants by what the line carries, and shares audio, too."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser.asking import until
from tests.browser.sites import Website, website
from tests.browser.throttle import line
from tests.conftest import NewPage, Running, Start, page_log

RATES = (200, 600, 1800)
"""kbit/s of the variants; audio besides."""
SLOW = 150_000
"""bytes/s: the middle one and the audio, with what a player keeps in hand; two thirds of the highest."""
GOOD = 2_500_000
SECONDS = 2
LENGTH = 150
"""Seconds: longer than the test has patience."""
WINDOW = 7
BEHIND = "liveSyncDurationCount: 4, maxBufferLength: 2, maxMaxBufferLength: 3"
"""Settings of a player that asks for segments when they are in memory, pulled for others."""


@pytest.fixture(scope="session")
def ladder(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three variants (fMP4, segments of SECONDS) and audio for all of them, as a finished VOD."""
    folder = tmp_path_factory.mktemp("ladder")
    outputs: list[str] = []
    for n, rate in enumerate(RATES):
        limits = (f"-b:v:{n}", f"{rate}k", f"-maxrate:v:{n}", f"{rate}k", f"-bufsize:v:{n}", f"{rate // 2}k")
        outputs += ["-map", "0:v", *limits]
    names = " ".join(f"v:{n},agroup:sound,name:video{n}" for n in range(len(RATES)))
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        # Noise, so that the encoder has use for what it is allowed.
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=5,noise=alls=60:allf=t"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *(*outputs, "-map", "1:a", "-t", str(LENGTH)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-g", "10", "-keyint_min", "10", "-sc_threshold", "0", "-c:a", "aac", "-b:a", "64k"),
        *("-f", "hls", "-hls_time", str(SECONDS), "-hls_list_size", "0", "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-var_stream_map", f"{names} a:0,agroup:sound,name:audio,language:en,default:yes"),
        *("-master_pl_name", "master.m3u8", "-hls_segment_filename", str(folder / "%v" / "%d.m4s")),
        str(folder / "%v" / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return folder


async def write_live(folder: Path) -> None:
    """One segment after the other, every playlist of a VOD says what a live one would say."""
    parts: dict[Path, tuple[str, list[str]]] = {}
    for playlist in folder.glob("*/index.m3u8"):
        text = playlist.read_text().replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "")
        entries = re.findall(r"#EXTINF:.*\n.*\n", text)
        parts[playlist] = (text[: text.index(entries[0])], entries)
    for last in range(WINDOW, LENGTH // SECONDS):
        for playlist, (head, entries) in parts.items():
            first = last - WINDOW
            listed = head.replace("SEQUENCE:0", f"SEQUENCE:{first}") + "".join(entries[first:last])
            playlist.with_suffix(".new").write_text(listed)
            playlist.with_suffix(".new").replace(playlist)
        await asyncio.sleep(SECONDS)


@pytest_asyncio.fixture(loop_scope="session")
async def live(live_torrent: Start, feed_dir: Path, ladder: Path) -> AsyncIterator[Running]:
    shutil.copytree(ladder, feed_dir / "show")
    writing = asyncio.create_task(write_live(feed_dir / "show"))
    yield await live_torrent("serve", "--feed", str(feed_dir))
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing


def page_with(cdn: Website, settings: str) -> str:
    return f"""<!doctype html><video muted autoplay playsinline></video>
      <script type="module">
        import Hls from '{cdn.url}/hls.mjs'
        import {{ createP2PLoader }} from '{cdn.url}/package/dist/index.js'
        window.p2p = createP2PLoader(Hls)
        // Believes what it is told at once; by itself hls.js takes half a minute to believe in a better line.
        window.hls = new Hls({{ ...p2p.config, abrEwmaFastLive: 0.5, abrEwmaSlowLive: 0.5, {settings} }})
        window.levels = [] // of the picture's segments, in order
        window.estimates = [] // bits/s, at each
        hls.on(Hls.Events.FRAG_LOADED, (_, {{ frag }}) => {{
          if (frag.type !== 'main' || frag.sn === 'initSegment') return
          levels.push(frag.level)
          estimates.push(hls.bandwidthEstimate)
        }})
        hls.loadSource(new URLSearchParams(location.search).get('url'))
        hls.attachMedia(document.querySelector('video'))
      </script>"""


STATE = (
    """() => ({ levels, estimate: hls.bandwidthEstimate, at: hls.media?.currentTime, stats: p2p.stats() })"""
)


async def holds(page: Page, condition: str, claim: str) -> None:
    """Until JavaScript over ``levels``, ``hls``, ``p2p`` and ``s`` (statistics) holds."""

    async def look() -> bool:
        return bool(await page.evaluate(f"(() => {{ const s = p2p.stats(); return {condition} }})()"))

    try:
        await until(claim, look)
    except AssertionError as error:
        raise AssertionError(f"{error} {await page.evaluate(STATE)} {page_log(page)}") from None


LINKS = "p2p.engine.company.mesh.up"
AUDIO_OF_PEERS = """[...p2p.engine.library.byId.values()]
  .some(segment => segment.group.includes('audio') && segment.holding?.from.peers > 0)"""


async def test_the_choice_follows_the_line_and_every_rendition_is_shared_in_one_mesh(
    live: Running, cdn: Website, new_page: NewPage
) -> None:
    files = {"/edge": page_with(cdn, ""), "/behind": page_with(cdn, BEHIND)}
    async with website(files) as other, line(live.port, SLOW) as one, line(live.port, SLOW) as two:
        pages = [await new_page(), await new_page()]
        for page, own, name in zip(pages, (one, two), ("edge", "behind"), strict=True):
            await page.goto(f"{other.url}/{name}?url={own.url}/live/show/master.m3u8")
            await page.wait_for_function("window.p2p && hls.media?.currentTime > 0.5", timeout=60_000)
        for page in pages:
            await holds(page, "s.peers === 1", "both have met")
            await page.evaluate(f"for (const link of {LINKS}) link.isOfBefore = true")
            await holds(page, "levels.slice(-3).every(level => level === 1)", "the middle one it is")
        await asyncio.sleep(4)
        for page in pages:
            chosen: list[Any] = await page.evaluate("levels")
            told: list[float] = await page.evaluate("estimates")
            assert 2 not in chosen, (chosen, told)
            assert max(told) < 1.5 * 8 * SLOW, (chosen, told)
        await asyncio.gather(*(holds(page, AUDIO_OF_PEERS, "audio comes from peers") for page in pages))

        one.rate = two.rate = GOOD
        # Who came first fetches most for both.
        await holds(pages[0], "levels.at(-1) === 2", "a good line has the highest")
        for page in pages:
            kept = await page.evaluate(f"{LINKS}.filter(link => link.isOfBefore).length")
            assert kept == 1, "the mesh outlives every switch"
