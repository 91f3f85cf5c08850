"""Several ingests at once, with real ffmpeg."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seeder.errors import ConfigError, IngestError
from seeder.ingest.config import IngestConfig
from seeder.ingest.many import Ingests

Eventually = Callable[[Callable[[], bool], str], Awaitable[None]]


async def let_go(path: Path) -> None:
    """Nobody holds it."""


def config(name: str, source: Path) -> IngestConfig:
    return IngestConfig(name, str(source), segment_seconds=0.5)


async def test_one_that_cannot_go_on_harms_no_other_and_is_tried_again(
    tmp_path: Path, media: Callable[..., Path], eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    film, late = media("half.mp4", gop=12, seconds=5), tmp_path / "late.mp4"
    async with Ingests(tmp_path / "feed", let_go, again=0.05) as ingests:
        ingests.start(config("good", film))
        ingests.start(config("bad", late))
        await eventually(lambda: ingests.stats()["bad"].state == "failed", "told")
        await eventually(lambda: ingests.stats()["good"].segments >= 2, "the other goes on")
        assert "late.mp4 does not exist" in ingests.trouble()
        assert len([r for r in caplog.records if "does not exist" in r.message]) == 1, "said once"
        late.write_bytes(film.read_bytes())
        await eventually(lambda: ingests.stats()["bad"].segments > 0, "and it comes when the file does")
        assert ingests.trouble() == ""
        with pytest.raises(ConfigError, match="made here already"):
            ingests.start(config("good", film))


async def test_they_are_stopped_restarted_and_survive_a_killed_ffmpeg_one_by_one(
    tmp_path: Path, media: Callable[..., Path], eventually: Eventually
) -> None:
    film = media("half.mp4", gop=12, seconds=5)
    feed = tmp_path / "feed"
    async with Ingests(feed, let_go) as ingests:
        for name in ("a", "b", "c"):
            ingests.start(config(name, film))
        await eventually(lambda: all(s.segments >= 2 for s in ingests.stats().values()), "all are live")
        one = ingests.get("a")
        assert one is not None
        assert one.ingest is not None
        assert one.ingest.pid is not None
        os.kill(one.ingest.pid, signal.SIGKILL)
        assert await ingests.stop("b")
        assert not await ingests.stop("b")
        assert not ingests.has("b")
        assert (feed / "b" / "v0" / "index.m3u8").exists(), "its files stay"
        before = ingests.get("c")
        assert await ingests.restart("c")
        assert not await ingests.restart("b")
        await eventually(lambda: ingests.stats()["a"].restarts == 1, "ffmpeg was started again")
        await eventually(lambda: ingests.stats()["c"].segments >= 1, "begun anew")
        assert ingests.get("c") is before
        assert "#EXT-X-DISCONTINUITY" in (feed / "c" / "v0" / "index.m3u8").read_text()


async def test_a_vital_one_that_cannot_go_on_ends_the_run(tmp_path: Path) -> None:
    async with Ingests(tmp_path / "feed", let_go) as ingests:
        ingests.start(config("only", tmp_path / "nothing.mp4"), vital=True)
        with pytest.raises(IngestError, match="does not exist"):
            await ingests.watch()
