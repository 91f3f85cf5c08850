from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from seeder.errors import FeedError
from seeder.torrent.spool import PREFIX, Spool, choose


async def test_what_is_written_is_there_until_it_is_removed(tmp_path: Path) -> None:
    async with Spool(tmp_path) as spool:
        path = await spool.write(b"a" * 20, b"data")
        assert path.read_bytes() == b"data"
        assert spool.used == 4
        await spool.remove(b"a" * 20)
        assert not path.exists()
        assert spool.used == 0
        await spool.remove(b"a" * 20)


async def test_the_spool_is_private_and_gone_at_the_end(tmp_path: Path) -> None:
    async with Spool(tmp_path) as spool:
        folder = spool.folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        await spool.write(b"a" * 20, b"data")
    assert list(tmp_path.iterdir()) == []


async def test_the_spool_is_bounded(tmp_path: Path) -> None:
    async with Spool(tmp_path, limit=100) as spool:
        await spool.write(b"a" * 20, bytes(60))
        with pytest.raises(OSError, match="full"):
            await spool.write(b"b" * 20, bytes(60))
        await spool.remove(b"a" * 20)
        await spool.write(b"b" * 20, bytes(60))


async def test_the_spool_of_a_killed_process_is_swept_and_a_living_ones_is_not(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, pathlib, sys\n"
        "from seeder.torrent.spool import Spool\n"
        "async def main():\n"
        "    async with Spool(pathlib.Path(sys.argv[1])) as spool:\n"
        "        await spool.write(b'a' * 20, b'data')\n"
        "        os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=False, env={**os.environ, "PYTHONPATH": "."}
    )
    assert len(list(tmp_path.glob(PREFIX + "*"))) == 1
    async with Spool(tmp_path) as one:
        assert list(tmp_path.iterdir()) == [one.folder]
        async with Spool(tmp_path) as two:
            assert set(tmp_path.iterdir()) == {one.folder, two.folder}


def test_the_first_folder_with_room_is_chosen_else_the_roomiest(tmp_path: Path) -> None:
    assert choose([tmp_path / "missing", tmp_path], room=1) == tmp_path
    assert choose([tmp_path], room=1 << 60) == tmp_path
    with pytest.raises(FeedError, match="TMPDIR"):
        choose([tmp_path / "missing"])
