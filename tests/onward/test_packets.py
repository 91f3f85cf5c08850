from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from seeder.onward.packets import PACKET, Packets


def remuxed(ffmpeg: str, file: Path, *options: str) -> bytes:
    command = [
        *(ffmpeg, "-v", "error", "-i", str(file), "-map", "0:V?", "-map", "0:a?", "-c", "copy"),
        *(*options, "-f", "mpegts", "-muxdelay", "0", "pipe:1"),
    ]
    return subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


@pytest.mark.parametrize("step", [100, 4096, 1 << 20], ids=["trickling", "as read", "at once"])
def test_it_is_cut_before_key_frames_and_nowhere_inside_a_packet(
    step: int, ffmpeg: str, fmp4_vod: Path
) -> None:
    data = remuxed(ffmpeg, fmp4_vod / "index.m3u8")
    packets, chunks = Packets(), []
    for at in range(0, len(data), step):
        chunks += packets.feed(data[at : at + step])
    assert b"".join(chunk.data for chunk in chunks) == data
    assert all(len(chunk.data) % PACKET == 0 for chunk in chunks)
    entries = [chunk for chunk in chunks if chunk.entry]
    assert len(entries) == 6, "a key frame every 2 s"
    assert all(len(chunk.tables) == 2 * PACKET for chunk in entries)
    assert 11.9 < packets.time < 12.6


def test_time_goes_on_where_33_bits_wrap(ffmpeg: str, fmp4_vod: Path) -> None:
    begins = (1 << 33) / 90_000 - 5
    packets = Packets()
    packets.begin(begins)
    packets.feed(remuxed(ffmpeg, fmp4_vod / "index.m3u8", "-output_ts_offset", f"{begins:.3f}"))
    assert begins + 11.5 < packets.time < begins + 12.5


def test_sound_alone_can_be_entered_anywhere(ffmpeg: str, tmp_path: Path) -> None:
    graph = ["-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac", "-f", "mp4"]
    subprocess.run([ffmpeg, "-v", "error", *graph, str(tmp_path / "a.mp4")], check=True)
    chunks = Packets().feed(remuxed(ffmpeg, tmp_path / "a.mp4"))
    assert sum(chunk.entry for chunk in chunks) > 3


def test_what_is_no_mpeg_ts_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="not a packet"):
        Packets().feed(bytes(376))
