"""The recorder: a follower for each stream that is to be recorded, and what is kept of their recordings.

It looks at the library as viewers do, so whatever made a stream, it is recorded alike. Followers work in
threads of their own: a slow disk holds up neither the loop nor the feed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from seeder.errors import IngestError, PlaylistError
from seeder.events import Event, Events
from seeder.feed.library import Library
from seeder.hls.playlist import MediaPlaylist, decode, parse
from seeder.ingest.storage import locked, write_atomically
from seeder.recording.about import ABOUT, Recording, State, load, save
from seeder.recording.archive import Archive, clear, clear_exports
from seeder.recording.disk import Disk
from seeder.recording.follower import Follower, Where
from seeder.recording.retention import crowded, outdated
from seeder.recording.switches import Switches
from seeder.recording.take import resume
from seeder.stats.snapshot import RecordingStats

THREADS = 2
"""That files are linked, copied and listed in."""
MOST = 200
"""Streams followed at once: more than one machine serves live."""
LAST_WORDS = 2.0
"""Seconds at the end of the run for streams' last segments to be listed."""
FAREWELL = 5.0
"""… and for recordings to be finished; what takes longer is the next start's."""
PLACE = ".live-torrent/recordings"
"""In the feed: a folder that the one server that records there holds locked."""
AGAIN = 2.0
"""Seconds until a feed in which another server records is tried again."""
TIDY = 30.0
"""Seconds between two looks at what is too old or too much."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class Recorder:
    """One run's. ``age``, ``most``: seconds and bytes, see :func:`outdated`; ``clock``: Unix seconds."""

    def __init__(
        self,
        feed: Path,
        library: Library,
        events: Events,
        switches: Switches,
        *,
        grace: float,
        age: float | None = None,
        most: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.switches = switches
        self.archive = Archive(feed, events)
        self.archive.running = self.running
        self.archive.change_running = self._described
        self._feed = feed
        self._library = library
        self._events = events
        self._age, self._most = age, most
        self._clock = clock
        self._disk = Disk(feed)
        self._where = Where(feed, library.read, clock, grace, self._disk.room)
        self._followers: dict[str, Follower] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.started = False
        """What is listed from now on is new."""
        self._group: asyncio.TaskGroup | None = None
        self._threads: ThreadPoolExecutor
        self._refreshing: set[asyncio.Task[None]] = set()
        self._held_up = ""
        events.watch(self._noted)

    # --- asked by others -----------------------------------------------------------------------------

    def running(self) -> dict[str, Recording]:
        """By name, as they are now."""
        takes = (follower.take for follower in list(self._followers.values()))
        return {take.name: take.about for take in takes if take is not None}

    def of(self, stream: str) -> str | None:
        """The recording of ``stream`` that is under way."""
        follower = self._followers.get(stream)
        return None if follower is None or follower.take is None else follower.take.name

    def is_recording(self, name: str) -> bool:
        """Whether ``name`` is a recording itself: those are not recorded."""
        return self.archive.get(name) is not None or (self._feed / name / ABOUT).exists()

    async def switch(self, stream: str, on: bool) -> None:
        """From now on, and after a restart. OSError, ValueError: see :class:`Switches`."""
        await asyncio.to_thread(self.switches.switch, stream, on)
        self._switched(stream, on)

    def configure(
        self, default: bool, configured: Mapping[str, bool], *, age: float | None, most: int | None
    ) -> None:
        """From now on: see :class:`Switches` and :func:`outdated`. What goes on being recorded goes on in the
        same recording."""
        self._age, self._most = age, most
        self.switches.configure(default, configured)
        if self._group is None:
            return
        for name in {*self._followers, *(view.name for view in self._library.streams())}:
            follower = self._followers.get(name)
            if (on := self.switches.on(name)) != (follower is not None and follower.on):
                self._switched(name, on)

    def _switched(self, stream: str, on: bool) -> None:
        follower = self._followers.get(stream)
        if follower is None:
            self._consider(stream, known=True)
            return
        if on and not follower.on:
            follower.since, follower.known = self._clock(), True
        follower.on = on
        self._wakes[stream].set()

    def has(self, name: str) -> bool:
        """Whether there is a stream of that name."""
        return self._library.stream(name) is not None

    def stats(self) -> RecordingStats:
        everything = self.archive.recordings()
        takes = {name: f.take for name, f in self._followers.items() if f.take is not None}
        return RecordingStats(
            {name: take.name for name, take in takes.items()},
            len(everything),
            sum(each.bytes for each in everything),
            sum(take.about.lost for take in takes.values()),
        )

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        return self._held_up or "; ".join(
            f"{name}: {f.trouble}" for name, f in self._followers.items() if f.trouble
        )

    # --- the room ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then recordings are finished, as far as that is quick."""
        self._followers.clear()
        self._tasks.clear()
        self._threads = ThreadPoolExecutor(THREADS, "recorder")
        try:
            with contextlib.ExitStack() as lock:
                await self._work(self.switches.load)
                await self.archive.refresh(now=True)
                await self._alone(lock)
                await self._record()
        finally:
            self._threads.shutdown(wait=False)  # a disk that hangs must not hold us

    async def _record(self) -> None:
        try:
            await self._work(clear, self._feed)
            await self._take_up()
            async with asyncio.TaskGroup() as group, aclosing(self._library.changes()) as changes:
                self._group = group
                for name in list(self._followers):
                    self._start(name)
                group.create_task(self._tidy(), name="recordings-tidy")
                for view in self._library.streams():
                    self._consider(view.name, known=True)
                self.started = True
                async for name in changes:
                    self._consider(name)
        finally:
            self._group = None
            await self._farewell()

    async def _alone(self, lock: contextlib.ExitStack) -> None:
        """Once no other server records in this feed: two would finish each other's recordings. After a
        restart the last one may be about to stop. Without locks it is the operator's affair."""
        place = self._feed / PLACE
        while True:
            try:
                await self._work(_made, place)
                lock.enter_context(locked(place))
            except IngestError:
                if not self._held_up:
                    self._held_up = "another live-torrent records in this feed"
                    log.warning("%s: this one does not (%s)", self._held_up, self._feed)
                await asyncio.sleep(AGAIN)
                await self.archive.refresh(now=True)
                continue
            except OSError as error:
                log.info("%s cannot be made (%s)", place, error.strerror or error)
            self._held_up = ""
            return

    async def _work(self, function: Callable[..., T], *args: object, **kwargs: object) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    async def _take_up(self) -> None:
        """What a run that was killed was recording."""
        for recording in self.archive.recordings():
            if recording.state not in (State.RECORDING, State.FINISHING) or not recording.of:
                continue  # what was uploaded is its upload's
            folder = self._feed / recording.name
            try:
                take = await self._work(resume, folder, self._feed, self._library.read, self._clock)
                goes_on = recording.state is State.RECORDING and recording.of not in self._followers
                if take is None:
                    await self._work(_end, folder, self._clock())
                elif goes_on and self.switches.on(recording.of):
                    self._followers[recording.of] = Follower(
                        recording.of, self._where, self._clock(), take=take
                    )
                    log.info("%s: going on with the recording %s", recording.of, recording.name)
                else:
                    done = await self._work(take.finish)
                    self._ready(done)
            except OSError as error:
                log.warning("the recording %s cannot be taken up: %s", recording.name, error)
        await self.archive.refresh(now=True)

    def _consider(self, name: str, known: bool = False) -> None:
        """A stream is there, or has changed. ``known``: what it lists now is not new."""
        wake = self._wakes.get(name)
        if name in self._followers and wake is not None:
            wake.set()
            return
        view = self._library.stream(name)
        if self._group is None or view is None or not view.live or not self.switches.on(name):
            return
        if len(self._followers) >= MOST or self.is_recording(name):
            return
        self._followers[name] = Follower(name, self._where, self._clock(), known)
        self._start(name)

    def _start(self, name: str) -> None:
        assert self._group is not None
        self._wakes[name] = asyncio.Event()
        self._tasks[name] = self._group.create_task(self._follow(name), name=f"recorder {name}")

    async def _follow(self, name: str) -> None:
        follower, wake = self._followers[name], self._wakes[name]
        loop = asyncio.get_running_loop()
        while True:
            wake.clear()
            try:
                due = await self._work(follower.step, self._library.stream(name), loop.time())
            except Exception:
                # One stream's surprise must not take the others along.
                log.exception("%s: cannot be recorded just now", name)
                due = loop.time() + TIDY
            self._tell(follower)
            if due is None and follower.take is None and self._library.stream(name) is None:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await wake.wait()
        del self._followers[name], self._wakes[name], self._tasks[name]

    def _tell(self, follower: Follower) -> None:
        news, follower.news = follower.news, []
        for kind, facts in news:
            self._events.emit(kind, **facts)
        if news:
            task = asyncio.get_running_loop().create_task(self.archive.refresh(now=True))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    def _ready(self, done: Recording | None) -> None:
        if done is not None:
            self._events.emit("recording.ready", name=done.name, of=done.of, duration=done.duration)

    def _noted(self, event: Event) -> None:
        if event.kind not in ("publish.start", "publish.stop"):
            return
        if event.data.get("reason") or event.data.get("lost"):
            return  # somebody goes on with it, or the grace decides
        follower = self._followers.get(str(event.data["name"]))
        if follower is None:
            return
        if event.kind == "publish.stop":
            follower.ending = asyncio.get_running_loop().time()
        elif follower.take is None:
            follower.ending = None
        if follower.name in self._wakes:
            self._wakes[follower.name].set()

    def _described(self, name: str, changes: dict[str, object]) -> None:
        for follower in list(self._followers.values()):
            if follower.take is not None and follower.take.name == name:
                follower.describe(changes)

    async def _farewell(self) -> None:
        """The last segments may be listed a moment after what made them has ended."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_WORDS
        going = [follower for follower in self._followers.values() if follower.take is not None]
        try:
            async with asyncio.timeout(FAREWELL):
                while going and loop.time() < until:
                    views = [(each, self._library.stream(each.name)) for each in going]
                    if all([await self._work(each.caught_up, view) for each, view in views]):
                        break
                    await asyncio.sleep(0.05)
                for follower in going:
                    await self._work(
                        follower.step, self._library.stream(follower.name), loop.time(), stopping=True
                    )
                    self._tell(follower)
        except TimeoutError:
            log.warning("some recordings are left to the next start to be finished")
        for follower in going:
            if follower.take is not None:
                follower.take.close()

    async def _tidy(self) -> None:
        while True:
            await self._retain()
            await asyncio.sleep(TIDY)

    async def _retain(self) -> None:
        lacking = await asyncio.to_thread(self._disk.lacking)
        if self._age is None and self._most is None and not lacking:
            return
        everything = await self.archive.sizes()
        gone = outdated(everything, self._clock(), self._age, self._most)
        for name in crowded(everything, gone, self._most, lacking):
            log.info("what was exported of %s is deleted: it takes too much room", name)
            await asyncio.to_thread(clear_exports, self._feed, name)
        for name in gone:
            try:
                await self.archive.delete(name)
            except (OSError, KeyError) as error:
                log.warning("the recording %s cannot be deleted: %s", name, error)


def _made(place: Path) -> None:
    place.parent.mkdir(exist_ok=True)  # in the feed, which is not ours to make
    place.mkdir(exist_ok=True)


def _end(folder: Path, now: float) -> None:
    """A recording that says it goes on, without a journal: its playlists are all there is. Blocking."""
    about = load(folder)
    if about is None:
        return
    longest, most = 0.0, 0
    for path in folder.rglob("*.m3u8"):
        try:
            text = decode(path.read_bytes())
            playlist = parse(text)
        except (OSError, PlaylistError):
            continue
        if isinstance(playlist, MediaPlaylist):
            longest, most = max(longest, playlist.duration), max(most, len(playlist.segments))
            if not playlist.ended:
                text = text.replace("#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-PLAYLIST-TYPE:VOD", 1)
                write_atomically(path, (text + "#EXT-X-ENDLIST\n").encode())
    ended = about.ended if about.ended is not None else min(now, about.started + longest)
    save(folder, replace(about, state=State.READY, ended=ended, duration=longest, segments=most))
