"""What a publisher's tags become for ffmpeg."""

from __future__ import annotations

from itertools import pairwise

import pytest

from seeder.publish import RefusedError, amf
from seeder.publish.flv import media
from seeder.publish.flv.media import Chunk, Media
from seeder.publish.flv.tags import AUDIO, SCRIPT, VIDEO, Tag, header, unpacked, written

SPS, OTHER_SPS = b"\x17\x00\x00\x00\x00sps", b"\x17\x00\x00\x00\x00other"
ASC = b"\xaf\x00\x12\x10"
KEY, FRAME, SOUND = b"\x17\x01\x00\x00\x00key", b"\x27\x01\x00\x00\x00frame", b"\xaf\x01sound"


def metadata(**said: object) -> Tag:
    return Tag(SCRIPT, 0, amf.encode("onMetaData") + amf.ecma_array(said))


def fed(line: Media, *tags: Tag) -> list[Chunk]:
    return [chunk for tag in tags for chunk in line.add(tag)]


def both(at: int = 0) -> Media:
    """Picture and sound have begun, with a key frame ``at`` ms."""
    line = Media()
    fed(line, Tag(VIDEO, at, SPS), Tag(AUDIO, at, ASC), Tag(VIDEO, at, KEY), Tag(AUDIO, at, SOUND))
    return line


def film(start: int, end: int, step: int = 1000) -> list[Tag]:
    """A key frame and a sound every second."""
    return [tag for at in range(start, end, step) for tag in (Tag(VIDEO, at, KEY), Tag(AUDIO, at, SOUND))]


def inside(chunk: Chunk) -> list[Tag]:
    return list(unpacked(chunk.data))


def test_the_head_holds_both_headers_and_nothing_goes_out_before_they_are_known() -> None:
    line = Media()
    assert fed(line, metadata(framerate=25.0, key="secret", duration=7.0)) == []
    assert (
        fed(line, Tag(VIDEO, 90, SPS), Tag(AUDIO, 90, ASC), Tag(VIDEO, 90, FRAME), Tag(VIDEO, 130, KEY)) == []
    )
    first, second = fed(line, Tag(AUDIO, 140, SOUND))
    rate = amf.encode("onMetaData") + amf.ecma_array({"framerate": 25.0})
    head = header() + b"".join(written(Tag(*tag)) for tag in ((18, 0, rate), (9, 0, SPS), (8, 0, ASC)))
    assert (first.head, first.entry, second.head, second.entry) == (head, True, None, False)
    assert inside(first) + inside(second) == [Tag(VIDEO, 0, KEY), Tag(AUDIO, 10, SOUND)]
    assert b"secret" not in head


@pytest.mark.parametrize(("kind", "start", "frame"), [(VIDEO, SPS, KEY), (AUDIO, ASC, SOUND)])
def test_one_track_alone_goes_out_at_once_where_it_was_promised_and_soon_where_not(
    kind: int, start: bytes, frame: bytes
) -> None:
    promise = "videocodecid" if kind == VIDEO else "audiocodecid"
    alone = Media()
    assert len(fed(alone, metadata(**{promise: 7.0}), Tag(kind, 0, start), Tag(kind, 0, frame))) == 1
    assert alone.head.startswith(header(audio=kind == AUDIO, video=kind == VIDEO))
    quiet = Media()
    fed(quiet, Tag(kind, 0, start))
    times = [at for at in range(0, 4000, 100) if quiet.add(Tag(kind, at, frame))]
    assert times[0] == media.WAIT


def test_a_track_whose_header_came_is_waited_for_longer() -> None:
    line = Media()
    fed(line, Tag(VIDEO, 0, SPS), Tag(AUDIO, 0, ASC))
    assert not [at for at in range(0, media.PROMISED, 100) if line.add(Tag(AUDIO, at, SOUND))]
    assert line.add(Tag(VIDEO, media.PROMISED - 100, KEY)), "x264 looks ahead"
    assert line.head.startswith(header())
    silent = Media()
    fed(silent, Tag(VIDEO, 0, SPS), Tag(AUDIO, 0, ASC))
    times = [at for at in range(0, 8000, 100) if silent.add(Tag(AUDIO, at, SOUND))]
    assert times[0] == media.PROMISED, "but not for ever"


def test_what_waits_is_bounded_even_if_its_time_stands_still() -> None:
    line = Media()
    fed(line, Tag(VIDEO, 0, SPS))
    assert any(line.add(Tag(VIDEO, 0, KEY + bytes(1 << 20))) for _ in range(5))


def test_a_header_said_again_changes_nothing_and_another_one_begins_anew() -> None:
    line = both()
    assert not any(chunk.anew for chunk in fed(line, Tag(VIDEO, 100, SPS), *film(1000, 4000)))
    chunks = fed(line, Tag(VIDEO, 4000, OTHER_SPS), Tag(VIDEO, 4000, FRAME), *film(4040, 6000))
    assert [chunk.anew for chunk in chunks] == [True, False, False, False]
    assert chunks[0].head is not None
    assert OTHER_SPS in chunks[0].head
    assert chunks[0].look
    assert [tag.timestamp for chunk in chunks for tag in inside(chunk)] == [0, 0, 1000, 1000]


def test_headers_that_change_all_the_time_do_not_start_ffmpeg_all_the_time() -> None:
    line = both()
    tags = [
        tag
        for at in range(0, 60_000, 100)
        for tag in (Tag(VIDEO, at, SPS + bytes([at % 7])), Tag(VIDEO, at, KEY))
    ]
    assert 20 <= sum(chunk.anew for chunk in fed(line, *tags)) <= 60_000 // media.CHANGE


def test_a_jump_begins_anew_at_a_key_frame_and_not_more_often_than_every_ten_seconds() -> None:
    line = both()
    fed(line, *film(1000, 12_000))
    chunks = fed(line, *film(3_600_000, 3_603_000), *film(0, 3000), *film(3_600_000, 3_630_000))
    times = [tag.timestamp for chunk in chunks for tag in inside(chunk)]
    assert [at for at, chunk in enumerate(chunks) if chunk.anew] == [0, 20]
    assert not any(chunk.look for chunk in chunks)
    assert max(later - earlier for earlier, later in pairwise(times)) <= 1000


def test_sound_that_comes_late_is_told_to_a_new_ffmpeg() -> None:
    line = Media()
    silent = [Tag(VIDEO, at, KEY) for at in range(0, 5000, 500)]
    fed(line, metadata(videocodecid=7.0), Tag(VIDEO, 0, SPS), *silent)
    chunks = fed(line, Tag(AUDIO, 5000, ASC), *film(5000, 8000))
    assert [chunk.anew for chunk in chunks[:3]] == [True, False, False]
    assert chunks[0].look
    assert AUDIO in [tag.kind for chunk in chunks for tag in inside(chunk)]


def test_after_twelve_days_times_begin_at_0_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LONG", 60_000)
    line = both()
    chunks = fed(line, *(Tag(AUDIO, at, SOUND) for at in range(0, media.LONG, 1990)))
    assert not any(chunk.anew for chunk in chunks)
    (turn,) = [chunk for chunk in fed(line, *film(media.LONG, media.LONG + 3000)) if chunk.anew]
    assert inside(turn)[0].timestamp == 0


def test_without_its_header_nothing_can_be_decoded_and_nothing_goes_out() -> None:
    assert fed(Media(), *film(0, 60_000)) == []


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (VIDEO, b"\x1c\x00....", "video codec 12 "),
        (VIDEO, b"\x90vvc1....", "vvc1"),
        (VIDEO, b"\x96\x00avc1....", "several video tracks"),
        (VIDEO, b"\x90\x00\x01\x02\x03....", "unknown"),
        (AUDIO, b"\xc0....", "audio codec 12 "),
        (AUDIO, b"\x95\x00Opus....", "several audio tracks"),
    ],
)
def test_what_ffmpeg_does_not_read_is_refused_with_what_to_send_instead(
    kind: int, body: bytes, why: str
) -> None:
    with pytest.raises(RefusedError, match=why) as refused:
        Media().add(Tag(kind, 0, body))
    assert refused.value.status == 415
    assert "send" in str(refused.value)


def test_a_frame_with_extra_precision_is_a_frame() -> None:
    """ModEx of Enhanced RTMP v2 stands before the packet's real kind."""
    line = Media()
    modex = b"\x97\x02\x00\x00\x07\x01hvc1frame"
    chunks = fed(line, metadata(videocodecid=12.0), Tag(VIDEO, 0, b"\x90hvc1header"), Tag(VIDEO, 0, modex))
    assert [tag.body for chunk in chunks for tag in inside(chunk)] == [modex]
