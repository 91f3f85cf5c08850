"""An encoder publishes over RTMP; a viewer in real Chromium plays what comes, and another player does."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg

from tests.browser.asking import plays, until
from tests.conftest import NewPage
from tests.publish.studio import ffmpeg, program, studio


async def test_a_viewer_plays_on_when_the_publisher_dies_and_returns_with_a_larger_picture(
    tmp_path: Path, new_page: NewPage
) -> None:
    async with studio(tmp_path, "rtmp") as here:
        address = f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}"
        base = here.running.bound.url
        page = await new_page()

        async def width() -> int:
            return int(await page.evaluate("document.querySelector('video').videoWidth"))

        async with program(*ffmpeg("-f", "flv", address)) as camera:
            await here.playing("garden")
            await page.goto(f"{base}/watch/garden")
            await plays(page)
            assert await width() == 160
            probe = (
                str(imageio_ffmpeg.get_ffmpeg_exe()),
                "-v",
                "error",
                "-i",
                f"{base}/live/garden/master.m3u8",
            )
            async with program(*probe, "-t", "1", "-f", "null", "-") as player:
                assert await player.said() == ""
            camera.kill()
        async with program(*ffmpeg("-vf", "scale=320:180", "-f", "flv", address)):

            async def larger() -> bool:
                return await width() == 320

            await until("the larger picture is there", larger, page)
            await plays(page)
