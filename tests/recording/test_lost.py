"""Who is lost goes on in its recording; who says goodbye has it ready. The real service, real publishers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from seeder.events import Event
from seeder.recording.about import Recording, State, load
from tests.publish.browser.made import made
from tests.publish.browser.page import on_air
from tests.publish.studio import Studio, ffmpeg, program, studio, until
from tests.recording.conftest import playlist


def recordings(here: Studio, of: str) -> list[Recording]:
    found = [load(folder) for folder in sorted(here.feed.iterdir()) if folder.is_dir()]
    return [recording for recording in found if recording is not None and recording.of == of]


def whole(here: Studio, of: str) -> Callable[[], bool]:
    return lambda: [each.state for each in recordings(here, of)] == [State.READY]


def check(here: Studio, of: str) -> None:
    """One recording, one discontinuity, all that was live, and none of it twice."""
    (ready,) = recordings(here, of)
    kept = playlist(here.feed / ready.name / "v0" / "index.m3u8")
    live = playlist(here.feed / of / "v0" / "index.m3u8")
    assert kept.ended
    assert sum(segment.discontinuity for segment in kept.segments) == 1
    names = [segment.uri for segment in kept.segments]
    assert names == [segment.uri for segment in live.segments]
    assert len(names) == len(set(names)) == ready.segments


async def test_an_encoder_killed_over_rtmp_and_a_lost_studio_go_on_in_one_recording_until_their_goodbye(
    tmp_path: Path,
) -> None:
    settings = {"record": True, "record_grace": 3600.0, "window": 100}
    async with studio(tmp_path, "rtmp", "browser", **settings) as here:
        left: list[Event] = []
        here.running.beside.events.watch(lambda e: left.append(e) if e.kind == "publish.stop" else None)
        camera = ffmpeg("-f", "flv", f"rtmp://127.0.0.1:{here.port('rtmp')}/live/{here.key('garden')}")
        key, film = here.key("studio"), made("h264", 4.0)
        async with program(*camera) as first:
            await until(lambda: recordings(here, "garden") and recordings(here, "garden")[0].segments >= 1)
            first.kill()
            await first.said()
        await here.idle()
        async with on_air(here, "studio", key=key) as one:
            await one.send(film[: len(film) * 5 // 8])
            await one.hears("live")
            await one.vanish()
        await here.idle()
        await until(lambda: recordings(here, "studio"))
        assert [event.data["lost"] for event in left] == [True, True]
        async with program(*camera) as second:
            await until(lambda: "#EXT-X-DISCONTINUITY\n" in here.playlist("garden"))
            async with on_air(here, "studio", key=key, resume=one.ready["resume"]) as again:  # type: ignore[attr-defined]
                await again.send(film)
                await again.hears("live")
                assert not whole(here, "garden")()
                assert not whole(here, "studio")()
                await again.say("stop")
                assert await again.over() == 1000
            second.send(signal.SIGINT)
            await second.said()
        await until(whole(here, "garden"))
        await until(whole(here, "studio"))
        assert [(event.data["lost"], event.data["reason"]) for event in left[2:]] == [(False, "")] * 2
        check(here, "garden")
        check(here, "studio")
