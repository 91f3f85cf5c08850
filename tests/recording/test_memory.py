"""What a recording costs the feed while others watch."""

from __future__ import annotations

from pathlib import Path

from seeder.feed.window import HOT_OF_EVENT
from tests.recording.conftest import Open, Writer, until


async def test_of_a_recording_under_way_only_the_end_is_in_memory(recording: Open, feed_dir: Path) -> None:
    async with recording(feed_dir) as studio:
        garden = Writer(feed_dir, "garden", window=40)
        for _ in range(HOT_OF_EVENT + 8):
            garden.add()
        folder = await studio.recorded("garden", HOT_OF_EVENT + 8)
        await until(lambda: studio.feed.tagged(folder.name), 90)

        def held() -> set[str]:
            resources = studio.feed.view(folder.name).resources
            return {path for path, resource in resources.items() if resource.data is not None}

        garden.add()
        newest = {f"seg{number}.ts" for number in range(9, HOT_OF_EVENT + 9)}
        await until(lambda: held() == newest)
        assert studio.feed.bytes_of(folder.name, "seg0.ts") == b"garden/seg0.ts " * 500, "from disk"
