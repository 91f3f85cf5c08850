from __future__ import annotations

import pytest

from seeder.ingest.cmaf import Fragment, Span
from seeder.ingest.probe import Audio, GopMeter, Probe, Video, parse

MP4 = """\
Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/a, b.mp4':
  Metadata:
    major_brand     : isom
  Duration: 01:02:03.50, start: 0.000000, bitrate: 1171 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 1280x720 \
[SAR 1:1 DAR 16:9], 1032 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)
  Stream #0:1[0x2](deu): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, stereo, fltp, 128 kb/s (default)
Stream mapping:
  Stream #0:0 -> #0:0 (copy)
Output #0, mp4, to 'pipe:1':
  Stream #0:0: Video: vp9, yuv444p, 1x1, 1 fps
"""


def test_codecs_size_and_rate_are_read() -> None:
    assert parse(MP4) == Probe(
        "mov,mp4,m4a,3gp,3g2,mj2",
        3723.5,
        Video("h264", "High", "yuv420p", 1280, 720, "30000/1001"),
        Audio("aac", "LC"),
    )


def test_a_live_multiplex_has_no_duration_and_may_be_interlaced() -> None:
    probe = parse(
        "Input #0, mpegts, from 'udp://239.0.0.1:1234':\n  Duration: N/A, start: 1.4, bitrate: N/A\n"
        "  Program 1 \n"
        "  Stream #0:2[0x101](eng): Audio: mp2 ([3][0][0][0] / 0x0003), 48000 Hz, stereo, s16p, 192 kb/s\n"
        "  Stream #0:0[0x100]: Video: h264 (Main) ([27][0][0][0] / 0x001B), yuv420p(tv, bt709, top first), "
        "1920x1080 [SAR 1:1 DAR 16:9], 25 fps, 50 tbr, 90k tbn\n"
    )
    assert probe.duration is None
    assert probe.video == Video("h264", "Main", "yuv420p", 1920, 1080, "25", interlaced=True)
    assert probe.audio == Audio("mp2", "")


def test_a_cover_picture_is_no_video() -> None:
    probe = parse(
        "Input #0, mp3, from 'a.mp3':\n  Duration: 00:00:07.00, start: 0.0, bitrate: 64 kb/s\n"
        "  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 64 kb/s\n"
        "  Stream #0:1: Video: png, rgb24(pc), 600x600, 90k tbr, 90k tbn (attached pic)\n"
    )
    assert (probe.video, probe.audio) == (None, Audio("mp3", "mp3float"))


def test_an_unknown_rate_is_left_open() -> None:
    probe = parse(
        "Input #0, rtsp, from 'x':\n  Stream #0:0: Video: h264, yuv420p, 640x360, 90k tbr, 90k tbn\n"
    )
    assert probe.video == Video("h264", "", "yuv420p", 640, 360, "")


@pytest.mark.parametrize("text", ["", "nothere.mp4: No such file or directory\n"])
def test_nothing_readable_is_an_empty_probe(text: str) -> None:
    assert parse(text) == Probe("", None, None, None)


def test_the_longest_gop_counts_the_one_at_the_end() -> None:
    meter = GopMeter()
    assert meter.longest() is None
    spans = [(0, 2, True), (2, 3, True), (3, 5, True), (5, 6.5, False)]
    meter.add(Fragment(b"", Span(start, end, 1), sync) for start, end, sync in spans)
    assert (meter.longest(), meter.idrs) == (3.5, 3)
