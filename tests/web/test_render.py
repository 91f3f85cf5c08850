from __future__ import annotations

import asyncio
import gzip

import pytest

from seeder.hls.manifest import strip_tags
from seeder.model import Addresses
from seeder.web import render
from seeder.web.render import Renderer
from tests.web.conftest import live_stream

HERE = Addresses("http://here", "ws://here/announce")


async def rendered(renderer: Renderer, version: int = 1, at: Addresses = HERE) -> render.Rendered:
    view = live_stream(version)
    return await renderer.render(view, view.playlists["v/index.m3u8"], at)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The versions that were really made, in order."""
    versions: list[int] = []
    make = render.make

    def counting(view, playlist, addresses, skip):  # type: ignore[no-untyped-def]
        versions.append(playlist.version)
        return make(view, playlist, addresses, skip)

    monkeypatch.setattr(render, "make", counting)
    return versions


async def test_a_playlist_is_made_once_per_version_and_address(made: list[int]) -> None:
    renderer = Renderer()
    first = await rendered(renderer)
    assert await rendered(renderer) is first
    await rendered(renderer, 2)
    await rendered(renderer, 2, Addresses("http://there", "ws://there/announce"))
    assert made == [1, 2, 2]


async def test_both_encodings_are_the_same_text_with_tags_of_their_own() -> None:
    found = await rendered(Renderer())
    assert gzip.decompress(found.gzipped.data) == found.plain.data
    assert found.plain.etag != found.gzipped.etag
    text = found.plain.data.decode()
    assert "magnet:?xt=urn:btih:" in text
    assert "ws://here/announce" in text
    assert strip_tags(text) == live_stream().playlists["v/index.m3u8"].text


async def test_strangers_host_names_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "MAX_ENTRIES", 10)
    renderer = Renderer()
    for number in range(50):
        await rendered(renderer, at=Addresses(f"http://h{number}", "ws://h/announce"))
    assert len(renderer._cache) == 10
    assert renderer._bytes == sum(body.size for _, body in renderer._cache.values())
    monkeypatch.setattr(render, "MAX_BYTES", 1)
    await rendered(renderer, 2)
    assert len(renderer._cache) == 1


async def test_a_long_playlist_is_made_in_a_thread_once_for_all_who_ask(
    made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "OFF_LOOP", 1)
    renderer = Renderer()
    found = await asyncio.gather(*(rendered(renderer) for _ in range(5)))
    assert made == [1]
    assert all(one is found[0] for one in found)
    assert await rendered(renderer) is found[0]
    assert not renderer._underway


async def test_who_gives_up_does_not_spoil_it_for_the_others(
    made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "OFF_LOOP", 1)
    renderer = Renderer()
    impatient = asyncio.create_task(rendered(renderer))
    patient = asyncio.create_task(rendered(renderer))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).plain.data
    assert made == [1]


async def test_a_late_rendering_does_not_replace_a_newer_one() -> None:
    renderer = Renderer()
    newer = await rendered(renderer, 2)
    older = await rendered(Renderer(), 1)
    key = ("demo", "v/index.m3u8", HERE, "")
    renderer._keep(key, 1, older)
    assert renderer._cache[key] == (2, newer)
