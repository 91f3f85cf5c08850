"""What a page is told of the server before it offers anything."""

from __future__ import annotations

import json

from seeder.web.site import blueprint
from tests.web.conftest import Open


async def test_a_page_learns_how_one_may_publish_here(open_site: Open) -> None:
    ways = {"whip", "browser"}
    site = await open_site(blueprints=[blueprint(lambda: ways)])
    got = await site.fetch("/api/site")
    assert json.loads(got.body) == {"publish": ["browser", "whip"]}
    ways.clear()
    assert json.loads((await site.fetch("/api/site")).body) == {"publish": []}
