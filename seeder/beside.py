"""The rooms beside a segment's path, made and started together: each is a line or two here.

They look on (events, recordings, posters), work behind (tasks), or are asked (their routes); whatever becomes
of them, viewers are served. :mod:`seeder.service` makes one :class:`Beside`, lends it the rooms of the path,
and starts and stops it with them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from quart import Blueprint

from seeder.config import Config, Plan
from seeder.events import Events
from seeder.feed.library import Library
from seeder.imports.task import KIND as IMPORT
from seeder.imports.task import Importing
from seeder.imports.uploads import Uploads
from seeder.ingest.binary import find as find_ffmpeg
from seeder.ingest.many import Ingests
from seeder.keeping import Keeper
from seeder.model import StreamView
from seeder.posters.posters import Posters
from seeder.publish.claim import RefusedError
from seeder.publish.desk import Session
from seeder.publish.room import Publishing
from seeder.publish.token import admin_token
from seeder.recording.exports import KIND as EXPORT
from seeder.recording.exports import Exporter
from seeder.recording.recorder import Recorder
from seeder.recording.switches import Switches
from seeder.reload import Outcome
from seeder.stats.snapshot import Health, RecordingStats, Snapshot
from seeder.storage.opening import opened
from seeder.storage.room import Storage
from seeder.tasks import Tasks, Work
from seeder.web.admin import blueprint as admin_blueprint
from seeder.web.admin_streams import add_streams
from seeder.web.downloads import Downloads
from seeder.web.exports import blueprint as exports_blueprint
from seeder.web.news import News
from seeder.web.operator import Operator
from seeder.web.posters import blueprint as posters_blueprint
from seeder.web.recordings import blueprint as recordings_blueprint
from seeder.web.reload import blueprint as reload_blueprint
from seeder.web.site import blueprint as site_blueprint
from seeder.web.tasks import blueprint as tasks_blueprint
from seeder.webhooks.room import Webhooks
from seeder.webhooks.room import settings as webhook_settings

HIDDEN = ".live-torrent"
"""In the feed: what rooms keep from run to run. No stream's name begins with a dot."""

LOOK = 2.0
"""Seconds between two looks at whether streams are still on air; what changes is told at once."""


@dataclass(frozen=True, slots=True)
class Path:
    """The rooms of a segment's path, lent to those beside it."""

    plan: Plan
    library: Library
    ingests: Ingests
    publishing: Publishing | None
    """``None`` where the feed folder is not ours to write into."""
    viewers: Callable[[bytes], int]
    """Of a rendezvous."""
    snapshot: Callable[[], Snapshot]
    config: Callable[[], Config]
    """What is in force now."""
    reload: Callable[[], Awaitable[Outcome]]


class Beside:
    """One run's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events = Events()
        self.posters = Posters(path.library, self.events, path.plan.config.ffmpeg)
        self._keeper = Keeper()
        self.news = News(self.events, self._viewers)
        waiting = path.plan.feed / HIDDEN / "webhooks.json"
        self.webhooks = Webhooks(self.events, webhook_settings(path.plan.config), waiting)
        self.operator: Operator | None = None
        """Knows the admin; ``None``: nothing here can be administered."""
        self.storage: Storage | None = None
        """Copies recordings elsewhere; ``None``: they are here alone."""
        self.recorder: Recorder | None = None
        """``None`` where the feed folder is not ours to write into."""
        self.kinds: dict[str, Work] = {}
        """What does each kind of task."""
        self.tasks = Tasks(path.plan.feed / HIDDEN / "tasks", self.kinds, self.events)
        """They work where the feed is ours to write into."""
        self._public = path.plan.config.downloads == "public"
        self.exporter = Exporter(path.plan.feed, self._ffmpeg, public=self._public)
        self.kinds[EXPORT] = self.exporter.work
        self.downloads: Downloads | None = None
        """Likewise."""
        self.importing: Importing | None = None
        """Makes recordings of what is uploaded; ``None``: nothing can be."""
        if path.publishing is not None:
            config = path.plan.config
            uploads = Uploads(path.plan.feed / HIDDEN / "uploads", config.upload_limit)
            self.importing = Importing(path.plan.feed, path.config, uploads, self.tasks, self.events)
            self.kinds[IMPORT] = self.importing.work
            token = admin_token(config.admin_token_file, os.environ)
            self.operator = Operator(token, trust_proxy=config.trust_proxy)
            path.publishing.desk.told = self._published
            self.downloads = Downloads(path.plan.feed, self.tasks, self.operator, public=self._public)
            said = {each.name: each.record for each in config.streams if each.record is not None}
            switches = Switches(path.plan.feed / HIDDEN / "recording-switches.json", config.record, said)
            self.recorder = Recorder(
                *(path.plan.feed, path.library, self.events, switches),
                grace=config.record_grace,
                age=config.retention_age,
                most=config.retention_bytes,
            )
            if config.storage is not None:
                note = path.plan.feed / HIDDEN / "storage.json"
                self.storage = opened(config, path.plan.feed, path.library, note, os.environ)
                self.storage.listen(self.events)

    def blueprints(self) -> tuple[Blueprint, ...]:
        """The routes of all of them."""
        path, found = self.path, [site_blueprint(self.ways, self.there), posters_blueprint(self.posters)]
        if path.publishing is not None and self.operator is not None:
            admin = admin_blueprint(path.publishing, self.operator)
            add_streams(admin, path.config, path.plan.feed, path.ingests, path.publishing)
            if self.recorder is not None:
                found.append(recordings_blueprint(self.recorder, self.operator, path.viewers, self.stored))
            found += [admin, tasks_blueprint(self.tasks, self.operator)]
            found.append(reload_blueprint(path.reload, self.operator))
            feed, public = path.plan.feed, self._public
            found.append(exports_blueprint(feed, self.tasks, self.operator, public=public))
        return tuple(found)

    def ways(self) -> set[str]:
        """The protocols that publishers may come by."""
        publish = () if self.path.publishing is None else self.path.plan.config.publish
        return {wanted.partition(":")[0] for wanted in publish}

    def there(self) -> dict[str, bool]:
        """What a page may ask for here."""
        there = {"events": True, "posters": True, "recordings": self.recorder is not None}
        return {**there, "downloads": self.downloads is not None and self._public}

    async def start(self, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        """Once the feed is published; ``stack`` stops them, before what they look at."""
        rooms: dict[str, Callable[[], Awaitable[None]]] = {
            "webhooks": self.webhooks.run,
            "streams": self._streams,
            "news": self.news.run,
            "posters": self.posters.run,
        }
        if self.path.publishing is not None:
            rooms["tasks"] = self.tasks.run
            rooms["exports"] = lambda: self.exporter.run(self.events, self.tasks)
        if self.recorder is not None:
            rooms["recordings"] = self.recorder.run
        if self.importing is not None:
            rooms["imports"] = self.importing.run
        if self.storage is not None:
            rooms["storage"] = self.storage.run
        for name, work in rooms.items():
            self._keeper.begin(name, work, group, stack)

    def healths(self) -> dict[str, Health]:
        """What is wrong, by room; never a reason to call the service unhealthy."""
        found = {room: health.detail for room, health in self._keeper.health.items()}
        found["tasks"] = found.get("tasks") or self.tasks.warning
        found["webhooks"] = self.webhooks.trouble() or found.get("webhooks", "")
        if self.recorder is not None:
            found["recordings"] = self.recorder.trouble() or found.get("recordings", "")
        if self.storage is not None:
            found["storage"] = self.storage.trouble or found.get("storage", "")
        return {room: Health(True, detail) for room, detail in found.items() if detail}

    def stored(self, stream: str) -> str:
        """URL of a recording's folder in the operator's storage; empty: it is not there."""
        return "" if self.storage is None else self.storage.stored(stream)

    async def _ffmpeg(self) -> str:
        return (await find_ffmpeg(self.path.plan.config.ffmpeg)).path

    def recordings(self) -> RecordingStats:
        """For the snapshot."""
        return RecordingStats() if self.recorder is None else self.recorder.stats()

    # --- events ------------------------------------------------------------------------------------

    def _published(self, session: Session, error: RefusedError | None, began: bool) -> None:
        facts = {"name": session.stream, "protocol": session.claim.protocol}
        if began:
            self.events.emit("publish.start", **facts)
        else:
            reason = "" if error is None else str(error)
            self.events.emit("publish.stop", **facts, reason=reason, lost=session.lost(error))

    def _viewers(self) -> dict[str, int]:
        path = self.path
        return {view.name: path.viewers(view.rendezvous) for view in path.library.streams()}

    async def _streams(self) -> None:
        """Tells of streams that come, stay away, end and go."""
        library = self.path.library
        known = {view.name: standing(view, time.time()) for view in library.streams()}
        async with aclosing(library.changes()) as changes:
            waiting = asyncio.ensure_future(anext(changes))
            try:
                while True:
                    await asyncio.wait({waiting}, timeout=LOOK)
                    if waiting.done():
                        waiting = asyncio.ensure_future(anext(changes))
                    now = {view.name: standing(view, time.time()) for view in library.streams()}
                    for name in known.keys() | now.keys():
                        if known.get(name) != (kind := now.get(name, "gone")):
                            self.events.emit(f"stream.{kind}", name=name)
                    known = now
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)


def standing(view: StreamView, now: float) -> str:
    """``live``, ``away`` or ``ended``."""
    return "live" if view.on_air(now) else "away" if view.live else "ended"
