"""``/live/NAME.ts`` with a real library, a real server and real ffmpeg."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seeder.onward import channel as channels_module
from tests.onward.conftest import Make, Studio, eventually, frames


class Player:
    """Reads one answer as it comes."""

    def __init__(self) -> None:
        self.data = b""
        self.status = 0
        self.head = ""
        self._task: asyncio.Task[None] | None = None
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def ask(self, studio: Studio, path: str = "/live/demo.ts", method: str = "GET") -> Player:
        """Over HTTP/1.0: the body comes as it is."""
        port = studio.bound.port
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
        self._writer.write(f"{method} {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        async with asyncio.timeout(90):
            self.head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        self.status = int(self.head.split()[1])
        return self

    def play(self) -> Player:
        self._task = asyncio.create_task(self._read())
        return self

    async def _read(self) -> None:
        while data := await self._reader.read(1 << 16):
            self.data += data

    async def ended(self) -> bytes:
        assert self._task is not None
        async with asyncio.timeout(90):
            await self._task
        self._writer.close()
        return self.data

    async def leave(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._writer.transport.abort()


async def had(player: Player, studio: Studio, *tags: str) -> None:
    """The player has what was published last: the next one may come."""
    (channel,) = studio.channels.channels()
    taken = channel.remux.pieces + 1
    studio.segment(*tags)
    await eventually(lambda: channel.remux.pieces >= taken and len(player.data) > 0, "the segment was taken")


@pytest.mark.parametrize("kind", ["ts_vod", "fmp4_vod"])
async def test_a_player_without_hls_sees_24_seconds_across_a_discontinuity(
    kind: str, studio: Make, request: Any, ffmpeg: str, tmp_path: Path
) -> None:
    live = studio(request.getfixturevalue(kind))
    for _ in range(3):
        live.segment()
    player = (await Player().ask(live)).play()
    assert player.status == 200
    assert "content-type: video/mp2t" in player.head
    assert "cache-control: no-store" in player.head
    (channel,) = live.channels.channels()
    for _ in range(3):
        await had(player, live)
    live.at = 0
    await had(player, live, "#EXT-X-DISCONTINUITY")  # time stamps begin anew
    for _ in range(4):
        await had(player, live)
    live.msn, live.at = 0, 0  # and its writer counts anew
    for _ in range(3):
        await had(player, live)
    live.publish(ended=True)
    (tmp_path / "seen.ts").write_bytes(await player.ended())
    seen = frames(ffmpeg, tmp_path / "seen.ts")
    assert channel.remux.runs == 3, "one ffmpeg for each part that belongs together"
    assert len(seen.times[0]) == 12 * 50, "every picture of twelve segments"
    assert 24 <= seen.seconds < 25.5
    for times in seen.times.values():
        assert all(a < b for a, b in itertools.pairwise(times)), "time never goes back"
    assert not seen.complaints
    assert live.counters.sent["ts"] == len(player.data)
    await eventually(lambda: not live.channels.channels(), "nothing is left of it")


async def test_all_players_share_one_ffmpeg_and_begin_at_a_key_frame_a_segment_back(
    studio: Make, fmp4_vod: Path, ffmpeg: str, tmp_path: Path
) -> None:
    live = studio(fmp4_vod)
    live.segment()
    first = (await Player().ask(live)).play()
    for _ in range(3):
        await had(first, live)
    (channel,) = live.channels.channels()
    late = (await Player().ask(live)).play()
    assert live.channels.channels() == (channel,)
    assert live.channels.listeners() == {"demo": 2}
    await eventually(lambda: len(late.data) > 20_000, "its backlog is there at once, before anything is new")
    await had(first, live)
    live.publish(ended=True)
    (tmp_path / "late.ts").write_bytes(await late.ended())
    seen = frames(ffmpeg, tmp_path / "late.ts")
    # A segment or two, what ffmpeg had taken and not yet given, and the last one; of five.
    assert len(seen.times[0]) in (100, 150, 200), "from a key frame on, and nothing is missing"
    assert not seen.complaints, "from a key frame on, with tables"
    assert len(await first.ended()) > len(late.data)


async def test_a_player_that_stops_reading_skips_and_holds_up_nobody(
    studio: Make, fmp4_vod: Path, monkeypatch: pytest.MonkeyPatch, ffmpeg: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(channels_module, "QUEUE", 300_000)
    live = studio(fmp4_vod)
    live.segment()
    good, bad = (await Player().ask(live)).play(), await Player().ask(live)
    (channel,) = live.channels.channels()
    skipped = 0
    for _ in range(90):  # what sockets hold is beyond our say: some MB
        await had(good, live)
        skipped = sum(listener.skipped for listener in channel.listeners)
        if skipped:
            break
    assert skipped, "it lost something"
    held = [listener._size for listener in channel.listeners]
    assert max(held) <= 300_000
    bad.play()  # and comes back
    await had(good, live)
    live.publish(ended=True)
    await bad.ended()
    (tmp_path / "good.ts").write_bytes(await good.ended())
    assert len(frames(ffmpeg, tmp_path / "good.ts").times[0]) % 50 == 0, "the other one has every picture"


async def test_a_killed_ffmpeg_is_followed_by_another_and_nobody_is_disconnected(
    studio: Make, fmp4_vod: Path, ffmpeg: str, tmp_path: Path
) -> None:
    live = studio(fmp4_vod)
    live.segment()
    player = (await Player().ask(live)).play()
    (channel,) = live.channels.channels()
    await eventually(lambda: len(player.data) > 0 and channel.remux.pieces == 1, "it plays")
    assert channel.remux.pid is not None
    os.kill(channel.remux.pid, signal.SIGKILL)
    await eventually(lambda: channel.remux.pid is None, "it is dead")
    await had(player, live)
    assert channel.remux.runs == 2
    live.publish(ended=True)
    (tmp_path / "seen.ts").write_bytes(await player.ended())
    times = frames(ffmpeg, tmp_path / "seen.ts").times[0]
    assert all(a < b for a, b in itertools.pairwise(times))


async def test_ffmpeg_ends_some_seconds_after_the_last_player_left(studio: Make, ts_vod: Path) -> None:
    live = studio(ts_vod)
    live.segment()
    player = (await Player().ask(live)).play()
    (channel,) = live.channels.channels()
    await eventually(lambda: channel.remux.pid is not None, "it runs")
    await player.leave()
    await eventually(lambda: not live.channels.channels() and channel.remux.pid is None, "it is gone")


async def test_a_recording_is_played_whole_at_its_readers_pace(
    studio: Make, ts_vod: Path, monkeypatch: pytest.MonkeyPatch, ffmpeg: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(channels_module, "QUEUE", 50_000)  # a fraction of it
    live = studio(ts_vod)
    live.window = 6
    for _ in range(6):
        live.segment()
    live.publish(ended=True)
    player = (await Player().ask(live)).play()
    (tmp_path / "seen.ts").write_bytes(await player.ended())
    assert len(frames(ffmpeg, tmp_path / "seen.ts").times[0]) == 300


ENCRYPTED = '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:2,\na.ts\n'


async def test_what_cannot_be_played_is_refused_with_a_reason(studio: Make, ts_vod: Path) -> None:
    live = studio(ts_vod)
    live.segment()
    assert (await Player().ask(live, "/live/nobody.ts")).status == 404
    assert (await Player().ask(live, "/live/demo.ts?variant=v9")).status == 404
    assert (await Player().ask(live, method="POST")).status == 405
    head = await Player().ask(live, method="HEAD")
    assert head.status == 200
    assert "content-type: video/mp2t" in head.head
    assert not live.channels.channels(), "no ffmpeg for any of these"
    live.publish(playlist=ENCRYPTED)
    refused = (await Player().ask(live)).play()
    assert refused.status == 406
    assert b"encrypted" in await refused.ended()
    live.resources["v0/a.ts"] = live.resources["v0/0.ts"].__class__(
        "v0/a.ts", live.resources["v0/0.ts"].kind, "text/vtt", 6, '"x"', b"WEBVTT"
    )
    live.publish(playlist=ENCRYPTED.replace("AES-128", "NONE"))
    assert (await Player().ask(live)).status == 406


async def test_there_is_a_bound_on_players(
    studio: Make, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels_module, "MOST", 1)
    live = studio(ts_vod)
    live.segment()
    one = (await Player().ask(live)).play()
    refused = await Player().ask(live)
    assert refused.status == 503
    assert "retry-after" in refused.head
    await one.leave()


@pytest.mark.skipif(
    shutil.which("cvlc") is None, reason="VLC is not installed (Debian: vlc-bin vlc-plugin-base)"
)
async def test_vlc_plays_it(studio: Make, fmp4_vod: Path, ffmpeg: str, tmp_path: Path) -> None:
    live = studio(fmp4_vod)
    live.window = 6
    for number in range(6):
        live.segment(*(["#EXT-X-DISCONTINUITY"] if number == 3 else []), of=number % 3)
    live.publish(ended=True)
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    command = [
        *user,
        "cvlc",
        "-I",
        "dummy",
        "--play-and-exit",
        "--sout",
        "#std{access=file,mux=ts,dst=-}",
        live.url,
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )
    try:
        async with asyncio.timeout(90):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    (tmp_path / "vlc.ts").write_bytes(out)
    seen = frames(ffmpeg, tmp_path / "vlc.ts")
    assert len(seen.times[0]) >= 290, "of 300 pictures"
