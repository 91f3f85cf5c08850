"""Whole runs with several variants, with real ffmpeg: all have the same segments at the same times."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest, IngestState
from seeder.ingest.supply import Supply
from seeder.ladder import parse

Eventually = Callable[[Callable[[], bool], str], Any]


def make(viewer: Any, ladder: str, given: str | None = None, **options: Any) -> Ingest:
    supply = options.pop("supply", None)
    settings = {"segment_seconds": 1, "window": 60, "ladder": parse(ladder), **options}
    config = IngestConfig("s", given, **settings)
    return Ingest(config, viewer.folder.parent, supply=supply, dice=lambda: 0.9)


def text(viewer: Any, variant: str) -> str:
    path: Path = viewer.folder / variant / "index.m3u8"
    return path.read_text() if path.exists() else ""


def seen(viewer: Any, variant: str, ffmpeg: str) -> tuple[str, str]:
    """(size, frames a second) of the picture as ffmpeg reads a variant's first segment."""
    folder, first = viewer.folder / variant, viewer.seen[0]
    data = (folder / first.init).read_bytes() + (folder / first.uri).read_bytes()
    said = subprocess.run([ffmpeg, "-hide_banner", "-i", "-"], input=data, capture_output=True, check=False)
    video = re.search(r"Video: h264.*?, (\d+x\d+)[ ,].*?([\d.]+) fps", said.stderr.decode())
    return (video[1], video[2]) if video else ("", "")


def stated(viewer: Any) -> dict[str, dict[str, str]]:
    """The attributes of each variant in the multivariant playlist."""
    master = (viewer.folder / "master.m3u8").read_text()
    found = re.findall(r"#EXT-X-STREAM-INF:(.*)\n(\w+)/index\.m3u8", master)
    return {name: dict(re.findall(r'([A-Z-]+)=("[^"]*"|[^,]*)', line)) for line, name in found}


def shown_at(viewer: Any, variant: str, number: int) -> tuple[float, ...]:
    """Where each track of a variant's segment begins, in seconds of its media time."""
    data = (viewer.folder / variant / viewer.seen[number].uri).read_bytes()
    init = (viewer.folder / variant / viewer.seen[number].init).read_bytes()
    scales = [int.from_bytes(init[m.end() + 12 : m.end() + 16], "big") for m in re.finditer(b"mdhd", init)]
    times = [int.from_bytes(data[m.end() + 4 : m.end() + 12], "big") for m in re.finditer(b"tfdt", data)]
    return tuple(time / scale for time, scale in zip(times, scales, strict=False))


async def test_all_variants_go_on_aligned_after_ffmpeg_is_killed_in_the_middle_of_a_segment(
    viewer: Any, on_air: Any, eventually: Eventually, ffmpeg: str
) -> None:
    ingest = make(viewer, "360p@600k,180p15@150k,audio@64k")
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 4, "five segments")
        await asyncio.sleep(0.3)  # somewhere within a segment, wherever that is
        assert ingest.pid is not None
        os.kill(ingest.pid, signal.SIGKILL)
        at = viewer.last
        await eventually(lambda: viewer.discontinuities >= 2 and viewer.last > at, "the next run's segments")
        assert ingest.status().rungs == ("360p", "180p15", "audio")
    assert sorted(viewer.seen) == list(range(viewer.last + 1))
    assert text(viewer, "v0") == text(viewer, "v1") == text(viewer, "a0") != ""
    assert seen(viewer, "v0", ffmpeg) == ("640x360", "30")
    assert seen(viewer, "v1", ffmpeg) == ("320x180", "15")
    for number in range(viewer.last + 1):
        (picture, sound), (lower, lower_sound) = (shown_at(viewer, name, number) for name in ("v0", "v1"))
        assert (picture, sound) == pytest.approx((lower, lower_sound), abs=0.002)
        assert shown_at(viewer, "a0", number)[0] == pytest.approx(picture, abs=0.09)
    variants = stated(viewer)
    assert list(variants) == ["v0", "v1", "a0"]
    assert [one.get("RESOLUTION") for one in variants.values()] == ["640x360", "320x180", None]
    assert [one.get("FRAME-RATE") for one in variants.values()] == ["30.000", "15.000", None]
    assert variants["a0"]["CODECS"] == '"mp4a.40.2"'
    for name, one in variants.items():
        sizes = [(viewer.folder / name / viewer.seen[n].uri).stat().st_size for n in range(viewer.last + 1)]
        whole = [size * 8 for n, size in enumerate(sizes) if viewer.seen[n].duration > 0.5]
        assert max(whole) <= int(one["BANDWIDTH"]) <= 1.5 * max(whole) + 50_000
        assert int(one["AVERAGE-BANDWIDTH"]) == pytest.approx(sum(whole) / len(whole), rel=0.4, abs=60_000)
    assert viewer.decode() == ""
    viewer.variant = "v1"
    assert viewer.decode() == ""


async def test_what_needs_no_encoding_is_copied_and_a_ladder_may_change_between_two_runs(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path], ffmpeg: str
) -> None:
    path = str(media("rungs.mp4", gop=20, seconds=2.4, extra="-bf 0"))
    ingest = make(viewer, "copy,64p@100k", path)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 5, "more segments than the file has")
        assert ingest.status().mode == "copy"
    assert text(viewer, "v0") == text(viewer, "v1")
    assert viewer.discontinuities == 1  # the seam of a loop is none
    assert (seen(viewer, "v0", ffmpeg)[0], seen(viewer, "v1", ffmpeg)[0]) == ("160x90", "112x64")
    for number in range(viewer.last + 1):
        both = [shown_at(viewer, name, number) for name in ("v0", "v1")]
        assert both[0] == pytest.approx(both[1], abs=0.03)
    last = viewer.last
    ingest = make(viewer, "90p@200k,audio", path, copy=False)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= last + 2, "two more segments")
    assert list(stated(viewer)) == ["v0", "a0"]
    # Who watches the variant that is gone plays on with the one above; the new one begins where it began.
    gone, new = text(viewer, "v1"), text(viewer, "a0")
    assert gone.count("../v0/") == text(viewer, "v0").count(".m4s") - last  # and the last run's EXT-X-MAP
    assert gone.replace("../v0/", "") == text(viewer, "v0")
    assert f"#EXT-X-MEDIA-SEQUENCE:{last + 1}\n" in new
    assert new.endswith(text(viewer, "v0")[-80:])


async def test_a_publishers_media_gets_the_ladder_too(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path]
) -> None:
    supply = Supply("RTMP from 192.0.2.7", "mpegts")
    ingest = make(viewer, "copy,64p@100k", supply=supply)
    async with on_air(ingest, viewer) as task:
        await supply.write(media("sent.ts", gop=25, seconds=5).read_bytes())
        await supply.end()
        await eventually(task.done, "all of it is published")
    assert ingest.status().state is IngestState.ENDED
    assert ingest.status().mode == "copy"
    assert viewer.last >= 3
    assert text(viewer, "v0") == text(viewer, "v1")


@pytest.fixture
def slow_ffmpeg(ffmpeg: str, tmp_path: Path) -> str:
    """An ffmpeg on a machine that encodes two variants in real time, and a third one only at half of it."""
    script = tmp_path / "ffmpeg"
    script.write_text(
        "#!/bin/bash\n"
        'args=("$@"); outputs=0\n'
        'for arg in "$@"; do [[ $arg == pipe:* ]] && outputs=$((outputs + 1)); done\n'
        "if [ $outputs -ge 3 ]; then\n"
        '  for i in "${!args[@]}"; do [ "${args[$i]}" = -re ] && args[$i]=-readrate && '
        'args=("${args[@]:0:$((i + 1))}" 0.3 "${args[@]:$((i + 1))}"); done\n'
        "fi\n"
        f'exec {ffmpeg} "${{args[@]}}"\n'
    )
    script.chmod(0o755)
    return str(script)


async def test_a_machine_that_cannot_keep_up_gives_up_the_costliest_variant_and_says_so(
    viewer: Any, on_air: Any, eventually: Eventually, slow_ffmpeg: str, caplog: pytest.LogCaptureFixture
) -> None:
    ingest = make(viewer, "360p@600k,240p@300k,180p@150k", ffmpeg=slow_ffmpeg, segment_seconds=0.5)
    async with on_air(ingest, viewer):
        await eventually(lambda: ingest.status().shed != (), "a variant is given up")
        at = viewer.last
        await eventually(lambda: viewer.last >= at + 3, "the others go on")
        status = ingest.status()
        assert status.rungs == ("240p", "180p")
        assert "360p is given up: this machine encodes at 0." in status.last_error
    assert list(stated(viewer)) == ["v1", "v2"]
    assert text(viewer, "v1") == text(viewer, "v2") == text(viewer, "v0").replace("../v1/", "")
    assert "../v1/" in text(viewer, "v0")
    said = [record.message for record in caplog.records if "given up" in record.message]
    assert len(said) == 1
    assert said[0].endswith("360p is given up, 240p, 180p go on")
    assert viewer.decode() == ""


async def test_an_encoder_that_does_not_work_here_is_an_error_that_names_those_that_do(viewer: Any) -> None:
    with pytest.raises(
        IngestError, match=r"h264_v4l2m2m does not work here .*what works: .*libx264"
    ) as caught:
        await make(viewer, "off", encoder="h264_v4l2m2m").run()
    assert "\n" not in str(caught.value)


async def test_a_rung_in_hevc_has_the_same_segments_as_the_others_and_is_stated_as_what_it_is(
    viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    ingest = make(viewer, "180p15@150k,180p@100k:hevc")
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 3, "four segments")
        assert ingest.status().rungs == ("180p15", "180p hevc")
    assert text(viewer, "v0") == text(viewer, "h0") != ""
    for number in range(viewer.last + 1):
        assert shown_at(viewer, "v0", number) == pytest.approx(shown_at(viewer, "h0", number), abs=0.002)
    variants = stated(viewer)
    assert variants["h0"]["RESOLUTION"] == variants["v0"]["RESOLUTION"] == "320x180"
    assert re.fullmatch(r'"avc1\.\w{6},mp4a\.40\.2"', variants["v0"]["CODECS"])
    assert re.fullmatch(r'"hvc1\.1\.6\.L\d+\.90,mp4a\.40\.2"', variants["h0"]["CODECS"])
    assert viewer.decode() == ""
    viewer.variant = "h0"
    assert viewer.decode() == ""


async def test_a_rung_in_a_codec_that_this_ffmpeg_has_not_is_an_error_that_names_what_it_has(
    viewer: Any, ffmpeg: str, tmp_path: Path
) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text(f'#!/bin/bash\nexec {ffmpeg} "${{@/libx265/absent}}"\n')
    script.chmod(0o755)
    with pytest.raises(IngestError, match=r"libx265 does not work .*'absent'.*; h264 does"):
        await make(viewer, "180p,180p:hevc", ffmpeg=str(script)).run()
