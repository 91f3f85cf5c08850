"""RTMP as real encoders speak it, and as nobody should."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from seeder.publish.rtmp import listener
from seeder.publish.rtmp.handshake import SIZE
from tests.publish.studio import ffmpeg, program, studio, until

FLV = ("-f", "flv")


async def test_a_key_opens_its_stream_and_nothing_else_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong key, wrong stream; then the right one, which ends when it is revoked; one over TLS goes on."""
    caplog.set_level("DEBUG", "seeder")
    async with studio(tmp_path, "rtmp", "rtmps", tls_self_signed=True) as here:
        key = here.key("garden")
        base = f"rtmp://127.0.0.1:{here.port('rtmp')}/live"
        assert f"publish to {base} (and the stream key)" in caplog.text
        for wrong in ("lt_wrong", f"shed?key={key}"):
            async with program(*ffmpeg(*FLV, f"{base}/{wrong}")) as stranger:
                assert "Server error: " in await stranger.said()
        assert [path for path in here.feed.iterdir() if not path.name.startswith(".")] == []
        secret = f"rtmps://127.0.0.1:{here.port('rtmps')}/live/{here.key('shed')}"
        async with (
            program(*ffmpeg(*FLV, f"{base}/garden?key={key}")) as camera,
            program(*ffmpeg(*FLV, "-tls_verify", "0", secret)) as other,
        ):
            await here.playing("garden")
            await here.playing("shed")
            here.keys.change(lambda all_: (all_.revoked(all_.all[0].id), None))
            assert await camera.said() != ""
            assert other.runs
        assert "the key was revoked" in caplog.text
    assert key not in caplog.text
    assert "lt_wrong" not in caplog.text


async def test_a_killed_publisher_returns_into_its_stream_and_another_takes_it_over(tmp_path: Path) -> None:
    async with studio(tmp_path, "rtmp", takeover=0.5) as here:

        async def interrupted(times: int) -> None:
            await until(lambda: here.playlist("garden").count("#EXT-X-DISCONTINUITY\n") == times)

        publisher = ffmpeg(*FLV, f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}")
        async with program(*publisher) as camera:
            await here.playing("garden")
            camera.kill()
        async with program(*publisher) as first:
            await interrupted(1)
            async with program(*publisher) as second:
                assert await first.said() != ""
                await interrupted(2)
                assert second.runs


async def test_ten_strangers_and_a_garbler_do_not_disturb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a handshake and silence are cut off in time, garbage at once; each end is the server's."""
    monkeypatch.setattr(listener, "WISH_SECONDS", 1.0)
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


def sinks() -> list[str]:
    """GStreamer's for RTMP, of those that there are; ``rtmpsink`` is librtmp, which OBS uses as well."""
    if shutil.which("gst-inspect-1.0") is None:
        return []
    known = ("rtmp2sink", "rtmpsink")
    return [name for name in known if subprocess.run(["gst-inspect-1.0", "--exists", name]).returncode == 0]


async def test_gstreamer_publishes_a_picture_without_sound(tmp_path: Path) -> None:
    if not (names := sinks()):
        pytest.skip(
            "there is no GStreamer that speaks RTMP (gstreamer1.0-tools, -plugins-bad, -plugins-ugly)"
        )
    picture = "videotestsrc is-live=true ! video/x-raw,format=I420,width=160,height=90,framerate=25/1"
    encoder = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! h264parse"
    async with studio(tmp_path, "rtmp") as here, AsyncExitStack() as cameras:
        for name in names:
            location = f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key(name)}"
            pipeline = f"{picture} ! {encoder} ! flvmux streamable=true ! {name} location={location}"
            await cameras.enter_async_context(program("gst-launch-1.0", "-q", *pipeline.split(" ")))
        for name in names:
            await here.playing(name)
