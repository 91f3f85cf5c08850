"""What a real ffmpeg wrote, baked: our own checker finds nothing wrong, on the disk and over HTTP."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.baking.library import bake, magnets, take_back, tree
from tests.static_host import static_host


@pytest.fixture(scope="session")
def multivariant(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fMP4, two variants and their audio apart, 6 s."""
    folder = tmp_path_factory.mktemp("multivariant")
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", "6", "-map", "0:v", "-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "20", "-sc_threshold", "0"),
        *("-s:v:1", "160x90", "-b:v:0", "300k", "-b:v:1", "100k", "-c:a", "aac", "-b:a", "64k"),
        *("-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "independent_segments"),
        *("-var_stream_map", "v:0,agroup:sound v:1,agroup:sound a:0,agroup:sound,default:yes"),
        *("-master_pl_name", "master.m3u8", "-hls_segment_filename", str(folder / "v%v" / "%d.m4s")),
        str(folder / "v%v" / "index.m3u8"),
    ]
    subprocess.run(command, check=True, timeout=100, cwd=folder)
    return folder


async def check(where: str) -> tuple[list[str], int]:
    """What is found but advice, and how many segments were looked at."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "seeder", "check", "--json", "--segments", "-1", where),
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()
    report = json.loads(out)
    return [f"{f['rule']}: {f['text']}" for f in report["findings"] if f["level"] != "advice"], report[
        "segments"
    ]


async def test_what_ffmpeg_wrote_passes_the_checker_with_magnets(
    multivariant: Path, ts_vod: Path, fmp4_vod: Path, tmp_path: Path
) -> None:
    films = tmp_path / "films"
    for name, folder in (("many", multivariant), ("ts", ts_vod), ("fmp4", fmp4_vod)):
        shutil.copytree(folder, films / name)
    assert bake(films).summary.streams == 3
    before = tree(films)
    for playlist, segments in (("many/master.m3u8", 10), ("ts/index.m3u8", 6), ("fmp4/index.m3u8", 6)):
        folder = (films / playlist).parent
        assert sum(text.read_text().count("MAGNET=") for text in folder.rglob("*.m3u8")) == segments
        assert await check(str(films / playlist)) == ([], segments)
    async with static_host(films, cors=True) as host:
        assert await check(f"{host.url}/many/master.m3u8") == ([], 10)
    assert tree(films) == before
    assert len(magnets(films / "ts/index.m3u8")) == 6


def test_a_file_of_byte_ranges_is_baked_range_by_range(ffmpeg: str, fmp4_vod: Path, tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    command = [
        *(ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-i", str(fmp4_vod / "index.m3u8")),
        *("-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"),
        *("-hls_flags", "single_file", str(films / "index.m3u8")),
    ]
    subprocess.run(command, check=True, timeout=100)
    before = tree(films)
    told = bake(films)
    assert (told.summary.hashed, told.remarks) == (6, [])
    assert (films / "index.m3u8").read_text().count("MAGNET=") == 6
    take_back(films)
    assert tree(films) == before
