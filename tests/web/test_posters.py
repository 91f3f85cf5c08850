"""``GET /api/streams/NAME/poster`` as a browser asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seeder.posters.posters import BusyError
from seeder.web.posters import blueprint
from tests.posters.conftest import Gallery
from tests.web.conftest import Open


async def test_a_poster_is_a_jpeg_that_browsers_keep_for_a_while(
    open_site: Open, tmp_path: Path, ts_vod: Path
) -> None:
    gallery = Gallery(tmp_path / "gallery")
    site = await open_site(blueprints=(blueprint(gallery.posters),))
    gallery.publish(ts_vod, "a b/../<i>".replace("/", "-"), live=True)
    gallery.publish(ts_vod, "film")
    async with gallery.open():
        live = await site.fetch("/api/streams/a%20b-..-%3Ci%3E/poster")
        film = await site.fetch("/api/streams/film/poster")
        missing = await site.fetch("/api/streams/nobody/poster")
        again = await site.fetch("/api/streams/film/poster", if_none_match=film.headers["etag"])
        head = await site.fetch("/api/streams/film/poster", "HEAD")
    assert (live.status, live.headers["content-type"]) == (200, "image/jpeg")
    assert live.body.startswith(b"\xff\xd8\xff")
    assert live.headers["cache-control"] == "public, max-age=30"
    assert film.headers["cache-control"] == "public, max-age=300"
    assert film.headers["x-content-type-options"] == "nosniff"
    assert (again.status, again.body) == (304, b"")
    assert (head.status, head.body) == (200, b"")
    assert (missing.status, missing.headers["content-type"]) == (404, "application/json")


async def test_where_too_many_are_wanted_it_says_when_to_come_again(
    open_site: Open, tmp_path: Path, ts_vod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = Gallery(tmp_path / "gallery")
    site = await open_site(blueprints=(blueprint(gallery.posters),))

    async def busy(name: str) -> None:
        raise BusyError("too many posters are being made")

    monkeypatch.setattr(gallery.posters, "get", busy)
    got = await site.fetch("/api/streams/film/poster")
    assert (got.status, got.headers["retry-after"]) == (503, "5")
