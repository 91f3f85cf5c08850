"""The key of one run: who has it publishes its stream, nobody else anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder import service
from seeder.config import Config, Plan
from seeder.publish import Claim, RefusedError
from seeder.publish.keyfile import KeyFile
from seeder.publish.once import Once, guest
from tests.publish.browser.page import on_air, page
from tests.publish.studio import Studio


@pytest.mark.parametrize("key", ["", "lt_", "x" * 5000, "\udcff"])
async def test_another_key_is_none(key: str) -> None:
    once = Once(guest("studio"))
    with pytest.raises(RefusedError) as refused:
        await once(Claim("browser", "192.0.2.7", key, stream="studio"))
    assert refused.value.status == 401


async def test_who_reads_the_terminal_goes_live(tmp_path: Path) -> None:
    one = guest("studio")
    keys = tmp_path / "keys.json"
    plan = Plan(Config(port=0, publish=("browser:0",), keys=keys), tmp_path, guest=one)
    async with service.running(plan) as running:
        here = Studio(running, KeyFile(keys), tmp_path)
        async with on_air(here, "studio", key=one.key):
            assert [session.stream for session in running.desk.sessions()] == ["studio"]  # type: ignore[union-attr]
        async with page(here, "another") as stranger:
            await stranger.say("start", key=one.key)
            assert await stranger.over() == 4403
        assert not keys.exists()
