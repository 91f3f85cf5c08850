from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seeder.ingest.cmaf import Splitter
from seeder.ingest.moov import Track, hevc_codec


def tracks_of(ffmpeg: str, *arguments: str) -> tuple[Track, ...]:
    output = ["-f", "mp4", "-movflags", "+cmaf+frag_keyframe+delay_moov", "pipe:1"]
    command = [ffmpeg, "-v", "error", *arguments, *output]
    splitter = Splitter()
    splitter.feed(subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout)
    assert splitter.init is not None
    return splitter.init.tracks


def test_codecs_sizes_and_time_scales_are_read(ffmpeg: str, media: Callable[..., Path]) -> None:
    video, audio = tracks_of(ffmpeg, "-i", str(media("source.mp4", gop=25, seconds=5)), "-c", "copy")
    assert (video.kind, video.codec, video.width, video.height) == ("video", "avc1.64000b", 160, 90)
    assert (audio.kind, audio.codec, audio.timescale) == ("audio", "mp4a.40.2", 44100)
    assert video.nal_length_size == 4


def test_profile_and_level_are_those_of_the_encoder(ffmpeg: str) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.2", "-pix_fmt", "yuv420p", "-c:v", "libx264"]
    (track,) = tracks_of(ffmpeg, *picture, "-profile:v", "baseline", "-level:v", "3.1")
    assert track.codec == "avc1.42c01f"


def test_the_lead_track_is_the_video_wherever_it_stands(ffmpeg: str, media: Callable[..., Path]) -> None:
    path = str(media("source.mp4", gop=25, seconds=5))
    tracks = tracks_of(ffmpeg, "-i", path, "-map", "0:a", "-map", "0:v", "-c", "copy")
    assert [track.kind for track in tracks] == ["audio", "video"]


@pytest.mark.parametrize(
    ("config", "codec"),
    [
        ("01 01 60000000 900000000000 5d", "hvc1.1.6.L93.90"),
        ("01 02 20000000 b00000000000 99", "hvc1.2.4.L153.B0"),
        ("01 61 60000000 000000000000 5d", "hvc1.A1.6.H93"),  # made up: all that can be there, or not
        ("01 01 60000000 900001000000 5d", "hvc1.1.6.L93.90.0.1"),
    ],
)
def test_hevc_is_named_by_profile_tier_level_and_constraints(config: str, codec: str) -> None:
    assert hevc_codec("hvc1", bytes.fromhex(config)) == codec
