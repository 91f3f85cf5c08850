"""The rooms together: started in the order of the data, watched, stopped in reverse.

    tracker    viewers meet here; libtorrent reaches it on a loopback port of its own
    torrent    libtorrent seeds; may fail, then viewers still have each other and HTTP
    feed       the folder is watched; the library knows what is published
    web        playlists, segments and pages; vital
    ingest     ffmpeg, when this run has an input; vital until it has begun
    publish    encoders elsewhere send their media here; each that is let in gets an ingest of its own

Ctrl-C cancels :func:`run`. What then happens is the reverse: ffmpeg says its last word, viewers'
connections are closed, the folder is left alone, libtorrent lets go of its files.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from seeder import beside, machine, reloading
from seeder.config import Config, Plan
from seeder.facts import snapshot
from seeder.feed.library import Library
from seeder.feed.remote.task import Attach, AttachTask
from seeder.feed.scan import Alone
from seeder.feed.task import FeedConfig, FeedTask
from seeder.ingest.many import Ingests
from seeder.keeping import Keeper
from seeder.onward.channel import Channels
from seeder.onward.push import Push, Pushes
from seeder.onward.server import server
from seeder.progress import Progress
from seeder.publish import Desk
from seeder.publish.door import Door
from seeder.publish.listeners import at_home, opened
from seeder.publish.room import Publishing
from seeder.reload import Part, Reload
from seeder.reloading import made_here
from seeder.stats.counters import HttpCounters
from seeder.stats.snapshot import Health, Snapshot
from seeder.torrent.apart import ApartSession
from seeder.torrent.settings import SeedSettings
from seeder.tracker import Tracker, Turn, read_secret
from seeder.tracker.guests import with_guests
from seeder.web import (
    Bound,
    Certificate,
    Origin,
    Reach,
    Renewable,
    ServerConfig,
    create_app,
    fingerprint,
    self_signed,
    serve,
)
from seeder.web.nginx_rtmp import blueprint as nginx_rtmp_blueprint
from seeder.web.publish import Publish
from seeder.web.whip import blueprint as whip_blueprint

log = logging.getLogger(__name__)

LOOK = 2.0
"""Seconds between two looks at what has changed, for the lines of progress."""
READY = 20.0
"""Seconds to wait for what is in the feed already; a feed of thousands of files goes on behind our back."""
LET_GO = 15.0
"""Seconds that a file's deletion waits for those who may be using it: more than the few segments by which
the library forgets later than the ingest."""


async def run(
    plan: Plan,
    playing: Callable[[str], None],
    stopping: Callable[[], None] = lambda: None,
    up: Callable[[Service], None] = lambda service: None,
) -> None:
    """Everything, until cancelled; ``playing`` gets the address to open as soon as there is something to see,
    ``stopping`` is called when the rooms begin to be stopped, for whatever reason, ``up`` once they all run.

    Raises a :class:`LiveTorrentError` (maybe within groups) when it cannot start, or cannot go on.
    """
    log.debug("file descriptors: %s", machine.raise_descriptor_limit())
    async with running(plan, stopping) as service:
        up(service)
        await service.watch(playing)


@asynccontextmanager
async def running(plan: Plan, stopping: Callable[[], None] = lambda: None) -> AsyncIterator[Service]:
    """All rooms, up and listening. A room that cannot go on cancels the block and raises behind it."""
    log.info("starting; the feed is %s", plan.feed)
    async with asyncio.TaskGroup() as group, AsyncExitStack() as stack:
        service = Service(plan)
        try:
            await service.start(group, stack)
            yield service
        finally:
            stopping()


class Service:
    """The rooms of one run; made by :func:`running`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.library = Library(plan.feed)
        self.tracker: Tracker | None = None
        """``None`` when an external one is used."""
        self.seed: ApartSession | None = None
        """``None`` when libtorrent could not start."""
        self.channels = Channels(self.library, plan.config.ffmpeg)
        self.pushes = Pushes(
            tuple(Push(self.library, name, server(url), plan.config.ffmpeg) for name, url in plan.sent_on)
        )
        self.ingests = Ingests(plan.feed, self._let_go)
        self.attached: AttachTask | None = None
        self.publishing: Publishing | None = None
        """``None`` where the feed folder is not ours to write into: ``attach``."""
        if plan.attached is None and plan.local is None:
            taken = self.ingests.has
            self.publishing = Publishing(plan.config, plan.feed, self._let_go, taken, plan.guest)
        self.app: Origin
        self.bound: Bound
        """Where we listen."""
        self.published: tuple[tuple[str, int], ...] = ()
        """Protocols and ports that publishers may come by."""
        self.reload: Reload
        self._tls: Renewable | None = None
        self._door = Door()
        self._turn: Turn | None = None
        self._feed_task: FeedTask | None = None
        self.counters = HttpCounters()
        self.keeper = Keeper()
        self.beside = beside.Beside(
            beside.Path(
                plan,
                self.library,
                self.ingests,
                self.publishing,
                viewers=self.viewers,
                snapshot=self.snapshot,
                config=lambda: self.reload.config,
                reload=lambda: self.reload.now(),
            )
        )

    @property
    def desk(self) -> Desk | None:
        """Lets publishers in: every listener's."""
        return None if self.publishing is None else self.publishing.desk

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return self.plan.config.public_url or self.bound.url

    # --- start -----------------------------------------------------------------------------------

    async def start(self, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        """Start every room in the order of the data; ``stack`` stops them in reverse."""
        config = self.plan.config
        certificate = await asyncio.to_thread(_certificate, config, stack)
        self._tls = None if certificate is None else Renewable(certificate)
        self.reload = Reload(config, self.plan.again, self._parts())
        if config.tracker is None:
            secret = config.turn_secret_file
            turn = self._turn = None if secret is None else Turn(config.turn, read_secret(secret))
            knows = with_guests(self.library.knows, config.swarm)
            tracker = Tracker(knows, trust_proxy=config.trust_proxy, lend=turn)
            self.tracker = await stack.enter_async_context(tracker)
        # libtorrent's process comes up beside the rest.
        session = self._session()
        stack.push_async_exit(session)
        seeding = group.create_task(self._start_seed(session))
        # Later than the seed, so that it is gone when that ends: its end then waits for nobody.
        announce = await self._announce_url(stack)
        web = self._web()
        self.seed = await seeding
        await self._start_feed(announce, group, stack)
        self.bound = await stack.enter_async_context(web)
        # Before anything is made here, and stopped behind it: they see the first and the last of it.
        await self.beside.start(group, stack)
        where = "" if certificate is None else f" (certificate {fingerprint(certificate.cert)})"
        log.info("listening at %s%s", self.bound.url, where if config.tls_self_signed else "")
        if config.host in ("0.0.0.0", "::") and config.public_url is None:
            for address in machine.addresses():
                if config.host == "::" or ":" not in address:
                    log.info("on your network: %s", replace(self.bound, host=address).url)
        if self.publishing is not None:
            await stack.enter_async_context(self.pushes)
            await stack.enter_async_context(self.ingests)
            self._start_ingests(group, stack)
            self.keeper.begin("publish", self.publishing.run, group, stack)
            # After the rooms that carry on what publishers send. The desk closes before its listeners, which
            # so have the time to tell publishers why.
            tls = None if self._tls is None else self._tls.context
            publishing = self.publishing
            listeners = opened(
                publishing.desk, config, tls, self._door, publishing.passphrase, publishing.senders
            )
            self.published = await stack.enter_async_context(listeners)
            if self.published and (advice := await self.publishing.advice()):
                log.info("%s", advice)
            stack.push_async_callback(self.publishing.desk.close)

    def _start_ingests(self, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        vital = self.plan.name if self.plan.ingests else None
        for name, config in made_here(self.plan, self.plan.config).items():
            self.ingests.start(config, vital=name == vital)
        if vital is not None:
            self.keeper.begin("ingest", self.ingests.watch, group, stack)

    def _parts(self) -> list[Part]:
        """Who takes up what when the configuration is read anew."""
        parts = [reloading.logging_of(), reloading.terms(lambda: self.app.hot.media)]
        parts.append(reloading.webhooks(self.beside.webhooks))
        if self._tls is not None and self.plan.config.tls_cert is not None:
            parts.append(reloading.certificate(self._tls))
        if self.publishing is not None:
            parts += [
                reloading.streams(self.plan, self.ingests, self.publishing),
                reloading.publishers(self.publishing),
                reloading.pushes(self.plan, self.library, self.pushes),
            ]
        if self.beside.recorder is not None:
            parts.append(reloading.recordings(self.beside.recorder))
        return parts

    async def _announce_url(self, stack: AsyncExitStack) -> str:
        """Where libtorrent announces: a plain loopback port of its own, whatever the web server's address and
        certificate are (libtorrent would refuse a self-signed one, and may not reach the public name)."""
        if self.tracker is None:
            assert self.plan.config.tracker is not None
            return self.plan.config.tracker
        private = ServerConfig(host="127.0.0.1", port=0, grace=0.0)
        bound = await stack.enter_async_context(serve(self.tracker.home, private))
        return f"ws://127.0.0.1:{bound.port}/announce"

    def _session(self) -> ApartSession:
        config = self.plan.config
        stun = config.stun[0] if config.stun else ""
        return ApartSession(SeedSettings(port=config.bt_port, stun=stun, at_home=self.tracker is not None))

    async def _start_seed(self, session: ApartSession) -> ApartSession | None:
        config = self.plan.config
        try:
            seed = await session.__aenter__()
        except Exception as error:  # noqa: BLE001 (whatever it is)
            # HTTP and the viewers' mesh need no libtorrent.
            log.warning("libtorrent cannot start, nothing is seeded from here; all else works: %s", error)
            self.keeper.health["torrent"] = Health(True, f"not seeding: {error}")
            return None
        if seed.warning:
            log.warning(seed.warning)
        if seed.webrtc_reason:
            log.warning(seed.webrtc_reason)
        # Where the port is taken, libtorrent takes the next one without a word, on each address by itself.
        ports = {seed.port_on(address) for address in machine.addresses()} - {0, config.bt_port}
        if config.bt_port and ports:
            taken = ", ".join(map(str, sorted(ports)))
            log.warning(
                "--bt-port %d is in use by another program; libtorrent uses %s", config.bt_port, taken
            )
        return seed

    async def _start_feed(self, announce: str, group: asyncio.TaskGroup, stack: AsyncExitStack) -> None:
        """Returns once what is in the folder already is published: who finds us listening finds it."""
        config, local = self.plan.config, self.plan.local
        settings = FeedConfig(
            feed=self.plan.feed, loop=config.loop, trackers=(announce,), memory_bytes=config.max_memory
        )
        if local is not None and self.plan.name is not None:
            settings = replace(settings, alone=Alone(self.plan.name, local.playlist))
        seed = self.seed if local is None or local.seed else None
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            # A new one each time: what the last one knew went with it.
            retire = None if self.tracker is None else self.tracker.retire
            feed: FeedTask | AttachTask
            if (attach := self._attach(announce)) is not None:
                feed = self.attached = AttachTask(attach, self.library, self.seed, retire)
            else:
                feed = self._feed_task = FeedTask(settings, self.library, seed, on_retire=retire)
            async with asyncio.TaskGroup() as both:
                running = both.create_task(feed.run())
                await feed.ready.wait()
                if not ready.done():
                    ready.set_result(None)
                await running

        self.keeper.begin("feed", work, group, stack)
        with suppress(TimeoutError):
            async with asyncio.timeout(READY):
                await ready

    def _attach(self, announce: str) -> Attach | None:
        plan, config = self.plan, self.plan.config
        if plan.attached is None or plan.name is None:
            return None
        return Attach(
            url=plan.attached.url,
            name=plan.name,
            headers=plan.attached.headers,
            allow_private=plan.attached.allow_private,
            verify=plan.attached.verify,
            seed=plan.attached.seed,
            relay=plan.attached.relay,
            trackers=(announce,),
            memory_bytes=config.max_memory,
        )

    def _web(self) -> AbstractAsyncContextManager[Bound]:
        config = self.plan.config
        reach = Reach(
            *(config.public_url, config.tracker, config.stun, config.trust_proxy, config.terms),
            stored=self.beside.stored,
        )
        app = self.app = create_app(
            self.library,
            reach=reach,
            announce=self.tracker,
            viewers=self.viewers,
            snapshot=self.snapshot,
            counters=self.counters,
            desk=self.desk,
            channels=self.channels,
            news=self.beside.news,
            operator=self.beside.operator,
            downloads=self.beside.downloads,
            importing=self.beside.importing,
            blueprints=(
                *self.beside.blueprints(),
                whip_blueprint(self._door, reach, self._turn),
                nginx_rtmp_blueprint(self.desk, lambda: at_home(config.host, self.published, "rtmp")),
            ),
            publish=Publish(self._door, self.library, self.viewers, trust_proxy=config.trust_proxy),
        )
        closing = [self.channels.close, self.beside.news.close]
        if self.tracker is not None:
            closing.append(self.tracker.close)
        settings = ServerConfig(
            config.host, config.port, tls=None if self._tls is None else self._tls.context
        )
        if config.trust_proxy:
            settings = replace(settings, max_per_client=None)  # everybody comes from the proxy's address
        adopt = None if self.tracker is None else self.tracker.adopt
        return serve(app, settings, closing=closing, adopt=adopt)

    async def _let_go(self, path: Path) -> None:
        """The ingest is about to delete ``path``: wait until neither the library nor libtorrent reads it. Its
        torrent may be seeded on: from a copy in memory, or from the recording that it is in, too."""
        stream, _, rest = path.relative_to(self.plan.feed).as_posix().partition("/")
        place = await asyncio.to_thread(path.resolve)
        with suppress(TimeoutError):
            # While no new segments come, the library keeps what it has; the ingest need not wait for that.
            async with asyncio.timeout(LET_GO):
                while (view := self.library.stream(stream)) and rest in view.resources:
                    await self._look()
                while self._feed_task is not None and self._feed_task.reads(place):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # libtorrent tells only who retires it

    # --- watching over it ------------------------------------------------------------------------

    async def watch(self, playing: Callable[[str], None]) -> None:
        """Say what happens, until cancelled."""
        progress = Progress(self.viewers)
        told = self.plan.name is None  # ``serve`` shows its address at once: streams may come at any time
        if told:
            playing(self.address)
            if not self.library.streams():
                log.info("no stream is there yet; waiting for one in %s", self.plan.feed)
        present = True
        while True:
            if present != (present := self.plan.feed.is_dir()):
                log.warning(
                    "the feed folder %s is %s", self.plan.feed, "back" if present else "gone: waiting"
                )
            for line in progress.lines(self.library.streams(), asyncio.get_running_loop().time()):
                log.info(line)
            if not told and self.plan.name is not None and progress.plays(self.plan.name):
                told = True
                playing(self.address)
            await self._look()

    async def _look(self) -> None:
        """Until a stream changes, or :data:`LOOK` has passed (viewers come and go without a word)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK), aclosing(self.library.changes()) as changes:
                await anext(changes)

    # --- facts -----------------------------------------------------------------------------------

    def viewers(self, infohash: bytes) -> int:
        return 0 if self.tracker is None else self.tracker.viewers(infohash)

    def snapshot(self) -> Snapshot:
        """What ``/metrics`` and ``/healthz`` show."""
        return snapshot(self)


def _certificate(config: Config, stack: AsyncExitStack) -> Certificate | None:
    if config.tls_cert is not None and config.tls_key is not None:
        return Certificate(config.tls_cert, config.tls_key)
    if not config.tls_self_signed:
        return None
    host = config.host if config.public_url is None else urlsplit(config.public_url).hostname or config.host
    folder = machine.state_folder()
    if folder is None:
        # Nowhere to keep it (a container without a home): good for one run.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="live-torrent-tls-")))
    return self_signed(folder, host)
