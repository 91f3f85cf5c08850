"""What is published here is recorded: the real service, real encoders."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import imageio_ffmpeg

from seeder.recording.about import Recording, State, load
from tests.publish.studio import Studio, ffmpeg, program, studio, until
from tests.recording.conftest import playlist


def recordings(here: Studio) -> list[Recording]:
    found = [load(folder) for folder in sorted(here.feed.iterdir()) if folder.is_dir()]
    return [recording for recording in found if recording is not None]


async def test_a_takeover_goes_on_in_the_recording_and_a_farewell_makes_it_ready(tmp_path: Path) -> None:
    async with studio(tmp_path, "flv", record=True, takeover=0.0, record_grace=3600.0, window=100) as here:
        target = ("-f", "flv", f"tcp://127.0.0.1:{here.port('flv')}")
        key = here.key("garden")
        async with program(*ffmpeg("-metadata", f"key={key}", *target)):
            await until(lambda: recordings(here) and recordings(here)[0].segments >= 1)
            (first,) = recordings(here)
            folder = here.feed / first.name
            names = {path.name for path in (folder / "v0").glob("*.m4s")}
            assert all((folder / "v0" / n).samefile(here.feed / "garden" / "v0" / n) for n in names), "linked"
            # Nobody streams into a recording.
            stranger = here.key(first.name)
            async with program(*ffmpeg("-metadata", f"key={stranger}", *target, seconds=5)) as other:
                await other.said()
            async with program(*ffmpeg("-metadata", f"key={key}", *target, seconds=4)):
                await until(lambda: recordings(here)[0].state is State.READY)
        (ready,) = recordings(here)
        whole = playlist(folder / "v0" / "index.m3u8")
        assert whole.ended
        assert sum(segment.discontinuity for segment in whole.segments) == 1
        assert ready.lost == 0.0
        assert ready.segments == len(whole.segments) == len(list((folder / "v0").glob("*.m4s")))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(folder / "master.m3u8")]
        done = await asyncio.to_thread(
            subprocess.run, [*command, "-f", "null", "-"], capture_output=True, text=True, timeout=90
        )
        assert done.returncode == 0, done.stderr
        live = playlist(here.feed / "garden" / "v0" / "index.m3u8")
        assert [s.uri for s in whole.segments] == [s.uri for s in live.segments], "down to the last one"
