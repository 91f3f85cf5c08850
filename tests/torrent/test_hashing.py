from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from seeder.errors import MetainfoError
from seeder.torrent.hashing import Hasher
from seeder.torrent.metainfo import make_torrent


@pytest.mark.parametrize("size", [1, 65_535, 65_536, 65_537, 400_000])
async def test_a_file_and_its_bytes_have_the_same_torrent(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "segment"
    path.write_bytes(data)
    async with Hasher() as hasher:
        handle = path.open("rb")
        assert await hasher.file("a.ts", handle) == make_torrent("a.ts", data)
        assert handle.closed
        assert await hasher.data("a.ts", data) == make_torrent("a.ts", data)


async def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    async with Hasher() as hasher:
        with pytest.raises(MetainfoError):
            await hasher.file("a.ts", (tmp_path / "empty").open("rb"))


async def test_hashing_leaves_the_loop_free() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with Hasher() as hasher:
        counter = asyncio.create_task(count())
        await hasher.data("a.ts", bytes(32 << 20))
        counter.cancel()
    assert turns > 10
