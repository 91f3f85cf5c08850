"""What publishers send that is not as it should be, with real ffmpeg."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.supply import Supply

MakeMedia = Callable[..., bytes]
PICTURE, SOUND = (
    "-f lavfi -i testsrc2=s={size}:r=25:d={seconds}",
    "-f lavfi -i sine=f=440:r=44100:d={seconds}",
)
H264 = "-c:v libx264 -preset ultrafast -g 25 -keyint_min 25 -sc_threshold 0"


@pytest.fixture
def sent(ffmpeg: str) -> MakeMedia:
    """``sent(size="160x90", seconds=4, offset=0)``: MPEG-TS, as a publisher would send it."""

    def make(
        *, size: str = "160x90", seconds: float = 4, offset: float = 0, picture: str = PICTURE,
        sound: str = SOUND, codecs: str = f"{H264} -c:a aac",
    ) -> bytes:  # fmt: skip
        inputs = f"{picture} {sound}".format(size=size, seconds=seconds)
        command = f"-v error {inputs} {codecs} -muxdelay 0 -output_ts_offset {offset} -f mpegts pipe:1"
        done = subprocess.run([ffmpeg, *command.split()], check=True, capture_output=True)
        return done.stdout

    return make


async def published(viewer: Any, on_air: Any, *media: bytes) -> Ingest:
    """The ingest of a publisher that sent ``media``, one after the other, and has left."""
    supply = Supply("a publisher", "mpegts")
    config = IngestConfig(viewer.folder.name, segment_seconds=1, window=60)
    ingest = Ingest(config, viewer.folder.parent, supply=supply)
    async with on_air(ingest, viewer) as task:
        for part in media:
            for at in range(0, len(part), 188 * 64):
                await supply.write(part[at : at + 188 * 64])
        await supply.end()
        await task
    viewer.reload()
    return ingest


def seconds(viewer: Any) -> float:
    return float(sum(listed.duration for listed in viewer.seen.values()))


async def test_time_that_jumps_ahead_and_back_leaves_durations_sane_and_the_log_short(
    viewer: Any, on_air: Any, sent: MakeMedia, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await published(viewer, on_air, sent(), sent(offset=5000), sent(offset=20), sent(offset=0))
    assert 14 < seconds(viewer) < 19, "of sixteen seconds"
    assert all(0.05 < listed.duration < 2 for listed in viewer.seen.values())
    assert len(caplog.records) < 20
    assert viewer.decode() == ""


async def test_a_picture_that_changes_its_size_goes_on(viewer: Any, on_air: Any, sent: MakeMedia) -> None:
    await published(viewer, on_air, sent(), sent(size="320x180", offset=4), sent(offset=8))
    assert seconds(viewer) > 9, "of twelve seconds"
    assert all(0.05 < listed.duration < 2 for listed in viewer.seen.values())
    # The checker's own muxer counts frames, and finds two where the seam is.
    assert [line for line in viewer.decode().splitlines() if "non monotonically" not in line] == []


async def test_a_frame_rate_that_varies_is_cut_at_its_key_frames(
    viewer: Any, on_air: Any, sent: MakeMedia
) -> None:
    picks = r"select='not(mod(n\,7)*between(mod(t\,2)\,1\,2))'"
    varies = f"{H264} -vf {picks} -fps_mode vfr -force_key_frames expr:gte(t,n_forced)"
    await published(viewer, on_air, sent(codecs=f"{varies} -c:a aac", seconds=6))
    assert 5 < seconds(viewer) < 7
    assert viewer.decode() == ""


@pytest.mark.parametrize(
    ("kept", "codecs"),
    [({"sound": ""}, H264), ({"picture": ""}, "-c:a aac"), ({}, "-c:v mpeg2video -c:a mp2")],
    ids=["a picture alone", "sound alone", "codecs that browsers do not play"],
)
async def test_what_is_there_is_published(
    kept: dict[str, str], codecs: str, viewer: Any, on_air: Any, sent: MakeMedia
) -> None:
    await published(viewer, on_air, sent(codecs=codecs, **kept))
    assert 3 < seconds(viewer) < 5
    master = (viewer.folder / "master.m3u8").read_text()
    assert ("avc1" in master) == ("picture" not in kept)
    assert ("mp4a" in master) == ("sound" not in kept)
    assert viewer.decode() == ""


async def test_a_picture_that_would_take_gigabytes_is_not_decoded(
    viewer: Any, on_air: Any, sent: MakeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeder.ingest.encoder.PIXELS", 320 * 180)
    encoded = "-c:v mpeg2video -g 25 -c:a aac"
    await published(viewer, on_air, sent(size="320x180", seconds=2, codecs=encoded))
    assert seconds(viewer) == pytest.approx(2, abs=0.2)
    with pytest.raises(IngestError, match=r"received no packets|Invalid argument"):
        await published(viewer, on_air, sent(size="640x360", seconds=2, codecs=encoded))
