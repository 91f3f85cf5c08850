"""Who has just come: what it begins to play with."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.browser.asking import PATIENCE, audience, sources, watch, when
from tests.conftest import NewPage, Running
from tests.strain import steadily

VISITS = 3
FIRST = 4
"""Segments: hls.js begins three behind the newest, and all who are there hold these."""


async def test_newcomers_have_their_first_segments_from_those_who_are_there_but_for_the_very_first(
    live: Running, new_page: NewPage
) -> None:
    await audience(live, *[await new_page() for _ in range(3)])

    copies: list[float] = []
    told: dict[str, dict[str, Any]] = {}

    async def visits() -> None:
        for _ in range(max(1, VISITS - len(copies))):
            newcomer = await watch(await new_page(), live)
            snapshot = await when(newcomer, f"s.segments.length >= {FIRST}", "its first segments")
            first = sorted(snapshot["segments"], key=lambda segment: segment["msn"])[:FIRST]
            told[str(len(copies))] = snapshot
            copies.append(sum(1 - segment["fromPeers"] / segment["bytes"] for segment in first))
            await newcomer.context.close()
            await asyncio.sleep(1)  # the next one finds its links gone
        # One each, now and then another on a busy machine; two each where the first links are not waited for.
        assert sum(sorted(copies)[:VISITS]) < 1.5 * VISITS, sources(told)

    await steadily(visits, PATIENCE)
