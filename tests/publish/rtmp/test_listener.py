"""RTMP as real encoders speak it, and as nobody should."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from seeder.publish.rtmp import listener
from seeder.publish.rtmp.handshake import SIZE
from tests.publish.studio import ffmpeg, program, studio, until

FLV = ("-f", "flv")


async def test_a_key_opens_its_stream_and_nothing_else_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong key, wrong stream, none; then the right one, which ends when it is revoked."""
    caplog.set_level("DEBUG", "seeder")
    async with studio(tmp_path, "rtmp") as here:
        port, key = here.port("rtmp"), here.key("garden")
        base = f"rtmp://127.0.0.1:{port}/live"
        assert f"publish to {base} (and the stream key)" in caplog.text
        for wrong in ("lt_wrong", f"shed?key={key}"):
            async with program(*ffmpeg(*FLV, f"{base}/{wrong}")) as stranger:
                assert "Server error: " in await stranger.said()
        assert list(here.feed.iterdir()) == []
        async with program(*ffmpeg(*FLV, f"{base}/garden?key={key}")) as camera:
            await here.playing("garden")
            here.keys.change(lambda all_: (all_.revoked(all_.all[0].id), None))
            assert await camera.said() != ""
        await here.idle()
        assert "the key was revoked" in caplog.text
    assert key not in caplog.text
    assert "lt_wrong" not in caplog.text


async def test_rtmps_has_the_servers_certificate(tmp_path: Path) -> None:
    async with studio(tmp_path, "rtmps", tls_self_signed=True) as here:
        address = f"rtmps://127.0.0.1:{here.port('rtmps')}/live/{here.key('garden')}"
        async with program(*ffmpeg(*FLV, "-tls_verify", "0", address)):
            await here.playing("garden")


async def test_a_publisher_that_was_killed_comes_back_into_its_stream(tmp_path: Path) -> None:
    async with studio(tmp_path, "rtmp") as here:
        address = f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}"
        async with program(*ffmpeg(*FLV, address)) as camera:
            await here.playing("garden")
            camera.kill()
        async with program(*ffmpeg(*FLV, address)):
            await until(lambda: "#EXT-X-DISCONTINUITY\n" in here.playlist("garden"))
        assert here.playlist("garden").count("#EXT-X-DISCONTINUITY\n") == 1


async def test_who_comes_second_takes_over_and_the_first_is_told(tmp_path: Path) -> None:
    async with studio(tmp_path, "rtmp") as here:
        address = f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}"
        async with program(*ffmpeg(*FLV, address)) as first:
            await here.playing("garden")
            async with program(*ffmpeg(*FLV, address)) as second:
                assert await first.said() != ""
                await until(lambda: "#EXT-X-DISCONTINUITY\n" in here.playlist("garden"))
                assert second.runs


async def test_ten_strangers_and_a_garbler_do_not_disturb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a handshake and silence are cut off in time, garbage at once; each end is the server's."""
    monkeypatch.setattr(listener, "WISH_SECONDS", 2.0)
    hello = b"\x03" + bytes(2 * SIZE)
    half = (b"", b"\x03", hello[: SIZE // 2], hello, hello + b"\x03")
    garbage = (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 5000,
        hello + b"\xff" * 9000,
        bytes(10),
        b"\x16\x03\x01\x02",
    )
    async with studio(tmp_path, "rtmp") as here:
        port = here.port("rtmp")

        async def strange(data: bytes) -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            async with asyncio.timeout(60):
                with suppress(ConnectionError):  # what it sent was not read to its end
                    await reader.read(-1)
            writer.close()

        async with program(*ffmpeg(*FLV, f"rtmp://127.0.0.1:{port}/live/{here.key('garden')}")) as camera:
            await asyncio.gather(*map(strange, half + garbage))
            await here.playing("garden")
            assert camera.runs


GSTREAMER = shutil.which("gst-launch-1.0")
SINKS = pytest.mark.parametrize("sink", ["rtmp2sink", "rtmpsink"])


@pytest.mark.skipif(GSTREAMER is None, reason="GStreamer is not installed (gstreamer1.0-tools, -plugins-bad)")
@SINKS
async def test_gstreamer_publishes(tmp_path: Path, sink: str) -> None:
    """``rtmpsink`` is librtmp, which OBS uses as well."""
    inspect = await asyncio.create_subprocess_exec(
        *("gst-inspect-1.0", "--exists", sink), stdout=asyncio.subprocess.DEVNULL
    )
    if await inspect.wait() != 0:
        pytest.skip(f"GStreamer has no {sink}")
    async with studio(tmp_path, "rtmp") as here:
        location = f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}"
        picture = "videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=90,framerate=25/1"
        encoder = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse"
        pipeline = f"{picture} ! {encoder} ! flvmux streamable=true ! {sink} location={location}"
        async with program("gst-launch-1.0", "-q", *pipeline.split(" ")):
            await here.playing("garden")
