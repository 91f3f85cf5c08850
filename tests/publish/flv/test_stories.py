"""Publishers that change in the middle: what viewers get is whole."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import imageio_ffmpeg
import pytest

from seeder.ingest.supply import Supply
from seeder.publish import amf
from seeder.publish.flv.tags import SCRIPT, Tag, TagReader, header, written
from tests.publish.encoder import AAC, H264, TONE
from tests.publish.studio import Studio, studio, until

HOUR = 3_600_000
PACE = 10.0
"""Times as fast as real: a publisher may be that, and these stories are long."""


async def film(size: str, seconds: int) -> list[Tag]:
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25")
    process = await asyncio.create_subprocess_exec(
        *(str(imageio_ffmpeg.get_ffmpeg_exe()), "-nostdin", "-v", "error", *picture, *TONE),
        *("-t", str(seconds), *H264, *AAC, "-f", "flv", "pipe:1"),
        stdout=asyncio.subprocess.PIPE,
    )
    data, _ = await process.communicate()
    return [tag for tag in TagReader().feed(data) if tag.kind != SCRIPT]


async def send(here: Studio, *films: tuple[int, list[Tag]]) -> None:
    """Each with its times moved by so many milliseconds, one behind the other."""
    _, writer = await asyncio.open_connection("127.0.0.1", here.port("flv"))
    metadata = amf.encode("onMetaData") + amf.ecma_array({"key": here.key("garden")})
    writer.write(header() + written(Tag(SCRIPT, 0, metadata)))
    loop = asyncio.get_running_loop()
    due = loop.time()
    for by, tags in films:
        last = 0
        for tag in tags:
            due += max(0, tag.timestamp - last) / 1000 / PACE
            last = max(last, tag.timestamp)
            await asyncio.sleep(due - loop.time())
            writer.write(written(tag._replace(timestamp=tag.timestamp + by)))
            await writer.drain()
    writer.close()
    await writer.wait_closed()
    await here.idle()


async def test_another_size_and_times_that_jump_give_discontinuities_and_no_strange_segment(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    small, large = await film("160x90", 3), await film("320x180", 12)
    async with studio(tmp_path, "flv", window=100) as here:
        await send(here, (0, small), (3000, large), (HOUR, large), (40_000, small))
        text = here.playlist("garden")
        folder = next((here.feed / "garden").rglob("index.m3u8")).parent
    lengths = [float(found) for found in re.findall(r"#EXTINF:([\d.]+)", text)]
    assert max(lengths) <= 1.5
    assert sum(lengths) == pytest.approx(30, abs=1.5)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 3  # larger; an hour later; back, and smaller
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
    # Each run is whole: what its own header says can be decoded, to the last frame.
    runs = text.split("#EXT-X-DISCONTINUITY\n")
    expected = (("160x90", 75), ("320x180", 300), ("320x180", 300), ("160x90", 75))
    for run, (size, frames) in zip(runs, expected, strict=True):
        names = re.findall(r"\S+\.m4s", run)
        init = re.findall(r'URI="([^"]+)"', run)[0]
        data = b"".join((folder / name).read_bytes() for name in (init, *names))
        process = await asyncio.create_subprocess_exec(
            *(str(imageio_ffmpeg.get_ffmpeg_exe()), "-v", "info", "-i", "pipe:0", "-f", "null", "-"),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate(data)
        said = errors.decode()
        assert size in said
        assert int(re.findall(r"frame= *(\d+)", said)[-1]) == pytest.approx(frames, abs=26)
        assert "error" not in said.lower()


async def test_who_is_let_in_and_sends_no_media_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(Supply.__init__.__kwdefaults__, "silence", 1.0)  # type: ignore[index]
    async with studio(tmp_path, "flv") as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port("flv"))
        metadata = amf.encode("onMetaData") + amf.ecma_array({"key": here.key("garden")})
        writer.write(header() + written(Tag(SCRIPT, 0, metadata)))
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()
        await until(lambda: "no media for 1 s" in caplog.text)
