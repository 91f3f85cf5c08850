from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from seeder.errors import IngestError
from seeder.ingest.playlist import Entry, MediaPlaylist, render
from seeder.ingest.storage import (
    Recovered,
    init_name,
    locked,
    recover,
    remove,
    segment_name,
    write_atomically,
)

BIRTH = 0x6920A1B2


def fill(stream: Path, msns: range, init: int = 4, variants: tuple[str, ...] = ("v0",)) -> MediaPlaylist:
    """Segments and a playlist that lists them, as a packager leaves them."""
    for variant in variants:
        playlist = _fill(stream / variant, msns, init)
    entries = tuple(replace(entry, folders=variants) for entry in playlist.entries)
    return replace(playlist, entries=entries)


def _fill(folder: Path, msns: range, init: int) -> MediaPlaylist:
    folder.mkdir(exist_ok=True)
    entries = []
    for msn in msns:
        (folder / segment_name(BIRTH, msn)).write_bytes(b"segment")
        entries.append(
            Entry(segment_name(BIRTH, msn), 2.0, msn * 2.0, init_name(BIRTH, init), msn == msns.start + 1)
        )
    (folder / init_name(BIRTH, init)).write_bytes(b"init")
    playlist = MediaPlaylist(2, msns.start, 3, tuple(entries))
    (folder / "index.m3u8").write_text(render(playlist))
    return playlist


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.m3u8", "#EXTM3U\n"),
        ("master.m3u8", "#EXTM3U\n#EXTINF:2,\nindex0.ts\n"),
        ("master.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhd/prog.m3u8\n"),
    ],
)
def test_where_another_program_publishes_nothing_is_begun_and_nothing_of_its_removed(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    fill(tmp_path, range(3))
    with pytest.raises(IngestError, match=f"{name} was written by another program"):
        recover(tmp_path)
    (tmp_path / "v0" / "notes.txt").write_text("theirs")
    remove(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {name, "v0", "v0/notes.txt"}


def test_of_ours_nothing_is_left(tmp_path: Path) -> None:
    stream = tmp_path / "garden"
    stream.mkdir()
    fill(stream, range(3), variants=("v0", "v1", "a0"))
    (stream / "v1" / f".{segment_name(BIRTH, 3)}.tmp").write_bytes(b"half")
    master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv0/index.m3u8\n"
    (stream / "master.m3u8").write_text(master)
    assert recover(stream).msn == 3
    remove(stream)
    assert not stream.exists()


def test_a_new_folder_starts_at_zero(tmp_path: Path) -> None:
    (tmp_path / "v0").mkdir()
    assert recover(tmp_path) == Recovered(None, 0, 0, -1, ())


def test_the_playlist_is_the_truth(tmp_path: Path) -> None:
    playlist = fill(tmp_path, range(5, 9))
    stray = tmp_path / "v0" / segment_name(BIRTH, 77)  # written, never listed
    stray.write_bytes(b"")
    assert recover(tmp_path) == Recovered(playlist, 9, 5, BIRTH, (stray,), live=("v0",))


def test_entries_whose_files_are_gone_leave_the_window(tmp_path: Path) -> None:
    fill(tmp_path, range(5, 9))
    (tmp_path / "v0" / segment_name(BIRTH, 6)).unlink()
    found = recover(tmp_path).playlist
    assert found is not None
    assert (found.msn, found.next_msn, found.discontinuity_sequence) == (7, 9, 4)


def test_the_newest_playlist_counts_for_all_variants(tmp_path: Path) -> None:
    both = ("v0", "v1")
    behind = render(fill(tmp_path, range(5, 8), variants=both))
    playlist = fill(tmp_path, range(5, 9), variants=both)
    (tmp_path / "v0" / "index.m3u8").write_text(behind)
    assert recover(tmp_path) == Recovered(playlist, 9, 5, BIRTH, (), live=both)


def test_a_damaged_playlist_is_replaced_by_another_variants(tmp_path: Path) -> None:
    playlist = fill(tmp_path, range(5, 9), variants=("v0", "v1"))
    (tmp_path / "v0" / "index.m3u8").write_bytes(b"")
    found = recover(tmp_path)
    assert (found.playlist, found.damaged, found.live) == (playlist, False, ("v1",))


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\0", b"#EXTM3U\n", b"no playlist\n"])
def test_a_damaged_playlist_is_replaced_by_the_highest_numbers(tmp_path: Path, damage: bytes) -> None:
    fill(tmp_path, range(5, 9))
    (tmp_path / "v0" / "index.m3u8").write_bytes(damage)
    found = recover(tmp_path)
    assert (found.msn, found.init_number, found.damaged, found.playlist) == (9, 5, True, None)


def test_a_truncated_playlist_keeps_its_target_duration(tmp_path: Path) -> None:
    text = render(fill(tmp_path, range(5, 9)))
    (tmp_path / "v0" / "index.m3u8").write_text(text[: text.index("#EXTINF")] + segment_name(BIRTH, 5))
    found = recover(tmp_path).playlist
    assert found == MediaPlaylist(2, 9, 5)


def test_somebody_elses_playlist_is_not_touched(tmp_path: Path) -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nout000.ts\n"
    (tmp_path / "v0").mkdir()
    (tmp_path / "v0" / "index.m3u8").write_text(text)
    with pytest.raises(IngestError, match="written by another program"):
        recover(tmp_path)


def test_only_files_of_ours_are_ever_cleaned_up(tmp_path: Path) -> None:
    fill(tmp_path, range(2))
    for name in ("notes.txt", "1.m4s", ".keep.tmp", f".{segment_name(BIRTH, 9)}.tmp"):
        (tmp_path / "v0" / name).write_bytes(b"")
    assert recover(tmp_path).unlisted == ()
    assert {path.name for path in (tmp_path / "v0").iterdir() if path.suffix == ".tmp"} == {".keep.tmp"}


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.m4s"
    write_atomically(path, b"bytes")
    assert path.read_bytes() == b"bytes"
    (tmp_path / "folder.m4s").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "folder.m4s", b"bytes")
    assert sorted(item.name for item in tmp_path.rglob("*")) == ["a.m4s", "folder.m4s", "new"]


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(IngestError, match="another live-torrent"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
