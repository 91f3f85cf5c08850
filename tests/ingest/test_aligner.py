"""Fragments of several variants, a line each: ``k`` a GOP of a second that begins with a key frame."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seeder.ingest.aligner import Aligner, MisalignedError
from seeder.ingest.cmaf import Fragment, Span
from seeder.ingest.segmenter import Cut


def gop(name: str, start: float, duration: float = 1.0, *, sync: bool = True) -> Fragment:
    data = f"{name}{start:g} ".encode()
    return Fragment(data, Span(start, start + duration, round(duration * 25)), sync)


def shown(segments: Iterable[dict[str, Cut]]) -> list[dict[str, str]]:
    return [{name: cut.data.decode().strip() for name, cut in one.items()} for one in segments]


def test_all_variants_are_cut_where_the_first_one_is() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 2.0, 2)
    out = []
    for second in range(5):
        out += aligner.add("v0", gop("a", second))
    assert out == []  # the other has not come yet
    for half in range(10):  # its key frames are twice as many
        out += aligner.add("v1", gop("b", half / 2, 0.5))
    assert shown(out) == [
        {"v0": "a0 a1", "v1": "b0 b0.5 b1 b1.5"},
        {"v0": "a2 a3", "v1": "b2 b2.5 b3 b3.5"},
    ]
    assert {cut.start for cut in out[1].values()} == {2.0}


def test_sound_alone_is_cut_at_the_nearest_fragment_and_loses_none() -> None:
    aligner = Aligner({"v0": False, "a0": True}, 1.0, 1)
    out = []
    for number in range(11):
        out += aligner.add("a0", gop("s", number * 0.3, 0.3))
    for second in range(4):
        out += aligner.add("v0", gop("a", second))
    assert [one["a0"] for one in shown(out)] == ["s0 s0.3 s0.6", "s0.9 s1.2 s1.5 s1.8", "s2.1 s2.4 s2.7"]


def test_a_segment_for_which_sound_is_missing_is_left_out_and_the_next_one_jumps() -> None:
    aligner = Aligner({"v0": False, "a0": True}, 1.0, 1)
    out = []
    for second in (0, 2, 3):
        out += aligner.add("a0", gop("s", second))
    for second in range(4):
        out += aligner.add("v0", gop("a", second))
    assert [(one["v0"].start, one["a0"].jumped) for one in out] == [(0, False), (2, True)]


def test_variants_without_a_common_key_frame_are_an_error() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 1.0, 1)
    for second in range(3):
        aligner.add("v0", gop("a", second))
    aligner.add("v1", gop("b", 0))
    aligner.add("v1", gop("b", 1))
    aligner.add("v1", gop("b", 2, sync=False))
    aligner.add("v0", gop("a", 3))
    with pytest.raises(MisalignedError, match=r"at 2\.000 s"):
        aligner.add("v1", gop("b", 3))


def test_a_decoder_that_starts_later_than_the_copy_costs_a_segment() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 1.0, 1)
    out = []
    for second in range(4):
        out += aligner.add("v0", gop("a", second))
        if second >= 1:
            out += aligner.add("v1", gop("b", second))
    assert shown(out) == [{"v0": "a1", "v1": "b1"}, {"v0": "a2", "v1": "b2"}]
    assert not out[0]["v0"].jumped


def test_what_a_killed_run_left_in_one_variant_alone_is_nobodys() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 2.0, 2)
    out = []
    for second in (0, 1, 2, 3):
        out += aligner.add("v0", gop("a", second))
    for second in (0, 1, 2):
        out += aligner.add("v1", gop("b", second))
    out += aligner.end("v1")
    out += aligner.end("v0")
    assert shown(out) == [{"v0": "a0 a1", "v1": "b0 b1"}]


def test_a_run_that_ends_in_order_ends_with_a_short_segment_in_all() -> None:
    aligner = Aligner({"v0": False, "v1": False, "a0": True}, 2.0, 2)
    out = []
    for second in (0, 1, 2):
        for name in ("v0", "v1"):
            out += aligner.add(name, gop(name[0], second))
    for number in range(15):
        out += aligner.add("a0", gop("s", number * 0.2, 0.2))
    for name in ("a0", "v0", "v1"):
        out += aligner.end(name)
    assert [one["v1"].duration for one in out] == [2.0, 1.0]
    assert shown(out)[1]["a0"] == "s2 s2.2 s2.4 s2.6 s2.8"


def test_a_jump_is_a_jump_in_all() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 1.0, 1)
    out = []
    for start in (0, 1, 50, 51, 52):
        for name in ("v0", "v1"):
            out += aligner.add(name, gop(name[1], start))
    assert [(one["v0"].start, one["v1"].jumped) for one in out] == [
        (0, False), (1, False), (50, True), (51, False),
    ]  # fmt: skip


def test_a_variant_that_never_comes_is_not_waited_for_for_ever() -> None:
    aligner = Aligner({"v0": False, "v1": False}, 1.0, 1)
    for second in range(22):
        aligner.add("v0", gop("a", second))
    with pytest.raises(MisalignedError, match="different times"):
        aligner.add("v0", gop("a", 22))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=120))
def test_whatever_the_order_nothing_is_lost_or_doubled(turns: list[int]) -> None:
    names = ("v0", "v1", "a0")
    aligner = Aligner({"v0": False, "v1": False, "a0": True}, 2.0, 2)
    sent = dict.fromkeys(names, 0)
    out = []
    for turn in turns:
        name = names[turn]
        if sent[name] - min(sent.values()) < 8:
            out += aligner.add(name, gop(name[0], sent[name]))
            sent[name] += 1
    got = {name: "".join(one[name].data.decode() for one in out).split() for name in names}
    for name in names:
        assert got[name] == [f"{name[0]}{n}" for n in range(len(got[name]))]
    assert len({len(found) for found in got.values()}) == 1
