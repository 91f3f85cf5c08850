"""Real publishers: ffmpeg's whip muxer and Chromium; watched with ffmpeg and in Chromium."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import imageio_ffmpeg
import pytest

from seeder.publish.whip import endpoint, peer
from tests.browser.asking import plays
from tests.conftest import NewPage
from tests.publish.encoder import H264, PICTURE, TONE, departures
from tests.publish.whip.conftest import KEY, Site, until
from tests.publish.whip.page import publish


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the pictures."""
    monkeypatch.setattr(endpoint, "GROWS", 180)


OVER = "pc.getSenders()[0].transport.state === 'closed'"
"""For a page: we said goodbye, it need not find out by our silence."""


@asynccontextmanager
async def ffmpeg(url: str, key: str = KEY) -> AsyncIterator[asyncio.subprocess.Process]:
    """Publishes; dead when the block is left."""
    process = await asyncio.create_subprocess_exec(
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-re", *PICTURE, "-re", *TONE),
        *(*H264, "-bf", "0", "-c:a", "libopus", "-ac", "2", "-f", "whip", "-handshake_timeout", "60000"),
        *("-authorization", key, url),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_ffmpeg_publishes_vanishes_and_returns_into_the_same_stream(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(peer, "CONSENT", 2.0)
    caplog.set_level("DEBUG", "seeder")
    async with ffmpeg(site.url, key="wrong") as stranger:
        assert await stranger.wait() != 0
    assert site.running.desk is not None
    left = departures(site.running.desk)
    async with ffmpeg(site.url) as first:
        await until(lambda: site.segments() >= 2)
        found = await site.probe()
        assert found.video is not None
        assert (found.video.codec, found.video.height, found.video.frame_rate) == ("h264", 90, "25")
        assert found.audio is not None
        assert found.audio.codec == "aac"
        first.kill()
        await until(lambda: not site.publishers())
    before = site.media()
    async with ffmpeg(site.url) as second:
        await until(lambda: len(site.media()) > len(before))
        assert set(before) <= set(site.media()), "what was published is still there"
        await until(lambda: "#EXT-X-DISCONTINUITY\n" in site.playlist())
        second.send_signal(signal.SIGINT)
        # It says DELETE: no silence need be waited for.
        monkeypatch.setattr(peer, "CONSENT", 1000.0)
        await until(lambda: not site.publishers())
    assert left == [True, False]
    assert KEY not in caplog.text


async def test_chromium_publishes_through_another_size_and_a_dead_ffmpeg_until_it_is_cut_off(
    site: Site, new_page: NewPage
) -> None:
    page = await new_page()  # about:blank: another site than ours
    assert (await publish(page, site.url, "wrong"))["status"] == 401
    assert (await publish(page, site.url, KEY))["status"] == 201
    await until(lambda: site.segments() >= 2)
    found = await site.probe()
    assert found.video is not None
    assert found.video.height == 180
    await page.evaluate("Object.assign(canvas, { width: 200, height: 300 })")
    viewer = await new_page()
    await viewer.goto(f"{site.running.bound.url}/?stream=garden")
    await plays(viewer, 2)
    before = site.media()
    await until(lambda: len(set(site.media()) - set(before)) >= 2)
    again = await site.probe()
    assert again.video is not None
    assert (again.video.width, again.video.height) == (found.video.width, found.video.height)
    status = site.running.publishing
    assert status is not None
    (session,) = status.desk.sessions()
    assert session.ingest is not None
    assert session.ingest.status().restarts == 0
    assert session.ingest.pid is not None
    os.kill(session.ingest.pid, signal.SIGKILL)
    before = site.media()
    await until(lambda: len(set(site.media()) - set(before)) >= 2)
    assert session.ingest.status().restarts == 1
    assert site.running.desk is not None
    assert site.running.desk.revoke("k1") == 1
    await page.wait_for_function(OVER, timeout=60_000)
    await until(lambda: not site.publishers())


async def test_pages_publish_one_track_alone_and_leave(site: Site, new_page: NewPage) -> None:
    seeing, hearing = await new_page(), await new_page()
    # H.264 where this Chromium encodes it: Debian's does, others may lack it.
    pictures = await publish(seeing, site.url, KEY, codec="h264", audio=False)
    if not pictures["status"]:
        pictures = await publish(seeing, site.url, KEY, audio=False)
    sound = await publish(hearing, f"{site.url}-radio", KEY, video=False)
    assert (pictures["status"], sound["status"]) == (201, 201)
    await until(lambda: site.segments() >= 2 and site.segments("garden-radio") >= 2)
    film, radio = await site.probe(), await site.probe("garden-radio")
    assert (film.video is not None, film.audio) == (True, None)
    assert (radio.video, radio.audio is not None) == (None, True)
    for page, session in ((seeing, pictures), (hearing, sound)):
        assert await site.bye(session["session"]) == 200
        await page.wait_for_function(OVER, timeout=60_000)
    await until(lambda: not site.publishers())
