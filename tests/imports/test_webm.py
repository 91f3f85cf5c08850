from __future__ import annotations

import itertools

import pytest

from seeder.imports.webm import Scan, has_head, opus_seconds, scan


def scanned(data: bytes, seams: tuple[tuple[int, bool], ...] = ()) -> Scan:
    return scan(lambda at, count: data[at : at + count], len(data), seams)


def test_a_recorders_output_tells_its_tracks_and_its_times(record: object) -> None:
    data = record(2, late=0.1)  # type: ignore[operator]
    found = scanned(data)
    assert has_head(data)
    assert [(track.video, track.codec, track.size) for track in found.tracks] == [
        (True, "V_VP8", (160, 90)),
        (False, "A_OPUS", (0, 0)),
    ]
    assert found.gaps == []
    [piece] = found.pieces
    assert (piece.start, piece.end) == (0, len(data))
    video, audio = (piece.tracks[track.number] for track in found.tracks)
    assert (video.first, video.end) == pytest.approx((0, 2), abs=0.004)
    assert (audio.first, audio.end) == pytest.approx((0.1, 2), abs=0.03)


def test_bytes_that_are_missing_cost_what_is_up_to_the_next_cluster(record: object) -> None:
    data = record(4, gop=15)  # type: ignore[operator]
    cut = data[: len(data) // 2] + data[len(data) // 2 + 5000 :]
    found = scanned(cut)
    assert len(found.gaps) == 1
    before, after = found.pieces
    assert before.end <= len(data) // 2 <= after.start
    assert cut[after.start : after.start + 4] == bytes.fromhex("1f43b675")
    assert after.first > before.last
    assert after.last == pytest.approx(4, abs=0.03)


def test_whatever_it_is_given_it_comes_to_an_end(record: object) -> None:
    data = record(2)  # type: ignore[operator]
    for at in range(0, len(data), len(data) // 40):
        scanned(data[:at])
        scanned(data[:at] + bytes(range(256)) * 4 + data[at:])
        scanned(data[at:])


def test_a_chunk_known_to_be_missing_is_a_gap_though_every_element_is_whole(record: object) -> None:
    data = record(4, gop=15)  # type: ignore[operator]
    whole = scanned(data)
    assert len(whole.pieces) == 1
    clusters = [at for at in range(len(data)) if data[at : at + 4] == bytes.fromhex("1f43b675")]
    found = scanned(data, ((clusters[1], True),))
    assert len(found.pieces) == 2


@pytest.mark.parametrize(
    ("packet", "seconds"),
    [
        (b"\x08" + b"\0" * 9, 0.020),  # SILK, one of 20 ms
        (b"\x78" + b"\0" * 9, 0.020),  # hybrid
        (b"\xf8" + b"\0" * 9, 0.020),  # CELT
        (b"\xe0" + b"\0" * 9, 0.0025),
        (b"\xf9" + b"\0" * 9, 0.040),  # two alike
        (b"\xfb\x03" + b"\0" * 9, 0.060),  # three
        (b"", None),
        (b"\xfb", None),
    ],
)
def test_an_opus_packet_says_how_long_it_is(packet: bytes, seconds: float | None) -> None:
    assert opus_seconds(packet) == (None if seconds is None else pytest.approx(seconds))


def test_a_head_split_anywhere_is_none(record: object) -> None:
    data = record(2)  # type: ignore[operator]
    assert all(not scanned(data[:at]).pieces for at in itertools.chain(range(200), range(5)))
