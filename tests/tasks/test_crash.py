"""The real command: an export outlives a server that is killed; cancelled, it leaves nothing behind."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Start
from tests.recording_maker import Take, make_recording, packets, worst_gap

NAME = "garden-20261122-120000"
TOKEN = "a-token-of-the-operators"
PATIENCE = 90.0


@pytest.fixture
def stuck(tmp_path: Path, ffmpeg: str) -> Path:
    """An ffmpeg that stops in the middle of the first export, and says who it is."""
    script = tmp_path / "ffmpeg"
    script.write_text(
        "#!/bin/sh\n"
        'case "$*" in *-progress*)\n'
        f"  if [ ! -e {tmp_path}/pid ]; then\n"
        f"    head -c 100000 /dev/zero > out.mp4; echo $$ > {tmp_path}/pid.new\n"
        f"    mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600\n"
        "  fi;;\n"
        "esac\n"
        f'exec {ffmpeg} "$@"\n'
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    """Ended, though nobody may have asked for its exit code yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def ask(port: int, method: str, path: str, token: str = "") -> tuple[int, Any]:
    def send() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
            response = connection.getresponse()
            data = response.read()
            return response.status, json.loads(data) if "json" in response.headers["Content-Type"] else data
        finally:
            connection.close()

    return await asyncio.to_thread(send)


async def test_an_export_outlives_a_server_that_is_killed_and_can_be_cancelled(
    live_torrent: Start, feed_dir: Path, tmp_path: Path, ffmpeg: str, stuck: Path
) -> None:
    make_recording(ffmpeg, feed_dir, [Take(3), Take(2, offset=70)], NAME)
    command = ("serve", "--feed", str(feed_dir), "--ffmpeg", str(stuck))
    env = {"LIVE_TORRENT_ADMIN_TOKEN": TOKEN}
    server = await live_torrent(*command, env=env)
    status, task = await ask(server.port, "POST", f"/api/recordings/{NAME}/exports")
    assert status == 202
    at = f"/api/tasks/{task['id']}"
    scratch = feed_dir / ".live-torrent" / "tasks" / task["id"]
    await until((tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    assert os.getpriority(os.PRIO_PROCESS, pid) > 0  # behind what is live
    assert (scratch / "out.mp4").exists()
    assert (await ask(server.port, "GET", at))[1]["state"] == "running"
    server.kill()
    assert (scratch / "out.mp4").exists()
    if shutil.which("setpriv") is not None:
        await until(lambda: gone(pid))  # nobody writes into a folder that is somebody else's by then

    server = await live_torrent(*command, env=env)
    async with asyncio.timeout(PATIENCE):
        while (found := (await ask(server.port, "GET", at))[1])["state"] not in ("done", "failed"):
            await asyncio.sleep(0.05)
    assert (found["state"], found["error"]) == ("done", "")
    await until(lambda: not scratch.exists())
    status, data = await ask(server.port, "GET", found["result"]["url"])
    assert (status, len(data)) == (200, found["result"]["bytes"])
    (tmp_path / "got.mp4").write_bytes(data)
    assert worst_gap((await packets(ffmpeg, tmp_path / "got.mp4"))["video"]) < 0.001
    # The feed shows the recording, and nothing of what is made of it.
    assert [one["name"] for one in (await ask(server.port, "GET", "/api/streams"))[1]["streams"]] == [NAME]

    (tmp_path / "pid").unlink()
    assert (await ask(server.port, "DELETE", found["result"]["url"], TOKEN))[0] == 200
    _, task = await ask(server.port, "POST", f"/api/recordings/{NAME}/exports")
    await until((tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    status, told = await ask(server.port, "DELETE", f"/api/tasks/{task['id']}", TOKEN)
    assert (status, told["state"]) == (200, "cancelled")
    assert gone(pid)
    await until(lambda: not (scratch.parent / task["id"]).exists())
    assert list((feed_dir / NAME / ".exports").iterdir()) == []
