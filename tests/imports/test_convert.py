from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seeder.errors import IngestError
from seeder.hls.playlist import parse
from seeder.imports.convert import Made, Wish, convert
from seeder.ladder import parse as ladder
from tests.imports.conftest import Record, Track

FRAME = 1 / 30
"""Seconds of the pictures here."""
Packets = Callable[[Path, str], Track]


@pytest.fixture
def film(ffmpeg: str, tmp_path: Path) -> Callable[..., Path]:
    """``film("-g 300")``: 12 s of H.264 and AAC at 30 frames a second."""

    def make(options: str, seconds: int = 12, rate: int = 30) -> Path:
        path = tmp_path / "film.mp4"
        graph = f"testsrc2=s=160x90:r={rate}:d={seconds}[out0];sine=f=440:r=48000:d={seconds}[out1]"
        codecs = f"-c:v libx264 -preset ultrafast {options} -c:a aac"
        command = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", graph, *codecs.split(), str(path)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    return make


async def made(path: Path, tmp_path: Path, rungs: str = "off") -> tuple[Made, Path, list[float | None]]:
    folder = tmp_path / "workshop"
    folder.mkdir()
    shares: list[float | None] = []
    found = await convert(Wish(path, ladder(rungs)), folder, lambda share, _: shares.append(share))
    return found, folder / "vod", shares


def text(vod: Path, variant: str = "v0") -> str:
    return (vod / variant / "index.m3u8").read_text()


async def test_a_film_is_copied_whole_and_ends(
    film: Callable[..., Path], tmp_path: Path, packets: Packets
) -> None:
    found, vod, shares = await made(film("-g 30"), tmp_path)
    assert found.copied
    assert found.written.duration == pytest.approx(12, abs=0.05)
    assert found.written.segments == 6
    playlist = text(vod)
    assert "#EXT-X-PLAYLIST-TYPE:VOD\n" in playlist
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    assert "#EXT-X-TARGETDURATION:2\n" in playlist
    assert "#EXT-X-DISCONTINUITY\n" not in playlist
    assert len(parse(playlist).segments) == 6
    assert len(packets(vod / "v0/index.m3u8", "v").starts) == 360
    assert shares[-1] == pytest.approx(1, abs=0.01)


async def test_key_frames_ten_seconds_apart_are_no_reason_to_encode(
    film: Callable[..., Path], tmp_path: Path
) -> None:
    found, vod, _ = await made(film("-g 300"), tmp_path)
    assert found.copied
    assert found.written.segments == 2
    assert "#EXT-X-TARGETDURATION:10\n" in text(vod)


async def test_key_frames_further_apart_are_one_however_late_they_come(
    film: Callable[..., Path], tmp_path: Path
) -> None:
    # Later than is looked at beforehand: some was copied by then, and it is begun anew.
    path = film("-g 9999 -force_key_frames expr:gte(t,n_forced*2)*lt(t,122) -an", seconds=140, rate=10)
    found, vod, shares = await made(path, tmp_path)
    assert not found.copied
    again = next(n for n, (a, b) in enumerate(itertools.pairwise(shares)) if a and b and b < a)
    assert (shares[again] or 0) > 0.5, "what was copied before the first GOP that does not fit"
    assert found.written.duration == pytest.approx(140, abs=0.2)
    assert text(vod).count("#EXTINF") == found.written.segments == 70
    assert len(list((vod / "v0").glob("*.m4s"))) == 70


async def test_all_variants_of_a_ladder_have_the_same_segments(
    film: Callable[..., Path], tmp_path: Path
) -> None:
    found, vod, _ = await made(film("-g 30"), tmp_path, "copy,64p@60k,audio@64k")
    assert found.written.variants == ("v0", "v1", "a0")
    assert text(vod, "v0") == text(vod, "v1") == text(vod, "a0")
    master = (vod / "master.m3u8").read_text()
    assert [line for line in master.splitlines() if not line.startswith("#")] == [
        "v0/index.m3u8",
        "v1/index.m3u8",
        "a0/index.m3u8",
    ]


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_recorders_that_each_begin_at_0_make_one_film_without_a_seam(
    codec: str, record: Record, chunks: Callable[[list[bytes]], Path], tmp_path: Path, packets: Packets
) -> None:
    folder = chunks([record(2, late=0.1, codec=codec)] * 5)
    found, vod, _ = await made(folder, tmp_path)
    assert found.warnings == []
    assert found.copied == (codec == "h264")
    assert "#EXT-X-DISCONTINUITY\n" not in text(vod)
    # A recorder's last packet of sound reaches beyond its last picture.
    assert found.written.duration == pytest.approx(10, abs=5 * FRAME)
    for track in "va":
        holes = packets(vod / "v0/index.m3u8", track).holes
        assert max(map(abs, holes)) <= FRAME, (track, max(holes), min(holes))


async def test_one_recorders_pieces_are_put_together_byte_for_byte(
    record: Record, chunks: Callable[[list[bytes]], Path], tmp_path: Path, packets: Packets
) -> None:
    whole = record(6)
    cuts = [0, 10, 5000, 5001, len(whole) // 2, len(whole)]
    folder = chunks([whole[a:b] for a, b in itertools.pairwise(cuts)])
    found, vod, _ = await made(folder, tmp_path)
    assert found.warnings == []
    assert found.written.discontinuities == 0
    assert found.written.duration == pytest.approx(6, abs=2 * FRAME)
    assert len(packets(vod / "v0/index.m3u8", "v").starts) == pytest.approx(180, abs=2)


async def test_a_broken_chunk_costs_itself_alone(
    record: Record, chunks: Callable[[list[bytes]], Path], tmp_path: Path
) -> None:
    good = record(2)
    folder = chunks([good, good, b"", good, good[: len(good) // 2], good, os.urandom(9999), good])
    found, vod, _ = await made(folder, tmp_path)
    assert found.warnings == [
        "chunk-3.webm is empty",
        "chunk-5.webm is damaged or cut short",
        "chunk-7.webm is damaged or cut short",
    ]
    assert found.written.discontinuities == 3
    # Five whole ones, and the half that is there.
    assert found.written.duration == pytest.approx(11, abs=0.6)
    playlist = text(vod)
    assert playlist.count("#EXT-X-DISCONTINUITY\n") == playlist.count("#EXT-X-MAP") - 1 == 3


async def test_a_hole_in_one_recorders_pieces_is_a_discontinuity(
    record: Record, chunks: Callable[[list[bytes]], Path], tmp_path: Path
) -> None:
    whole = record(8, gop=15)
    size = len(whole) // 8
    folder = chunks([whole[at : at + size] for at in range(0, len(whole), size)])
    (folder / "chunk-4.webm").unlink()
    found, _, _ = await made(folder, tmp_path)
    assert found.warnings[0] == "something is missing before chunk-5.webm"
    assert found.written.discontinuities == 1
    assert 5.5 < found.written.duration < 7.2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no media at all, but a text\n" * 50, "film.mp4"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", "film.mp4"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "film.mp4"),
        (b"", "empty"),
    ],
)
async def test_what_is_no_media_is_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(IngestError, match=words) as failure:
        await made(path, tmp_path)
    assert "\n" not in str(failure.value)
    assert str(tmp_path) not in str(failure.value)


async def test_a_disk_that_is_nearly_full_is_left_to_what_is_live(
    film: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeder.imports.convert.spare", lambda folder: -1)
    with pytest.raises(IngestError, match="the disk is nearly full"):
        await made(film("-g 30"), tmp_path)
