"""``--publish browser``: a WebSocket at ``/api/publish/NAME`` of the web server, no port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from seeder.publish.browser.talk import Talks
from seeder.publish.desk import Desk
from seeder.publish.place import Place


@asynccontextmanager
async def serve(desk: Desk, place: Place) -> AsyncIterator[int]:
    talks = place.door.browser = Talks(desk, place.segment_seconds)
    try:
        yield 0
    finally:
        place.door.browser = None
        await talks.close()
