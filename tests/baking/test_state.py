"""Records and lines, and the file they are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder.baking import state as records
from seeder.baking.journal import NAME, Journal, load
from seeder.baking.listing import Extent
from seeder.baking.state import Baked, Hashed, State
from seeder.baking.store import Folder
from seeder.errors import FeedError
from seeder.model import Span


def full() -> State:
    return State(
        {
            "film/master.m3u8": Baked(("ab" * 20, "cd" * 20), "film/watch.html"),
            "x.m3u8": Baked(("ef" * 20,), None),
        },
        {"film/master.m3u8": (), "x.m3u8": ((1, "#EXT-X-COM-LIVETORRENT-SWARM:\r\n"), (3, "…"))},
        {"live-torrent/embed.js": ("00" * 32,), "film/watch.html": ("11" * 32, "22" * 32)},
        {
            Extent("film/0.ts"): Hashed(100_000, 17, 100_000, bytes(40)),
            Extent("film/all.ts", Span(500, 70_000)): Hashed(900_000, 18, 70_000, bytes(range(40))),
        },
    )


def test_what_is_written_is_read_again() -> None:
    assert records.read(records.lines(full())) == full()


def test_the_later_line_counts() -> None:
    newer = Hashed(7, 19, 7, bytes(20))
    lines = [*records.lines(full()), records.segment_line(Extent("film/0.ts"), newer)]
    assert records.read(lines).hashed[Extent("film/0.ts")] == newer


@pytest.mark.parametrize(
    "line",
    [
        '{"file":"../../etc/passwd","sha256":["00"]}\n',
        '{"file":"/etc/passwd","sha256":["00"]}\n',
        '{"playlist":"a/../../b.m3u8"}\n',
        '{"stream":"a.m3u8","ids":["00"],"page":"../watch.html"}\n',
        '{"segment":"a.ts","size":1,"mtime_ns":1,"pieces":"!"}\n',
        '{"segment":"a.ts","size":70000,"mtime_ns":1,"pieces":"AAAAAAAAAAAAAAAAAAAAAAAAAAA="}\n',
        "[]\n",
        "nonsense\n",
    ],
)
def test_a_line_that_leads_out_of_the_folder_or_is_none_of_ours_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        records.read([records.head(), line])


def test_a_journal_that_was_cut_off_goes_on_after_its_last_whole_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    whole = "".join(records.lines(full()))
    for cut in range(0, len(whole) + 1, 7):
        (tmp_path / NAME).write_text(whole[:cut])
        state = load(folder)
        assert state is not None
        with Journal(folder, state) as journal:
            journal.segment(Extent("new.ts"), Hashed(1, 2, 1, bytes(20)))
        again = load(folder)
        assert again == state
        assert again is not None
        assert Extent("new.ts") in again.hashed


def test_a_journal_is_compacted_to_what_is_still_true(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with Journal(folder, State()) as journal:
        for number in range(10):
            journal.segment(Extent("same.ts"), Hashed(number, 0, number + 1, bytes(20)))
        journal.compact()
    assert (tmp_path / NAME).read_text().count("\n") == 2


def test_another_file_of_that_name_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe somebody's own\n")
    with pytest.raises(FeedError, match="is not of a bake that is known here"):
        load(Folder(tmp_path))
