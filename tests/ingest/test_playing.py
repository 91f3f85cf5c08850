"""Lists of inputs: what they name, and real files of all kinds played one after the other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest, IngestState
from seeder.ingest.playing import opened, parse

Eventually = Callable[[Callable[[], bool], str], Any]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.mp4\n\n  b c.mp4  \r\n", ["a.mp4", "b c.mp4"]),
        ("#EXTM3U\n#EXTINF:5,It's\nhttp://host/a.mp3?x=1\n../b.mp3\n", ["http://host/a.mp3?x=1", "../b.mp3"]),
        ("ffconcat version 1.0\nfile a.mp4\nduration 3\nfile 'it'\\''s b.mp4'\n", ["a.mp4", "it's b.mp4"]),
        ("file a\\ b.mp4\n# no\nfile 'c#.mp4'", ["a b.mp4", "c#.mp4"]),
        ("files.mp4\nfile.mp4", ["files.mp4", "file.mp4"]),
        ("\n#\n", []),
    ],
)
def test_lists_are_read_as_other_players_read_them(text: str, names: list[str]) -> None:
    assert parse(text) == names


def test_what_a_list_names_lies_beside_it_and_lists_and_files_can_be_mixed(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "evening.m3u").write_text("a.mp4\nhttps://me:secret@host/b.mp4\n/abs/c.mp4\n")
    playing = opened("first.mp4\nfilms/evening.m3u", PurePosixPath(tmp_path))
    names = [source.name for source in playing.items]
    assert names == [f"{tmp_path}/first.mp4", f"{folder}/a.mp4", "https://***@host/b.mp4", "/abs/c.mp4"]


@pytest.mark.parametrize("given", ["a.mp4\nv4l2:/dev/video0", "a.mp4\n-", "empty.txt", "missing.m3u"])
def test_what_cannot_be_one_of_several_is_an_error_at_once(given: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(IngestError):
        opened(given, PurePosixPath(tmp_path))


@pytest.fixture(scope="module")
def films(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of files that have little in common, and one that is not there."""
    folder = tmp_path_factory.mktemp("films")
    tone, picture = "sine=d=1.2", "testsrc2=s={}:r={}:d=1.2"
    made = {
        "first.mp4": f"{picture.format('160x90', 25)} -f lavfi -i {tone} -c:v libx264",
        "it's: mute,[2];.mkv": f"{picture.format('128x96', 30)} -c:v libx265 -x265-params log-level=1",
        "song.mp3": f"{tone} -c:a libmp3lame",
        "last.webm": f"{picture.format('96x54', 24)} -f lavfi -i {tone} -c:v libvpx -c:a libopus",
    }
    for name, command in made.items():
        line = [ffmpeg, "-v", "error", "-f", "lavfi", "-i", *command.split(), f"file:{folder / name}"]
        subprocess.run(line, check=True, stdin=subprocess.DEVNULL)
    (folder / "list.txt").write_text("\n".join([*list(made)[:2], "gone.mp4", *list(made)[2:]]))
    return folder / "list.txt"


async def test_files_of_all_kinds_are_one_stream_with_sound_and_picture_throughout(
    viewer: Any, on_air: Any, eventually: Eventually, films: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = IngestConfig("s", str(films), segment_seconds=0.5, window=60, loop=False, end=True)
    ingest = Ingest(config, viewer.folder.parent)
    async with on_air(ingest, viewer) as task:
        await eventually(task.done, "the end of the list")
        assert task.exception() is None
    assert ingest.status().state is IngestState.ENDED
    assert (viewer.ended, viewer.discontinuities) == (True, 4)
    assert "gone.mp4" in caplog.text
    assert viewer.decode() == ""
    inits = {listed.init for listed in viewer.seen.values()}
    assert len(inits) == 4
    for init in inits:
        head = (viewer.folder / "v0" / init).read_bytes()
        assert head.count(b"avc1") >= 1, "a picture in each"
        assert head.count(b"mp4a") >= 1, "sound in each"
    assert 4 <= sum(listed.duration for listed in viewer.seen.values()) <= 6


async def test_a_list_begins_again_and_nothing_playable_in_it_is_an_error(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path], tmp_path: Path
) -> None:
    one = media("one.mp4", gop=12, seconds=1)
    ingest = Ingest(IngestConfig("s", f"{one}\n{one}", segment_seconds=0.5), viewer.folder.parent)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.discontinuities >= 4, "the second round")
    (tmp_path / "bad.txt").write_text("gone.mp4\nbad.txt\n")
    with pytest.raises(IngestError, match="none of 2 inputs can be played"):
        await Ingest(IngestConfig("t", str(tmp_path / "bad.txt")), viewer.folder.parent).run()
