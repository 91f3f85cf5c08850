"""One contestant in one setting, everything fresh: what was observed."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Playwright

from bench.swarm import nginx, origin_log
from bench.swarm.contestants import Backend, Contestant
from bench.swarm.metrics import Observed
from bench.swarm.namespaces import Place, joined
from bench.swarm.packager import Packager
from bench.swarm.processes import busy_core, first_line, get, running, until_served
from bench.swarm.settings import SETTLE, STAGGER, Setting
from bench.swarm.stream import Stream
from bench.swarm.viewers import Audience, audience, every
from tests.conftest import unused_port

LOOK = 2.0
"""Seconds between samples: often enough for the picture, seldom enough not to be the load."""
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Tools:
    """What every trial uses."""

    playwright: Playwright
    chromium: str
    nginx: str
    node: str
    pages: Path
    """The contestants' bundled pages."""


async def observe(tools: Tools, stream: Stream, contestant: Contestant, setting: Setting) -> Observed:
    """Run it. Raises ``Died`` when a process of the bench's own does."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="lt-bench-")))
        feed = folder / "feed"
        host = "127.0.0.1"
        prefix: tuple[str, ...] = ()
        places: tuple[Place, ...] = ()
        if setting.links.shaped:
            origin, places = await stack.enter_async_context(
                joined(setting.links, setting.viewers + setting.leaving)
            )
            host, prefix = origin.address, origin.prefix
        packager = Packager(stream, feed)
        packaging = asyncio.create_task(packager.run())
        stack.push_async_callback(_ended, packaging)
        behind = await stack.enter_async_context(_behind(tools, contestant, feed, prefix))
        listen = f"{host}:{unused_port()}"
        counting = AsyncExitStack()
        await stack.enter_async_context(counting)
        log = await counting.enter_async_context(
            nginx.serving(
                tools.nginx, folder / "nginx", feed, tools.pages, listen, contestant.backend, behind, prefix
            )
        )
        await until_served(f"http://{listen}/live/show/video/index.m3u8", prefix, stream.names[0][:3])
        await stack.enter_async_context(busy_core(setting.busy))
        # Closed before nginx is, so that its log has the WebSockets' lines.
        watching = AsyncExitStack()
        await stack.enter_async_context(watching)
        url = f"http://{listen}{contestant.path}"
        crowd = await watching.enter_async_context(
            audience(tools.playwright, tools.chromium, url, places, folder)
        )

        async def seed_sent() -> float:
            if contestant.backend is not Backend.OURS:
                return 0.0
            said = await get(f"http://{behind}/metrics", prefix) or ""
            found = re.search(r"^live_torrent_seed_uploaded_bytes_total (\S+)", said, re.MULTILINE)
            return float(found[1]) if found else 0.0

        await _join(crowd, setting)
        begin = time.time()
        seed = await seed_sent()
        end = begin + setting.seconds
        await _watch(crowd, setting, begin, end)
        seed = await seed_sent() - seed
        await watching.aclose()
        await counting.aclose()
        return Observed(
            epoch=packager.schedule.epoch,
            names=stream.names,
            sizes=stream.sizes,
            begin=begin,
            end=end,
            visits=[viewer.visit(end) for viewer in crowd.viewers],
            ticks=[tick for tick in crowd.ticks if tick.at >= begin],
            requests=list(origin_log.parse(log.read_text())),
            seed_bytes=seed,
        )


async def _join(crowd: Audience, setting: Setting) -> None:
    """One after the other; then everybody plays and a few segments have passed."""
    for _ in range(setting.viewers):
        await crowd.welcome()
        await asyncio.sleep(STAGGER)
    await crowd.arrived()
    await every(LOOK, crowd.look, time.time() + SETTLE)


async def _watch(crowd: Audience, setting: Setting, begin: float, end: float) -> None:
    if setting.leaving:
        await every(LOOK, crowd.look, (begin + end) / 2)
        # The first to come, who have most to give.
        for viewer in crowd.viewers[: setting.leaving]:
            await viewer.sample()  # what it had in its buffer
            await viewer.leave()
            await crowd.welcome()
    await every(LOOK, crowd.look, end)
    await crowd.look()


@asynccontextmanager
async def _behind(
    tools: Tools, contestant: Contestant, feed: Path, prefix: Sequence[str]
) -> AsyncIterator[str]:
    """host:port of what nginx passes requests on to."""
    if contestant.backend is Backend.FILES:
        yield "127.0.0.1:9"  # nobody asks
        return
    if contestant.backend is Backend.TRACKER:
        command = [*prefix, tools.node, str(HERE / "pages" / "tracker.mjs")]
        async with running(command, "bittorrent-tracker", stdout=PIPE) as tracker:
            yield f"127.0.0.1:{int(await first_line(tracker, 'bittorrent-tracker'))}"
        return
    port = unused_port()
    command = [*prefix, sys.executable, "-m", "seeder", "serve", "--feed", str(feed)]
    command += ["--port", str(port), "--log-level", "warning"]
    async with running(command, "live-torrent serve"):
        await until_served(f"http://127.0.0.1:{port}/live/show/video/index.m3u8", prefix, "MAGNET")
        yield f"127.0.0.1:{port}"


async def _ended(task: asyncio.Task[None]) -> None:
    """Cancel and see it end; what it failed with is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
