"""The keys as a running server knows them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from seeder.publish.claim import Claim, RefusedError
from seeder.publish.keyfile import KeyFile
from seeder.publish.keys import Keys
from seeder.publish.keystore import USED, KeyStore


class World:
    """A file, a store and a clock."""

    def __init__(self, folder: Path) -> None:
        self.file = KeyFile(folder / "keys.json")
        self.now = time.time()
        self.store = KeyStore(self.file, lambda: self.now)

    def create(self, stream: str, lifetime: int | None = None) -> str:
        def how(all_: Keys) -> tuple[Keys, str]:
            more, _, shown = all_.created(stream, self.now, lifetime=lifetime, srt=True)
            return more, shown

        return self.file.change(how)

    async def refused(self, key: str) -> RefusedError:
        with pytest.raises(RefusedError) as told:
            await self.store(claim(key))
        return told.value


def claim(key: str, stream: str | None = None) -> Claim:
    return Claim("rtmp", "192.0.2.7", key, stream)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_key_made_a_moment_ago_opens_its_stream(world: World) -> None:
    assert (await world.refused("lt_nothing")).status == 401
    key = world.create("garden", 60)
    grant = await world.store(claim(key))
    (kept,) = world.file.read()
    assert (grant.stream, grant.key, grant.until) == ("garden", kept.id, kept.expires)
    assert (await world.refused("")).status == 401
    assert (await world.refused("x" * 100_000)).status == 401
    await world.store.close()


async def test_revoked_and_expired_keys_open_nothing(world: World) -> None:
    key, ends = world.create("garden"), world.create("shed", 60)
    idents = [kept.id for kept in world.file.read()]
    await world.store.refresh()
    assert [world.store.good(ident) for ident in idents] == [True, True]
    world.now += 60
    world.file.change(lambda all_: (all_.revoked(idents[0]), None))
    assert str(await world.refused(key)) == "no such key"
    assert str(await world.refused(ends)) == "the key has expired"
    assert [world.store.good(ident) for ident in idents] == [False, False]
    assert [world.store.passphrase(stream) for stream in ("garden", "shed")] == [None, None]


async def test_a_damaged_file_lets_nobody_in_and_ends_nobody(world: World) -> None:
    key = world.create("garden")
    (kept,) = world.file.read()
    await world.store.refresh()
    whole = world.file.path.read_bytes()
    world.file.path.write_bytes(whole[:-5])
    assert (await world.refused(key)).status == 503
    assert "is damaged" in world.store.trouble
    assert world.store.good(kept.id)
    assert world.store.passphrase("garden") is None
    world.file.path.write_bytes(whole)
    assert (await world.store(claim(key))).stream == "garden"
    assert world.store.trouble == ""
    await world.store.close()


async def test_a_file_that_is_gone_has_no_keys(world: World) -> None:
    key = world.create("garden")
    await world.store.refresh()
    world.file.path.unlink()
    assert (await world.refused(key)).status == 401


async def test_when_a_key_was_used_is_written_down_but_not_each_time(world: World) -> None:
    key = world.create("garden")

    def used() -> int | None:
        return int(json.loads(world.file.path.read_text())["keys"][0]["lastUsed"] or 0)

    await world.store(claim(key, "another"))
    await world.store.close()
    assert used() == 0, "for another stream it was no use"
    first = int(world.now)
    for step in (0, USED - 1):
        world.now += step
        await world.store(claim(key, "garden"))
        await world.store.close()
        assert used() == first
    world.now += 1
    await world.store(claim(key))
    await world.store.close()
    assert used() == int(world.now)


async def test_without_a_place_for_keys_there_are_none() -> None:
    store = KeyStore(None)
    await store.refresh()
    with pytest.raises(RefusedError, match="no such key"):
        await store(claim("lt_whatever"))
    assert store.passphrase("garden") is None
