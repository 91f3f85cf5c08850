"""The chunk stream: what is written is read again, however it is cut and interleaved; garbage is refused."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.publish import RefusedError
from seeder.publish.rtmp import chunks
from seeder.publish.rtmp.chunks import AUDIO, VIDEO, ChunkReader, ChunkWriter, Message

times = st.one_of(
    st.integers(0, 5000),
    st.sampled_from((0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF)),
    st.integers(0, 0xFFFFFFFF),
)
messages = st.builds(
    Message,
    kind=st.sampled_from((AUDIO, VIDEO, chunks.DATA, chunks.COMMAND)),
    timestamp=times,
    body=st.one_of(
        st.binary(max_size=8), st.integers(100, 700).map(lambda size: (bytes(range(251)) * 3)[:size])
    ),
    stream=st.integers(0, 3),
)
channels = st.sampled_from((2, 3, 63, 64, 319, 320, 65599))


def read(data: bytes, cuts: list[int]) -> list[Message]:
    """Fed in pieces, cut at ``cuts``."""
    reader = ChunkReader()
    found = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(edges):
        reader.feed(data[start:end])
        while (message := reader.next()) is not None:
            found.append(message)
    return found


@given(st.lists(st.tuples(channels, messages), max_size=12), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_is_written_is_read_however_it_is_cut(said: list[tuple[int, Message]], cuts: list[int]) -> None:
    writer = ChunkWriter()
    data = b"".join(writer.write(number, message) for number, message in said)
    assert read(data, cuts) == [message for _, message in said]


@given(st.lists(messages, min_size=1, max_size=5), st.lists(messages, min_size=1, max_size=5), st.data())
def test_messages_of_several_chunk_streams_may_be_interleaved(
    ours: list[Message], theirs: list[Message], data: st.DataObject
) -> None:
    writer = ChunkWriter()
    queues = [
        [piece for message in said for piece in writer.pieces(number, message)]
        for number, said in ((4, ours), (6, theirs))
    ]
    wire = []
    while any(queues):
        queue = data.draw(st.sampled_from([queue for queue in queues if queue]))
        wire.append(queue.pop(0))
    found = read(b"".join(wire), [])
    assert sorted(found) == sorted(ours + theirs)
    assert [message for message in found if message in ours and message not in theirs] == [
        message for message in ours if message not in theirs
    ]


@given(st.binary(max_size=4000), st.lists(st.integers(0, 4000), max_size=8))
def test_garbage_is_refused_or_waited_on_and_nothing_else(data: bytes, cuts: list[int]) -> None:
    with suppress(RefusedError):
        assert sum(len(message.body) for message in read(data, cuts)) <= len(data)


@given(st.lists(st.tuples(channels, messages), min_size=1, max_size=6), st.integers(0), st.integers(0, 255))
def test_a_byte_gone_wrong_crashes_nothing(said: list[tuple[int, Message]], at: int, byte: int) -> None:
    writer = ChunkWriter()
    data = bytearray(b"".join(writer.write(number, message) for number, message in said))
    data[at % len(data)] = byte
    with suppress(RefusedError):
        read(bytes(data), [])


def one(data: bytes) -> Message | None:
    reader = ChunkReader()
    reader.feed(data)
    return reader.next()


def refused(data: bytes) -> str:
    with pytest.raises(RefusedError) as caught:
        one(data)
    return str(caught.value)


def test_a_chunk_size_is_obeyed_and_bounded() -> None:
    writer = ChunkWriter()
    reader = ChunkReader()
    reader.feed(writer.write(2, Message(chunks.SET_CHUNK_SIZE, 0, (4096).to_bytes(4, "big"))))
    assert reader.next() is not None
    writer.size = 4096
    reader.feed(writer.write(4, Message(VIDEO, 7, bytes(10_000))))
    assert reader.next() == Message(VIDEO, 7, bytes(10_000))
    assert "chunk size of 1 " in refused(ChunkWriter().write(2, Message(1, 0, (1).to_bytes(4, "big"))))
    assert "chunk size" in refused(ChunkWriter().write(2, Message(1, 0, (1 << 31).to_bytes(4, "big"))))


def test_an_aborted_message_is_forgotten() -> None:
    writer = ChunkWriter()
    half = writer.pieces(4, Message(VIDEO, 0, b"a" * 200))[0]
    abort = writer.write(2, Message(chunks.ABORT, 0, (4).to_bytes(4, "big")))
    whole = writer.write(4, Message(VIDEO, 0, b"b" * 200))
    assert [message.body[:1] for message in read(half + abort + whole, [])] == [b"\x00", b"b"]


def test_an_encoder_may_leave_the_extended_timestamp_out_of_continuing_chunks() -> None:
    long = 0x1000000
    pieces = ChunkWriter().pieces(4, Message(VIDEO, long, b"a" * 128 + b"b" * 72))
    bare = pieces[1][:1] + pieces[1][5:]
    assert one(pieces[0] + pieces[1]) == one(pieces[0] + bare) == Message(VIDEO, long, b"a" * 128 + b"b" * 72)


def test_a_chunk_without_a_header_repeats_the_delta() -> None:
    """§5.3.1.2.4, and what §5.3.2.1's example shows."""
    header = b"\x04" + (1000).to_bytes(3, "big") + (1).to_bytes(3, "big") + b"\x08" + bytes(4)
    wire = header + b"a" + b"\x84" + (20).to_bytes(3, "big") + b"b" + b"\xc4" + b"c" + b"\xc4" + b"d"
    assert [message.timestamp for message in read(wire, [])] == [1000, 1020, 1040, 1060]


def test_a_delta_over_the_end_of_the_clock_begins_at_0() -> None:
    first = ChunkWriter().write(4, Message(AUDIO, 0xFFFFFFFE, b"a"))
    assert [message.timestamp for message in read(first + b"\x84" + (5).to_bytes(3, "big") + b"b", [])] == [
        0xFFFFFFFE,
        3,
    ]


def test_a_message_within_another_of_its_chunk_stream_is_no_rtmp() -> None:
    half = ChunkWriter().pieces(4, Message(VIDEO, 0, bytes(200)))[0]
    assert "within another" in refused(half + half)


def test_what_would_take_memory_is_bounded() -> None:
    length = (chunks.MOST_BODY + 1).to_bytes(3, "big")
    assert "longer than" in refused(b"\x04\x00\x00\x00" + length + b"\x09" + bytes(4))
    begun = [ChunkWriter().pieces(number, Message(VIDEO, 0, bytes(200)))[0] for number in range(2, 67)]
    assert one(b"".join(begun[: chunks.MOST_STREAMS])) is None
    assert "chunk streams" in refused(b"".join(begun))
    header = b"\x00\x00\x00" + chunks.MOST_BODY.to_bytes(3, "big") + b"\x09" + bytes(4) + bytes(128)
    assert one(b"\x02" + header + b"\x03" + header) is None
    assert "messages begun" in refused(b"\x02" + header + b"\x03" + header + b"\x04" + header)


def test_a_chunk_that_refers_to_nothing_and_a_kind_that_nobody_sends_are_no_rtmp() -> None:
    assert "no RTMP" in refused(b"\xc4" + bytes(10))
    assert "kind 99" in refused(ChunkWriter().write(4, Message(99, 0, b"x")))
