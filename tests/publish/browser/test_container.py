"""WebM and fragmented MP4, cut anywhere; nothing that a stranger sends takes more memory than it may."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seeder.publish.browser import mp4, webm
from seeder.publish.browser.container import Container
from seeder.publish.browser.frames import AUDIO, VIDEO, Header
from seeder.publish.claim import RefusedError
from seeder.publish.whip.matroska import element, number
from tests.publish.browser.made import MADE, events, made, taken_apart, written

KINDS = sorted(MADE)
FTYP = b"\0\0\0\x18ftypisom" + bytes(12)


@pytest.mark.parametrize("kind", KINDS)
def test_all_frames_of_what_ffmpeg_made_come_out(kind: str) -> None:
    header, frames = taken_apart(kind)
    assert [track.kind for track in header.tracks] == ([AUDIO] if kind == "sound" else [VIDEO, AUDIO])
    pictures = [frame for frame in frames if frame.kind == VIDEO]
    sounds = [frame for frame in frames if frame.kind == AUDIO]
    assert len(pictures) == (0 if kind == "sound" else 100)
    assert 3_900_000 < sounds[-1].time < 4_100_000
    if pictures:
        assert pictures[0].key
        assert sum(frame.key for frame in pictures) == (2 if kind == "vp8" else 4)
        shown = sorted(frame.time + frame.shown for frame in pictures)
        assert [round((time - shown[0]) / 40_000) for time in shown] == list(range(100))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 30_000), max_size=12), seed=st.integers(0, 7))
def test_it_does_not_matter_where_the_bytes_are_cut(kind: str, cuts: list[int], seed: int) -> None:
    data = made(kind, 1.0)
    assert events(data, [cut % len(data) for cut in cuts]) == events(data)
    small = data[: 4000 + seed]
    assert events(small, range(1, len(small))) == events(small)


@pytest.mark.parametrize("sized", [False, True])
def test_clusters_may_say_how_long_they_are_or_not(sized: bool) -> None:
    header, frames = taken_apart("vp8")
    assert events(written(header, frames, sized=sized)) == [header, *frames]


def test_a_file_may_begin_within_another() -> None:
    vp8, h264 = taken_apart("vp8", 1.0), taken_apart("h264", 1.0)
    found = events(written(*vp8) + written(*h264))
    assert found == [vp8[0], *vp8[1], h264[0], *h264[1]]
    assert sum(isinstance(event, Header) for event in events(made("mp4", 1.0) * 2)) == 2


def test_what_nobody_needs_is_skipped_and_not_held() -> None:
    header, frames = taken_apart("vp8", 1.0)
    data = written(header, frames)
    at = data.index(b"\x1f\x43\xb6\x75")
    void = b"\xec\x01" + (1 << 40).to_bytes(7, "big")  # a TiB
    container = Container()
    assert container.feed(data[:at] + void) == [header]
    for _ in range(64):
        assert container.feed(bytes(1 << 20)) == []
    assert len(container._reader._elements._data) < 100  # type: ignore[union-attr]
    assert len(container._reader._elements._data) == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"GIF89a, and so on", 415, "neither WebM nor MP4"),
        (b"OggS\0\2" + bytes(30), 415, "neither WebM nor MP4"),
        (FTYP + b"\0\0\x10\0mdat", 415, "not every MP4 is fragmented"),
        (FTYP + b"\0\0\0\1moov" + (1 << 60).to_bytes(8, "big"), 413, "longer than 1 MiB"),
        (FTYP + b"\x7f\0\0\0free", 413, "longer than 1 MiB"),
        (FTYP + b"\0\0\0\4moov" + bytes(8), 415, "no box"),
        (FTYP + b"\0\0\0\x10moov" + b"\xff" * 8, 415, "broken"),
        (webm.MAGIC + b"\x01\xff\xff\xff\xff\xff\xff\xff", 415, "no end"),
        (webm.MAGIC + b"\x80\x16\x54\xae\x6b\x10\xff\xff\xff", 413, "longer than"),
        (webm.MAGIC + b"\x80\x00\x00\x00\x00\x00", 415, "no element"),
        (webm.MAGIC + b"\x80\xa3\x84\x81\0\0\0", 415, "before its tracks"),
        (webm.MAGIC + b"\x80" + element(0x1654AE6B, b"\xae\x7f\xff"), 415, "overruns"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_at_once(data: bytes, status: int, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as refused:
        Container().feed(data)
    assert refused.value.status == status


def test_a_header_without_an_end_is_cut_off() -> None:
    container = Container()
    container.feed(webm.MAGIC + b"\x80")
    with pytest.raises(RefusedError, match="1 MiB"):  # noqa: PT012
        for _ in range(40):
            container.feed(element(0xEC, bytes(60_000)))


def test_a_frame_that_is_too_long_is_refused_before_it_is_there() -> None:
    header, frames = taken_apart("vp8", 1.0)
    with pytest.raises(RefusedError, match="16777216"):
        events(written(header, frames) + b"\xa3" + (webm.MOST_FRAME + 1 | 1 << 28).to_bytes(4, "big"))
    with pytest.raises(RefusedError, match="mdat"):
        events(
            made("mp4", 1.0)
            + moof_of(made("mp4", 1.0))
            + (mp4.MOST_FRAGMENT + 9).to_bytes(4, "big")
            + b"mdat"
        )


def moof_of(data: bytes) -> bytes:
    at = data.index(b"moof") - 4
    return data[at : at + int.from_bytes(data[at : at + 4], "big")]


@pytest.mark.parametrize("kind", ["vp8", "mp4"])
@settings(max_examples=150)
@given(at=st.integers(0, 60_000), junk=st.binary(min_size=1, max_size=40), gone=st.integers(0, 40))
def test_whatever_is_damaged_is_refused_or_read_but_never_a_crash(
    kind: str, at: int, junk: bytes, gone: int
) -> None:
    data = made(kind, 1.0)
    at %= min(len(data), 3000)
    container = Container()
    try:
        found = container.feed(data[:at] + junk + data[at + gone :])
    except RefusedError:
        return
    assert all(isinstance(event, Header) or 0 < len(event.data) <= len(data) for event in found)


def test_a_fragment_of_ever_so_many_empty_frames_is_refused() -> None:
    data = made("mp4", 1.0)
    at = data.index(b"trun")
    with pytest.raises(RefusedError, match="frames"):
        events(data[: at + 8] + b"\xff\xff\xff\xff" + data[at + 12 :])


def test_laced_and_encrypted_webm_is_refused_in_words() -> None:
    header, frames = taken_apart("vp8", 1.0)
    data = written(header, frames[:1])
    block = element(0xA3, b"\x81\0\0\x86" + frames[0].data)
    with pytest.raises(RefusedError, match="several frames"):
        events(data + block)
    track = element(0xAE, number(0xD7, 1), number(0x83, 1), element(0x6D80, b"\0"))
    with pytest.raises(RefusedError, match="encrypted"):
        events(webm.MAGIC + b"\x80" + element(0x1654AE6B, track))


def test_pictures_that_are_shown_later_keep_that_and_are_with_their_sound() -> None:
    frames = taken_apart("b")[1]
    pictures = [frame for frame in frames if frame.kind == VIDEO]
    assert any(frame.shown for frame in pictures)
    sounds = [frame.time for frame in frames if frame.kind == AUDIO]  # the first is an encoder's delay
    assert abs(min(frame.time + frame.shown for frame in pictures) - sounds[1]) < 30_000
