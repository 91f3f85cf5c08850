"""The whole way, with nothing but browsers: live from the studio, watched through the swarm, stopped, found
on the front page, played, sought in, downloaded; after the server was begun anew that recording again, and
another one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from tests import browser_path
from tests.browser.accessible import accessible
from tests.browser.asking import plays, stats, until
from tests.conftest import NewPage, Running, commands, visitors
from tests.recording_maker import packets, worst_gap

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
PATIENCE = 90_000
"""Milliseconds."""


@pytest_asyncio.fixture(loop_scope="session")
async def camera_page(chromium_path: str) -> AsyncIterator[NewPage]:
    async with async_playwright() as playwright:
        flags = [*browser_path.FLAGS, *CAMERA]
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=flags)
        async with visitors(browser) as make:
            yield make
        await browser.close()


def made_key(folder: Path, run: list[str]) -> str:
    """With the command, as an operator does."""
    told = subprocess.run(
        [*run, "--keys", str(folder / "keys.json")], check=True, capture_output=True, text=True
    )
    return next(word for word in (told.stdout + told.stderr).split() if word.startswith("lt_"))


async def go_live(page: Page, server: Running, key: str) -> None:
    await page.goto(f"{server.url}/studio")
    await page.click("#open")
    await page.wait_for_selector("#close:enabled")
    await page.fill("#name", "garden")
    await page.fill("#key", key)
    await page.click("#air")
    await expect(page.locator("#badge")).to_contain_text("Live", timeout=PATIENCE)


async def watch_through_the_swarm(page: Page, server: Running, new_page: NewPage) -> None:
    """Two viewers; one gets segments from the other."""
    first, second = await new_page(), await new_page()
    for viewer in (first, second):
        await viewer.goto(await page.input_value("#link"))
        await plays(viewer)

    async def from_peers() -> bool:
        return any([(await stats(viewer)).get("bytesFromPeers", 0) > 0 for viewer in (first, second)])

    await until("one viewer gets segments from the other", from_peers, first, second)
    for viewer in (first, second):
        await viewer.context.close()


async def stop(page: Page) -> None:
    await page.click("#air")
    await expect(page.locator("#badge")).to_contain_text("Off air", timeout=PATIENCE)


async def find_play_seek_and_download(page: Page, server: Running, ffmpeg: str, folder: Path) -> None:
    """From the front page on, the only recording."""
    await page.goto(server.url)
    cards = page.locator("#recordings .card")
    await expect(cards).to_have_count(1, timeout=PATIENCE)
    await accessible(page)
    newest = cards.first
    download = newest.locator(".card-download")
    await expect(download).to_be_visible(timeout=PATIENCE)
    async with page.expect_download(timeout=PATIENCE) as file:
        await download.click()
    found = await file.value
    assert found.suggested_filename.endswith(".mp4")
    saved = folder / "film.mp4"
    await found.save_as(saved)
    shown = await packets(ffmpeg, saved)
    seconds = shown["video"][-1][0] - shown["video"][0][0]
    assert seconds > 3
    assert worst_gap(shown["audio"]) < 0.05
    assert worst_gap(shown["video"]) < 0.25, "a fake camera's frames, and none between that is missing"
    if probe := shutil.which("ffprobe"):
        command = (probe, "-v", "error", "-show_format", "-show_streams", "-of", "json", str(saved))
        told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        assert {stream["codec_name"] for stream in told["streams"]} == {"h264", "aac"}
        assert abs(float(told["format"]["duration"]) - seconds) < 1

    await newest.locator(".card-link").click()
    await plays(page)
    video = "document.querySelector('video')"
    length = await page.evaluate(f"{video}.duration")
    assert abs(length - seconds) < 1.5
    await page.evaluate(f"{video}.currentTime = {length} * 0.6")

    async def sought() -> bool:
        return bool(await page.evaluate(f"{video}.currentTime > {length} * 0.6 && {video}.readyState >= 2"))

    await until("it plays from where it was sought to", sought, page)


async def test_someone_with_nothing_but_a_browser_goes_live_and_everybody_finds_the_recording(
    tmp_path: Path, camera_page: NewPage, new_page: NewPage, ffmpeg: str
) -> None:
    async with commands(tmp_path) as start:
        key = made_key(tmp_path, [sys.executable, "-m", "seeder", "keys", "create", "garden"])
        arguments = ("serve", "--publish", "browser", "--record", "--segment-seconds", "1")
        keys = ("--keys", str(tmp_path / "keys.json"))
        server = await start(*arguments, "--feed", "feed", *keys)
        visitor, page = await new_page(), await camera_page()
        await go_live(page, server, key)
        await watch_through_the_swarm(page, server, new_page)
        await stop(page)
        await find_play_seek_and_download(visitor, server, ffmpeg, tmp_path)
        await page.context.close()
        await visitor.context.close()
        await server.stop()
        assert key not in server.log()

        server = await start(*arguments, "--feed", "feed", *keys)
        visitor, page = await new_page(), await camera_page()
        await find_play_seek_and_download(visitor, server, ffmpeg, tmp_path)
        await go_live(page, server, key)
        await visitor.goto(await page.input_value("#link"))
        await plays(visitor)
        await stop(page)
        await visitor.goto(server.url)
        await expect(visitor.locator("#recordings .card")).to_have_count(2, timeout=PATIENCE)
        assert key not in server.log()
