from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.errors import IngestError
from seeder.ingest.cmaf import MAX_BOX, Fragment, InitSection, Splitter


def split(data: bytes, sizes: list[int]) -> list[InitSection | Fragment]:
    splitter, events, at = Splitter(), [], 0
    for size in sizes:
        events += splitter.feed(data[at : at + size])
        at += size
    return events + splitter.feed(data[at:])


def box(name: bytes, payload: bytes = b"") -> bytes:
    return (8 + len(payload)).to_bytes(4, "big") + name + payload


def test_an_init_section_and_a_fragment_a_second_come_out(fragmented: bytes) -> None:
    init, *fragments = Splitter().feed(fragmented)
    assert isinstance(init, InitSection)
    assert init.data[4:8] == b"ftyp"
    assert [isinstance(event, Fragment) and event.sync for event in fragments] == [True] * 5
    spans = [event.span for event in fragments if isinstance(event, Fragment) and event.span]
    assert [span.frames for span in spans] == [25] * 5
    for before, after in itertools.pairwise(spans):
        assert before.end == pytest.approx(after.start)
        assert after.end - after.start == pytest.approx(1, abs=0.03)
    assert b"".join(event.data for event in (init, *fragments)) == fragmented


def test_byte_by_byte_gives_the_same(fragmented: bytes) -> None:
    data = fragmented[:60_000]
    assert split(data, [1] * len(data)) == Splitter().feed(data)


@given(st.data())
def test_where_the_bytes_are_split_does_not_matter(fragmented: bytes, data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 40_000), max_size=20))
    assert split(fragmented, sizes) == Splitter().feed(fragmented)


def test_an_incomplete_fragment_does_not_come_out(fragmented: bytes) -> None:
    assert len(Splitter().feed(fragmented[:-1])) == len(Splitter().feed(fragmented)) - 1


def test_a_key_frame_that_is_no_idr_is_not_sync(fragmented: bytes) -> None:
    first = Splitter().feed(fragmented)[1]
    assert isinstance(first, Fragment)
    # The first sample: length-prefixed NAL units, SEI first; make its IDR slice (type 5) an I slice (type 1).
    at = first.data.index(b"mdat") + 4
    while first.data[at + 4] & 0x1F != 5:
        at += 4 + int.from_bytes(first.data[at : at + 4], "big")
    start = fragmented.index(first.data)
    changed = bytearray(fragmented)
    changed[start + at + 4] = changed[start + at + 4] & 0xE0 | 1
    again = Splitter().feed(bytes(changed))[1]
    assert isinstance(again, Fragment)
    assert (again.span, again.sync) == (first.span, False)


def test_boxes_of_no_use_are_left_out_and_styp_stays(fragmented: bytes) -> None:
    init, first = Splitter().feed(fragmented)[:2]
    styp = box(b"styp", b"msdh\0\0\0\0")
    events = Splitter().feed(init.data + box(b"sidx", bytes(24)) + styp + first.data + box(b"free", bytes(9)))
    assert [event.data for event in events] == [init.data, styp + first.data]


def test_a_64_bit_box_size_is_understood(fragmented: bytes) -> None:
    init, first = Splitter().feed(fragmented)[:2]
    at = first.data.index(b"mdat") - 4
    payload = first.data[at + 8 :]
    wide = (1).to_bytes(4, "big") + b"mdat" + (16 + len(payload)).to_bytes(8, "big") + payload
    (_, again) = Splitter().feed(init.data + first.data[:at] + wide)
    assert isinstance(first, Fragment)
    assert isinstance(again, Fragment)
    assert again.span == first.span


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0ftyp",
        b"\0\0\0\7ftyp",
        (MAX_BOX + 1).to_bytes(4, "big") + b"mdat",
        b"\0\0\0\1mdat" + (2**62).to_bytes(8, "big"),
        b"#EXTM3U\n" * 4,
        box(b"moof"),
        box(b"mdat", b"bytes"),
        box(b"moov"),
        box(b"moov", box(b"trak")),
        box(b"moov", (999).to_bytes(4, "big") + b"trak"),
    ],
)
def test_what_is_not_fragmented_mp4_is_an_ingest_error(data: bytes) -> None:
    with pytest.raises(IngestError, match="ffmpeg's output"):
        Splitter().feed(data)


@given(st.binary(max_size=400))
def test_garbage_raises_nothing_but_ingest_errors(data: bytes) -> None:
    with contextlib.suppress(IngestError):
        Splitter().feed(data)


@given(at=st.integers(0, 3000), value=st.integers(0, 255))
def test_a_damaged_byte_raises_nothing_but_ingest_errors(fragmented: bytes, at: int, value: int) -> None:
    damaged = bytearray(fragmented[:20_000])
    damaged[at] = value
    with contextlib.suppress(IngestError):
        Splitter().feed(bytes(damaged))
