"""FLV over TCP, from a real ffmpeg."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from seeder.publish import amf
from seeder.publish.flv.codecs import ends
from seeder.publish.flv.listener import key_of
from seeder.publish.flv.tags import SCRIPT, Tag, header, written
from tests.publish.encoder import departures
from tests.publish.studio import ffmpeg, program, studio, until


async def test_the_key_in_the_metadata_lets_a_publisher_in_and_stands_in_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "seeder")
    async with studio(tmp_path, "flv") as here:
        port, key = here.port("flv"), here.key("garden")
        assert f"publish to tcp://127.0.0.1:{port} (FLV" in caplog.text
        target = ("-f", "flv", f"tcp://127.0.0.1:{port}")
        async with program(*ffmpeg("-metadata", "key=wrong", *target, seconds=5)) as stranger:
            await stranger.said()
        assert not (here.feed / "garden").exists()
        assert here.running.desk is not None
        left = departures(here.running.desk)
        async with program(*ffmpeg("-metadata", f"key={key}", *target)) as camera:
            await here.playing("garden")
            camera.kill()
            await camera.said()
        await here.idle()
        async with program(*ffmpeg("-metadata", f"key={key}", *target)) as camera:
            await until(lambda: here.playlist("garden").count("#EXT-X-DISCONTINUITY\n"))
            camera.send(signal.SIGINT)
            await camera.said()
        await here.idle()
        assert left == [True, False]
    assert key not in caplog.text


async def closed(port: int, data: bytes) -> None:
    """The connection ends without our end of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_what_is_no_flv_or_has_no_key_is_closed(tmp_path: Path) -> None:
    nameless = written(Tag(SCRIPT, 0, amf.encode("onMetaData") + amf.ecma_array({"title": "x"})))
    async with studio(tmp_path, "flv") as here:
        for data in (
            b"GET / HTTP/1.1\r\n\r\n",
            header() + nameless,
            header() + written(Tag(9, 0, b"\x17\x00")),
        ):
            await closed(here.port("flv"), data)


def test_a_key_is_found_in_metadata_only() -> None:
    assert key_of(amf.encode("onMetaData") + amf.ecma_array({"key": "k"})) == "k"
    assert key_of(amf.encode("@setDataFrame", "onMetaData", {"streamkey": "k"})) == "k"
    assert key_of(amf.encode("onCuePoint", {"key": "k"})) == ""
    assert key_of(amf.encode("onMetaData", {"key": 7})) == ""
    assert key_of(b"\xff") == ""


@pytest.mark.parametrize(
    ("body", "end"),
    [
        (b"\x17\x02\x00\x00\x00", True),
        (b"\x92hvc1", True),
        (b"\x17\x01\x00\x00\x00frame", False),
        (b"\x91hvc1frame", False),
        (b"\x12\x02", False),  # no AVC
        (b"\x17", False),
        (b"", False),
    ],
)
def test_the_end_of_a_sequence_is_told_from_a_frame(body: bytes, end: bool) -> None:
    assert ends(body) is end
