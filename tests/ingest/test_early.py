"""Sound from before a key frame goes to the segment before it, whatever ffmpeg's fragments hold."""

from __future__ import annotations

import subprocess

import pytest

from seeder.ingest.aligner import Aligner
from seeder.ingest.cmaf import Fragment, Splitter
from seeder.ingest.moov import boxes, child, integer

RATES = {"30": 30, "15": 15}


@pytest.fixture(scope="module")
def outputs(ffmpeg: str) -> dict[str, bytes]:
    """Three seconds at two frame rates, in fragments of 100 ms, as the rungs of a ladder are made."""
    out = {}
    for name, rate in RATES.items():
        command = (
            f"-v error -f lavfi -i testsrc2=s=64x64:r={rate}:d=3[out0];sine=r=48000:d=3[out1] -bf 0 "
            f"-c:v libx264 -preset ultrafast -g {rate} -keyint_min {rate} -sc_threshold 0 -c:a aac "
            "-f mp4 -movflags +cmaf+frag_keyframe+delay_moov+skip_trailer+frag_discont -use_editlist 0 "
            "-avoid_negative_ts disabled -output_ts_offset 10 -frag_duration 100000 pipe:1"
        )
        done = subprocess.run(
            [ffmpeg, *command.split()], check=True, capture_output=True, stdin=subprocess.DEVNULL
        )
        out[name] = done.stdout
    return out


def starts(data: bytes, scales: dict[int, int]) -> dict[int, float]:
    """When each track's first sample of a segment is decoded, in seconds."""
    found: dict[int, float] = {}
    for name, moof in boxes(data):
        for inner, traf in boxes(moof) if name == "moof" else ():
            if inner == "traf":
                track = integer(child(traf, "tfhd")[4:8])
                found.setdefault(track, integer(child(traf, "tfdt")[4:]) / scales[track])
    return found


def heard(ffmpeg: str, data: bytes) -> str:
    """A hash of each track's samples."""
    command = [ffmpeg, "-v", "error", "-i", "-", "-map", "0", "-c", "copy", "-f", "streamhash", "-"]
    return subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode()


def test_sound_is_cut_at_the_same_frame_in_variants_of_different_frame_rates(
    outputs: dict[str, bytes],
) -> None:
    aligner, segments, scales = Aligner(dict.fromkeys(outputs, False), 1, 1), [], {}
    for name, data in outputs.items():
        splitter = Splitter(by_time=True)
        for event in splitter.feed(data):
            if isinstance(event, Fragment):
                segments += aligner.add(name, event)
        assert splitter.init is not None
        scales[name] = {track.track_id: track.timescale for track in splitter.init.tracks}
    assert len(segments) == 2
    for segment in segments[1:]:
        first, second = (starts(segment[name].data, scales[name]) for name in outputs)
        assert first == pytest.approx(second, abs=0.0001)
        assert 0 <= first[2] - first[1] < 0.0214  # the first frame of sound that begins with the picture


def test_nothing_is_lost_by_the_parting(outputs: dict[str, bytes], ffmpeg: str) -> None:
    data = outputs["15"]
    parted, whole = Splitter(by_time=True).feed(data), Splitter().feed(data)
    assert len(parted) > len(whole)  # ffmpeg did put sound in front of a key frame
    assert heard(ffmpeg, b"".join(event.data for event in parted)) == heard(ffmpeg, data)
