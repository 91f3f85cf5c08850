"""What one ffmpeg makes of a piece of media: shown to ffmpeg again, and to hostile bytes."""

from __future__ import annotations

import re
import struct
import subprocess
from pathlib import Path

import pytest

from seeder.posters import picture
from seeder.posters.picture import LARGEST, arguments, jpeg
from tests.posters.conftest import Film


def size(ffmpeg: str, data: bytes) -> tuple[int, int]:
    command = [ffmpeg, "-hide_banner", "-f", "jpeg_pipe", "-i", "pipe:0"]
    told = subprocess.run(command, input=data, capture_output=True, timeout=60, check=False).stderr.decode()
    found = re.search(r"Video: mjpeg.*?, (\d+)x(\d+)", told)
    assert found, told
    return int(found[1]), int(found[2])


async def test_a_segment_becomes_a_small_jpeg(ffmpeg: str, ts_vod: Path, fmp4_vod: Path) -> None:
    ts = await jpeg(ffmpeg, (ts_vod / "seg1.ts").read_bytes())
    mp4 = await jpeg(ffmpeg, (fmp4_vod / "init.mp4").read_bytes() + (fmp4_vod / "seg1.m4s").read_bytes())
    for data in (ts, mp4):
        assert size(ffmpeg, data) == (320, 180)
        assert 2000 < len(data) <= LARGEST


async def test_the_beginning_of_a_segment_is_enough(ffmpeg: str, fmp4_vod: Path) -> None:
    media = (fmp4_vod / "init.mp4").read_bytes() + (fmp4_vod / "seg1.m4s").read_bytes()
    assert size(ffmpeg, await jpeg(ffmpeg, media[: len(media) // 2])) == (320, 180)


@pytest.mark.parametrize(
    ("given", "made"),
    [("1280x720", (640, 360)), ("720x1280", (360, 640)), ("160x90", (160, 90))],
)
async def test_large_pictures_are_scaled_to_fit_and_small_ones_left(
    ffmpeg: str, film: Film, given: str, made: tuple[int, int]
) -> None:
    folder = film("testsrc2", size=given)
    assert size(ffmpeg, await jpeg(ffmpeg, (folder / "seg0.ts").read_bytes())) == made


async def test_pixels_that_are_not_square_are_shown_as_they_are_meant(ffmpeg: str, film: Film) -> None:
    folder = film("testsrc2=sar=2", size="160x180")
    assert size(ffmpeg, await jpeg(ffmpeg, (folder / "seg0.ts").read_bytes())) == (320, 180)


async def test_a_picture_full_of_detail_stays_small_too(ffmpeg: str, film: Film) -> None:
    noise = film("life=ratio=0.5:mold=0", size="640x640")
    data = await jpeg(ffmpeg, (noise / "seg0.ts").read_bytes())
    assert 10_000 < len(data) <= LARGEST


async def test_sound_alone_and_rubbish_have_no_picture(ffmpeg: str, film: Film) -> None:
    sound = film()
    assert await jpeg(ffmpeg, (sound / "seg0.ts").read_bytes()) == b""
    assert await jpeg(ffmpeg, b"") == b""
    assert await jpeg(ffmpeg, b"#EXTM3U\nfile:///etc/passwd\n") == b""
    assert await jpeg(ffmpeg, struct.pack(">I4s", 16, b"moof") + b"\0" * 4000) == b""
    assert await jpeg(ffmpeg, b"\x47" * 188 * 40) == b""


async def test_ffmpeg_opens_nothing_but_what_it_is_given(ffmpeg: str, tmp_path: Path) -> None:
    """Should media ever make it open a playlist: what that names stays closed."""
    canary = tmp_path / "canary.ts"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{canary}\n#EXT-X-ENDLIST\n"
    command = [ffmpeg, *arguments("hls", 640, 4)]
    done = subprocess.run(command, input=playlist.encode(), capture_output=True, timeout=60, check=False)
    assert done.stdout == b""
    assert b"not on whitelist" in done.stderr


async def test_only_pictures_that_fit_are_decoded(
    ffmpeg: str, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "PIXELS", 320 * 180 - 1)
    assert await jpeg(ffmpeg, (ts_vod / "seg1.ts").read_bytes()) == b""


async def test_an_ffmpeg_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = tmp_path / "ffmpeg"
    stuck.write_text("#!/bin/sh\nexec sleep 600\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(picture, "SECONDS", 0.3)
    assert await jpeg(str(stuck), b"\x47" * 188 * 40) == b""
