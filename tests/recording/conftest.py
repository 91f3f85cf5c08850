"""A feed with its recorder, and a writer of live streams."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from seeder.events import Event, Events
from seeder.hls.playlist import MediaPlaylist, parse
from seeder.recording.about import Recording, State, load
from seeder.recording.journal import JOURNAL
from seeder.recording.recorder import Recorder
from seeder.recording.switches import Switches
from tests.feed.conftest import Feed, running

T = TypeVar("T")


async def until(condition: Callable[[], T], seconds: float = 90) -> T:
    """Poll until ``condition`` holds; generous, because the machine may be busy."""
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.01)
        return found


@dataclass
class Writer:
    """Writes the live media playlist ``path`` of a stream, as other programs do: in place, names reused."""

    feed: Path
    stream: str
    path: str = "index.m3u8"
    window: int = 5
    first: int = 0
    """Number in the next segment's name."""
    msn: int = 0
    """Of the first segment listed."""
    prefix: str = "seg"
    head: str = ""
    target: int = 2
    entries: list[tuple[str, str]] = field(default_factory=list)
    """Each segment's file, and its lines but for the URI."""
    at: float = 1_763_700_000.0
    """Unix seconds at which the next one begins."""
    dated: bool = True

    @property
    def folder(self) -> Path:
        return (self.feed / self.stream / self.path).parent

    def add(self, data: bytes | None = None, *, tags: str = "", seconds: float = 2.0) -> str:
        """A segment, listed; its name."""
        name = f"{self.prefix}{self.first}.ts"
        self.first += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(f"{self.stream}/{name} ".encode() * 500 if data is None else data)
        self.list(name, tags=tags, seconds=seconds)
        return name

    def list(self, name: str, *, tags: str = "", seconds: float = 2.0) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.at)) + f".{int(self.at % 1 * 1000):03}Z"
        date = f"#EXT-X-PROGRAM-DATE-TIME:{moment}\n" if self.dated else ""
        self.at += seconds
        self.entries.append((name, f"{tags}{date}#EXTINF:{seconds:.3f},\n"))
        while len(self.entries) > self.window:
            self.entries.pop(0)
            self.msn += 1
        self.write()

    def write(self, *, ended: bool = False) -> None:
        text = f"#EXTM3U\n#EXT-X-TARGETDURATION:{self.target}\n#EXT-X-MEDIA-SEQUENCE:{self.msn}\n{self.head}"
        text += "".join(f"{lines}{name}\n" for name, lines in self.entries)
        place = self.feed / self.stream / self.path
        temporary = place.with_name(place.name + ".tmp")
        temporary.write_text(text + ("#EXT-X-ENDLIST\n" if ended else ""))
        temporary.rename(place)

    def restart(self) -> None:
        """Another run of it, which knows nothing of this one."""
        self.first = self.msn = 0
        self.entries.clear()


@dataclass
class Studio:
    feed: Feed
    recorder: Recorder
    events: Events
    told: list[Event]

    @property
    def folder(self) -> Path:
        return self.feed.folder

    def all(self, of: str) -> list[Recording]:
        """The recordings of a stream as they lie on disk, the oldest first."""
        found = [load(folder) for folder in sorted(self.folder.iterdir()) if folder.is_dir()]
        return sorted((r for r in found if r is not None and r.of == of), key=lambda r: r.name)

    async def recorded(self, of: str, segments: int, number: int = 0) -> Path:
        """The folder of a stream's recording, once its playlist lists so many."""

        def there() -> Path | None:
            found = self.all(of)
            if len(found) <= number:
                return None
            folder = self.folder / found[number].name
            return folder if all(len(uris(p)) >= segments for p in media(folder)) and media(folder) else None

        return await until(there)

    async def ready(self, of: str, number: int = 0) -> Path:
        """… once it is whole."""

        def there() -> Path | None:
            found = self.all(of)
            if len(found) <= number or found[number].state not in (State.READY, State.INCOMPLETE):
                return None
            folder = self.folder / found[number].name
            # It says so a moment before its journal goes.
            return None if (folder / JOURNAL).exists() else folder

        return await until(there)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]


def media(folder: Path) -> list[Path]:
    """The media playlists in a recording."""
    return [path for path in sorted(folder.rglob("*.m3u8")) if "#EXTINF" in path.read_text()]


def playlist(path: Path) -> MediaPlaylist:
    found = parse(path.read_text())
    assert isinstance(found, MediaPlaylist)
    return found


def uris(path: Path) -> list[str]:
    return [segment.uri for segment in playlist(path).segments]


@contextlib.asynccontextmanager
async def studio(
    folder: Path,
    *,
    on: bool = True,
    grace: float = 60.0,
    seed: bool = False,
    memory_bytes: int = 64 << 20,
    **options: object,
) -> AsyncIterator[Studio]:
    events = Events()
    told: list[Event] = []
    events.watch(told.append)
    async with running(folder, seed=seed, memory_bytes=memory_bytes) as feed:
        switches = Switches(folder / ".live-torrent" / "switches.json", on, {})
        recorder = Recorder(feed.library.feed, feed.library, events, switches, grace=grace, **options)  # type: ignore[arg-type]
        job = asyncio.create_task(recorder.run())
        try:
            await until(lambda: recorder.started or job.done())
            yield Studio(feed, recorder, events, told)
            assert not job.done(), job
        finally:
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)


Open = Callable[..., contextlib.AbstractAsyncContextManager[Studio]]


@pytest.fixture
def recording() -> Open:
    """``async with recording(folder) as studio``."""
    return studio
