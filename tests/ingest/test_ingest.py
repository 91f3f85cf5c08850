"""Whole runs with real ffmpeg, watched by a viewer that checks every version of the playlist."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from seeder.errors import IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest, IngestState

Eventually = Callable[[Callable[[], bool], str], Any]


def make(viewer: Any, given: str | None = None, **options: Any) -> Ingest:
    settings = {"segment_seconds": 0.5, **options}
    return Ingest(IngestConfig("s", given, **settings), viewer.folder.parent, dice=lambda: 0.9)


async def test_the_test_picture_is_a_valid_live_stream(
    viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    ingest = make(viewer, window=4)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 9, "ten segments")
        assert ingest.status().state is IngestState.LIVE
    assert ingest.status().state is IngestState.STOPPED
    assert (viewer.target_duration, viewer.first > 0, viewer.ended) == (1, True, False)
    assert viewer.discontinuities == 1
    assert viewer.decode() == ""
    master = (viewer.folder / "master.m3u8").read_text()
    stream = re.search(
        r"BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),"
        r'CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2",RESOLUTION=640x360,FRAME-RATE=30\.000\nv0/index\.m3u8\n',
        master,
    )
    assert stream is not None, master
    assert int(stream[1]) >= int(stream[2]) >= 500_000


async def test_what_left_the_window_is_retired_and_deleted(
    viewer: Any, on_air: Any, eventually: Eventually, tmp_path: Path
) -> None:
    retired: list[Path] = []

    async def retire(path: Path) -> None:
        assert path.exists()
        retired.append(path)

    config = IngestConfig("s", segment_seconds=0.5, window=3)
    ingest = Ingest(config, viewer.folder.parent, retire=retire)
    async with on_air(ingest, viewer):
        await eventually(lambda: len(retired) >= 3 and not retired[1].exists(), "segments are retired")
        on_disk = {path.name for path in (viewer.folder / "v0").iterdir()}
        viewer.reload()
        listed = {viewer.seen[n].uri for n in range(viewer.first, viewer.last + 1)}
        assert listed <= on_disk
    assert [path.name for path in retired[:3]] == [viewer.seen[n].uri for n in range(3)]


async def test_a_killed_ffmpeg_is_followed_by_another_after_a_discontinuity(
    viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    ingest = make(viewer, window=30)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 3, "four segments")
        assert ingest.pid is not None
        os.kill(ingest.pid, signal.SIGKILL)
        at = viewer.last
        await eventually(
            lambda: viewer.discontinuities >= 2 and viewer.last >= at + 3, "the next run's segments"
        )
        assert ingest.status().restarts == 1
    assert sorted(viewer.seen) == list(range(viewer.last + 1))
    assert viewer.decode() == ""


async def test_a_stalled_ffmpeg_is_noticed(viewer: Any, on_air: Any, eventually: Eventually) -> None:
    ingest = make(viewer, window=30, stall_seconds=3)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 2, "three segments")
        stuck = ingest.pid
        assert stuck is not None
        os.kill(stuck, signal.SIGSTOP)
        await eventually(lambda: "stalled" in ingest.status().last_error, "the stall is said")
        with pytest.raises(ProcessLookupError):
            os.kill(stuck, 0)
        await eventually(lambda: viewer.discontinuities >= 2, "segments of another run")


async def test_numbers_and_target_duration_survive_a_restart_of_the_program(
    viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    async with on_air(make(viewer), viewer):
        await eventually(lambda: viewer.last >= 2, "three segments")
    last, uris = viewer.last, {listed.uri for listed in viewer.seen.values()}
    # Asks for longer segments, which the stream's Target Duration of 1 s does not allow.
    async with on_air(make(viewer, segment_seconds=4, window=4), viewer):
        await eventually(lambda: viewer.last >= last + 4, "four more segments")
    assert viewer.target_duration == 1
    assert viewer.first > 0
    assert viewer.discontinuities == 2
    assert not uris & {listed.uri for msn, listed in viewer.seen.items() if msn > last}
    assert viewer.decode() == ""


async def test_only_one_process_writes_a_stream(viewer: Any, on_air: Any, eventually: Eventually) -> None:
    async with on_air(make(viewer), viewer):
        await eventually(viewer.reload, "a playlist")
        with pytest.raises(IngestError, match="another live-torrent"):
            await make(viewer).run()


async def test_cancelling_during_the_start_leaves_no_process(viewer: Any, eventually: Eventually) -> None:
    ingest = make(viewer)
    task = asyncio.create_task(ingest.run())
    await eventually(lambda: ingest.pid is not None, "ffmpeg runs")
    pid = ingest.pid
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_file_that_fits_is_copied_and_looped(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path]
) -> None:
    path = media("short.mp4", gop=25, seconds=2.6)  # the last GOP of every round is a short one
    ingest = make(viewer, str(path), segment_seconds=1, window=30)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 6, "more segments than the file has")
        assert ingest.status().mode == "copy"
    assert viewer.discontinuities == 1
    assert viewer.decode() == ""


@pytest.mark.parametrize(
    ("name", "options", "mode", "codecs"),
    [
        ("long-gop.mp4", {"gop": 250}, "encode", 'avc1.64000b,mp4a.40.2"'),
        ("loop.ts", {}, "encode", 'avc1.64000b,mp4a.40.2"'),
        ("silent.mp4", {"audio": False}, "copy", 'avc1.64000b"'),
        ("sound.m4a", {"extra": "-vn"}, "none", 'mp4a.40.2"'),
    ],
)
async def test_what_does_not_fit_is_encoded_and_what_is_missing_is_left_out(
    name: str, options: dict[str, Any], mode: str, codecs: str,
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path],
) -> None:  # fmt: skip
    ingest = make(viewer, str(media(name, seconds=4, **options)), segment_seconds=1, window=30)
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 4, "five segments: once around")
        assert ingest.status().mode == mode
        assert codecs in re.sub(r"avc1\.\w+", "avc1.64000b", (viewer.folder / "master.m3u8").read_text())
    assert viewer.decode() == ""


async def test_a_finite_input_ends_with_endlist_when_asked(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path]
) -> None:
    path = media("finite.mp4", seconds=1.6)
    ingest = make(viewer, str(path), loop=False, end=True, segment_seconds=1)
    async with on_air(ingest, viewer) as task:
        await eventually(task.done, "the input ends")
    assert ingest.status().state is IngestState.ENDED
    assert viewer.ended
    assert sum(listed.duration for listed in viewer.seen.values()) == pytest.approx(1.6, abs=0.1)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nothing.mp4", None, "does not exist"),
        ("text.mp4", b"this is no video\n" * 99, "Invalid data"),
        ("-i.mp4", b"", "-i.mp4"),
    ],
)
async def test_an_unreadable_file_is_an_error_at_once(
    name: str, content: bytes | None, says: str, viewer: Any, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IngestError, match=re.escape(says)) as caught:
        await make(viewer, str(path)).run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["/nowhere/ffmpeg", "/bin/true"])
async def test_a_missing_ffmpeg_is_an_error_with_a_remedy(path: str, viewer: Any) -> None:
    with pytest.raises(IngestError, match="pip install imageio-ffmpeg"):
        await make(viewer, ffmpeg=path).run()


@contextlib.asynccontextmanager
async def http(data: bytes, port: int = 0) -> AsyncIterator[int]:
    """An endless-looking live stream over HTTP: no length, no ranges; every connection gets ``data``."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + data)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        yield server.sockets[0].getsockname()[1]


async def test_an_input_that_vanishes_is_waited_for(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path]
) -> None:
    data = media("live.ts", gop=25, seconds=4).read_bytes()
    stack = contextlib.AsyncExitStack()
    port = await stack.enter_async_context(http(data))
    ingest = make(
        viewer, f"http://me:secret@127.0.0.1:{port}/live.ts?key=hidden", segment_seconds=1, window=30
    )
    async with stack, on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 3, "a first connection's segments")
        assert ingest.status().mode == "copy"
        await stack.aclose()
        await eventually(lambda: "refused" in ingest.status().last_error, "the loss is said")
        assert ingest.status().state is IngestState.RETRYING
        at = viewer.last
        async with http(data, port):
            await eventually(lambda: viewer.last > at, "segments of a later connection")
        status = ingest.status()
        assert "secret" not in f"{status}"
        assert "hidden" not in f"{status}"
    assert viewer.discontinuities >= 2
    assert viewer.decode() == ""


async def test_a_gop_that_turns_out_too_long_ends_the_copying(
    viewer: Any, on_air: Any, eventually: Eventually, media: Callable[..., Path], ffmpeg: str, tmp_path: Path
) -> None:
    regular, endless = media("regular.ts", gop=25, seconds=4), media("endless.ts", gop=1000, seconds=4)
    both, joined = tmp_path / "both.txt", tmp_path / "both.ts"
    both.write_text(f"file '{regular}'\nfile '{endless}'\n")
    command = f"-v error -f concat -safe 0 -i {both} -c copy {joined}"
    subprocess.run([ffmpeg, *command.split()], check=True, stdin=subprocess.DEVNULL)
    async with http(joined.read_bytes()) as port:
        ingest = make(viewer, f"http://127.0.0.1:{port}/", segment_seconds=1, window=60)
        async with on_air(ingest, viewer):
            await eventually(lambda: ingest.status().mode == "copy", "copying")
            await eventually(lambda: ingest.status().mode == "encode", "encoding")
            at = viewer.last
            await eventually(lambda: viewer.last >= at + 6, "all of the input, encoded")
        assert viewer.target_duration == 1
    assert viewer.decode() == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    folder = tmp_path / "feed"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a full disk needs a tmpfs of its own, and mounting one needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_live_goes_on_when_a_full_disk_has_space_again(
    small_disk: Path, viewer: Any, on_air: Any, eventually: Eventually
) -> None:
    ingest = make(viewer, window=6)
    ballast = small_disk / "ballast"
    async with on_air(ingest, viewer):
        await eventually(lambda: viewer.last >= 2, "three segments")
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        await eventually(lambda: ingest.status().dropped >= 2, "segments do not fit")
        assert "No space left" in ingest.status().last_error
        ballast.unlink()
        at = viewer.last
        await eventually(lambda: viewer.last >= at + 4, "segments fit again")
        assert ingest.status().last_error == ""
        assert ingest.status().restarts == 0
    assert viewer.discontinuities == 2
    assert viewer.decode() == ""
