"""beneath and scan: what is in the feed and what only seems to be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seeder.feed.beneath import open_beneath, resolve
from seeder.feed.scan import differences, scan, streams_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    feed = tmp_path / "feed"
    (feed / "s" / "v0").mkdir(parents=True)
    (feed / "s" / "v0" / "seg.ts").write_bytes(b"segment")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.ts").write_bytes(b"x")
    return feed.resolve()


def test_a_file_is_resolved_and_opened(root: Path) -> None:
    path = resolve(root, "s/v0/seg.ts")
    assert path is not None
    with open_beneath(root, path) as handle:
        assert handle.read() == b"segment"


@pytest.mark.parametrize(
    "path", ["../secret", "s/../../secret", "s/v0", "missing", "s/v0/seg.ts/x", "a\0b", "/etc/passwd"]
)
def test_nothing_outside_and_nothing_but_files_is_resolved(root: Path, path: str) -> None:
    assert resolve(root, path) is None


def test_a_link_within_the_feed_is_followed_and_one_that_leaves_it_is_not(root: Path) -> None:
    (root / "s" / "inner.ts").symlink_to("v0/seg.ts")
    (root / "s" / "outer.ts").symlink_to("../../secret")
    (root / "s" / "folder").symlink_to("../../elsewhere")
    (root / "s" / "self.ts").symlink_to("self.ts")
    assert resolve(root, "s/inner.ts") == root / "s" / "v0" / "seg.ts"
    assert resolve(root, "s/outer.ts") is None
    assert resolve(root, "s/folder/x.ts") is None
    assert resolve(root, "s/self.ts") is None


def test_a_folder_swapped_for_a_link_after_the_check_leads_nowhere(root: Path) -> None:
    path = resolve(root, "s/v0/seg.ts")
    assert path is not None
    (root / "s" / "v0").rename(root / "s" / "old")
    (root / "s" / "v0").symlink_to("../../elsewhere")
    (root.parent / "elsewhere" / "seg.ts").write_bytes(b"other")
    with pytest.raises(OSError):
        open_beneath(root, path)


def test_a_fifo_in_a_files_place_does_not_block(root: Path) -> None:
    path = resolve(root, "s/v0/seg.ts")
    assert path is not None
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError):
        open_beneath(root, path)
    assert resolve(root, "s/v0/seg.ts") is None


def test_a_scan_sees_files_and_not_what_is_hidden_temporary_or_outside(root: Path) -> None:
    for name in (".hidden.ts", "index.m3u8.tmp", "seg.ts.part"):
        (root / "s" / name).touch()
    (root / ".git").mkdir()
    (root / ".git" / "x").touch()
    (root / "out").symlink_to("../elsewhere")
    (root / "alias").symlink_to("s")
    glance = scan(root)
    assert set(glance.files) == {"s/v0/seg.ts", "alias/v0/seg.ts"}
    assert glance.refused == {"out"}
    assert glance.unspeakable == frozenset()


@pytest.mark.parametrize("name", [b"lat\xe9n", b"two\nlines", b"back\\slash", b"\x7f"])
def test_names_that_no_url_can_hold_are_told_and_left_out(root: Path, name: bytes) -> None:
    folder = os.fsencode(root) + b"/" + name
    os.mkdir(folder)
    Path(os.fsdecode(folder + b"/i.m3u8")).write_bytes(b"#EXTM3U\n")
    glance = scan(root)
    assert glance.unspeakable == {os.fsdecode(name)}
    assert set(glance.files) == {"s/v0/seg.ts"}


def test_a_link_to_the_feed_itself_ends_somewhere(root: Path) -> None:
    (root / "s" / "loop").symlink_to("..")
    assert "s/v0/seg.ts" in scan(root).files


def test_differences_name_what_came_went_and_changed(root: Path) -> None:
    (root / "s" / "gone.ts").touch()
    before = scan(root).files
    (root / "s" / "gone.ts").unlink()
    (root / "s" / "new.ts").touch()
    (root / "s" / "v0" / "seg.ts").write_bytes(b"other bytes")
    assert differences(before, scan(root).files) == {"s/gone.ts", "s/new.ts", "s/v0/seg.ts"}


def test_a_folder_with_a_playlist_is_a_stream_and_so_is_a_playlist_in_the_feed(root: Path) -> None:
    for name in ("s/v0/index.m3u8", "s/master.m3u8", "movie.m3u8", "old.m3u", "old.m3u8"):
        (root / name).touch()
    streams = streams_of(scan(root).files)
    assert {n: (s.folder, s.playlists) for n, s in streams.items()} == {
        "s": ("s/", ("master.m3u8", "v0/index.m3u8")),
        "movie": ("", ("movie.m3u8",)),
        "old": ("", ("old.m3u8",)),
    }


def test_a_folder_has_its_name_before_a_playlist_has(root: Path) -> None:
    (root / "s.m3u8").touch()
    (root / "s" / "index.m3u8").touch()
    assert streams_of(scan(root).files)["s"].folder == "s/"


def test_a_feed_that_is_gone_is_an_empty_scan(tmp_path: Path) -> None:
    assert scan(tmp_path / "missing").files == {}
