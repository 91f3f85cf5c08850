from __future__ import annotations

from pathlib import Path

from seeder.imports.chunks import Chunk, ordered, recorders, stretches
from seeder.imports.webm import Piece, Scan, Times, Track


def chunk(name: str, *, begins: bool = True, size: int = 100, changed: float = 0) -> Chunk:
    return Chunk(Path("/folder") / name, size, changed, begins)


def one(first: float, last: float, *, width: int = 160, gap: bool = False) -> Scan:
    """A file from ``first`` to ``last`` seconds."""
    piece = Piece(0, 100, {1: Times(first, last - 0.04, 0.04)}, 50)
    track = Track(1, True, "V_VP8", size=(width, 90))
    return Scan(b"head", (track,), [piece], [(100, 100)] if gap else [])


def lengths(scans: list[Scan], cut_before: int | None = None) -> list[list[float]]:
    found, _ = recorders([chunk(f"chunk-{number}.webm") for number in range(len(scans))])
    for number, recorder in enumerate(found):
        recorder.cut = number == cut_before
    return [[round(part.seconds, 3) for part in stretch.parts] for stretch in stretches(found, scans)]


def test_the_tenth_comes_after_the_second() -> None:
    names = ["chunk-10.webm", "chunk-2.webm", "chunk-1.webm"]
    assert [it.path.name for it in ordered([chunk(name) for name in names])] == names[::-1]


def test_time_stamps_in_names_are_an_order_too() -> None:
    names = [
        "talk-2024-05-01T10-00-10.webm",
        "talk-2024-05-01T10-00-00.webm",
        "talk-2024-05-01T09-59-50.webm",
    ]
    assert [it.path.name for it in ordered([chunk(name) for name in names])] == names[::-1]
    assert recorders(ordered([chunk(name) for name in names]))[1] == []


def test_without_numbers_the_older_comes_first() -> None:
    given = [chunk("b.webm", changed=1), chunk("a.webm", changed=2)]
    assert [it.path.name for it in ordered(given)] == ["b.webm", "a.webm"]


def test_files_without_a_header_go_on_with_the_one_before() -> None:
    given = [chunk("1.webm"), chunk("2.webm", begins=False), chunk("3.webm", begins=False), chunk("4.webm")]
    found, said = recorders(given)
    assert [[it.path.name for it in recorder.chunks] for recorder in found] == [
        ["1.webm", "2.webm", "3.webm"],
        ["4.webm"],
    ]
    assert found[0].seams == [(100, False), (200, False)]
    assert said == []


def test_a_number_that_is_left_out_and_an_empty_file_are_told_and_cut() -> None:
    given = [chunk(f"chunk-{n}.webm", size=0 if n == 3 else 100) for n in (1, 2, 3, 4, 5, 7, 8)]
    found, said = recorders(given)
    assert said == ["something is missing before chunk-7.webm", "chunk-3.webm is empty"]
    assert [recorder.chunks[0].path.name for recorder in found if recorder.cut] == [
        "chunk-4.webm",
        "chunk-7.webm",
    ]


def test_what_is_before_the_first_header_is_left_out() -> None:
    found, said = recorders([chunk("1.webm", begins=False), chunk("2.webm")])
    assert said == ["1.webm does not begin as WebM does"]
    assert len(found) == 1


def test_recorders_that_begin_at_0_follow_each_other_by_their_length() -> None:
    assert lengths([one(0, 10), one(0, 10.02), one(0, 4)]) == [[10, 10.02, 4]]


def test_where_time_stamps_go_on_they_say_when_the_next_begins() -> None:
    assert lengths([one(0, 10), one(10.1, 20), one(19.95, 30)]) == [[10.1, 9.85, 10.05]]


def test_short_recorders_are_not_taken_for_one_that_goes_on() -> None:
    assert lengths([one(0, 0.8), one(0, 0.8)]) == [[0.8, 0.8]]


def test_another_size_a_damaged_end_and_a_hole_begin_a_stretch() -> None:
    assert lengths([one(0, 10), one(0, 10, width=320)]) == [[10], [10]]
    assert lengths([one(0, 10, gap=True), one(0, 10)]) == [[10], [10]]
    assert lengths([one(0, 10), one(0, 10)], cut_before=1) == [[10], [10]]
