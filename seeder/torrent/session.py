"""libtorrent, and its only importer: one session that seeds segments over WebRTC, TCP and uTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import libtorrent as lt

from seeder.errors import MetainfoError
from seeder.model import Torrent
from seeder.torrent.farewell import connected_to, immortalise, ports_of
from seeder.torrent.metainfo import torrent_file
from seeder.torrent.seeds import Reachable, SeedCounters, Starts
from seeder.torrent.settings import (
    SeedSettings,
    offers_for,
    pending_for,
    session_settings,
    too_few_descriptors,
)

log = logging.getLogger(__name__)

STATS_SECONDS = 2.0
"""How stale :meth:`SeedSession.counters` may be."""

LISTEN_SECONDS = 5.0
"""To wait for the listening sockets; they come up within milliseconds or fail."""

RETIRE_SECONDS = 20.0
"""To wait for libtorrent to let go of one file before giving up on it: far beyond any disk's worst."""


FAREWELL_SECONDS = 3.0
"""To wait for trackers to answer the closing of their sockets: a round trip or two."""

QUIET_LOOKS = 3
"""How often in a row no tracker socket is seen before all are taken for closed: an announce that was under
way may yet open one, in two turns of libtorrent's loop."""


class SeedSession(Reachable):
    """An async context manager: the session runs inside it, and is gone with all its files after it.

    ``on_broken`` is called with the infohash of a torrent whose file no longer matches; libtorrent has
    stopped seeding it by itself, and it waits to be retired.
    """

    def __init__(self, settings: SeedSettings | None = None) -> None:
        self.settings = settings or SeedSettings()
        self.on_broken: Callable[[bytes], None] | None = None
        self.warning: str | None = None
        """One line when too few file descriptors cost peers."""
        self._holder: list[Any] = []  # the one reference to the session, so that we say when it ends
        self._handles: dict[bytes, Any] = {}  # what is seeded; bounded by the caller's window
        self._adding: dict[bytes, asyncio.Future[Any]] = {}
        self._removing: dict[bytes, asyncio.Future[None]] = {}
        self._broken: set[bytes] = set()
        self.pending = 0
        """Offers that may be under way at once, over all torrents."""
        self._offers = 0  # of each announce
        self._starts = Starts(time.monotonic)
        self._ports: frozenset[int] = frozenset()  # of all trackers ever announced to
        self.listening = set()
        self._listen_event = asyncio.Event()
        self._counters = SeedCounters()
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            lt.listen_succeeded_alert: self._on_listening,
            lt.listen_failed_alert: self._on_listen_failed,
            lt.add_torrent_alert: self._on_added,
            lt.torrent_removed_alert: self._on_removed,
            lt.state_changed_alert: self._on_state,
            lt.torrent_error_alert: self._on_error,
            lt.file_error_alert: self._on_error,
            lt.tracker_error_alert: self._on_tracker_error,
            lt.peer_connect_alert: self._on_peer,
            lt.session_stats_alert: self._on_stats,
            lt.alerts_dropped_alert: self._on_dropped,
        }

    # --- life ------------------------------------------------------------------------------------

    async def __aenter__(self) -> SeedSession:
        descriptors = descriptor_limit()
        self.warning = too_few_descriptors(self.settings, descriptors)
        self.pending = pending_for(self.settings, descriptors)
        params = lt.session_params()
        params.settings = cast(Any, {**session_settings(self.settings, descriptors), "alert_mask": _ALERTS})
        self._holder.append(await asyncio.to_thread(lt.session, params))
        # libtorrent writes a byte to a socket of ours when its alert queue stops being empty: no
        # polling, and no Python code on libtorrent's threads.
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._bell = (ours, theirs)
        asyncio.get_running_loop().add_reader(ours.fileno(), self._ring)
        self._session.set_alert_fd(theirs.fileno())
        self._ticker = asyncio.create_task(self._tick(), name="libtorrent-stats")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_SECONDS):
                while not self._settled():
                    await self._listen_event.wait()
                    self._listen_event.clear()
                    # One alert per interface, all within one turn of libtorrent's loop.
                    await asyncio.sleep(0.05)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        await asyncio.gather(*(self.retire(infohash) for infohash in list(self._handles)))
        if self._bell is not None:
            ours, theirs = self._bell
            asyncio.get_running_loop().remove_reader(ours.fileno())
        self._handles.clear()
        await self._end()
        if self._bell is not None:
            ours.close()
            theirs.close()
            self._bell = None

    async def _end(self) -> None:
        """End libtorrent's threads; see :mod:`seeder.torrent.farewell`."""
        session = self._holder.pop()
        session.pause()  # closes the tracker sockets, and leaves Python's lock alone meanwhile
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                quiet = 0
                while quiet < QUIET_LOOKS:
                    await asyncio.to_thread(session.is_paused)  # answered behind all that it had to do
                    quiet = 0 if connected_to(self._ports) else quiet + 1
                    await asyncio.sleep(0.01)
        except TimeoutError:
            log.warning("a tracker does not close its connection: leaving it to the end of the program")
            immortalise(session)
            return
        holder = [session]
        del session
        await asyncio.to_thread(holder.clear)

    @property
    def _session(self) -> Any:
        return self._holder[0]

    # --- facts -----------------------------------------------------------------------------------

    def counters(self) -> SeedCounters:
        return self._counters

    def seeding(self) -> frozenset[bytes]:
        """The infohashes seeded now."""
        return frozenset(self._handles)

    # --- seeding -----------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """See :class:`~seeder.torrent.seeds.Seeds`."""
        return max(0, self.pending - self._starts.recent)

    async def seed(self, torrent: Torrent, path: Path, trackers: Sequence[str]) -> None:
        """See :class:`~seeder.torrent.seeds.Seeds`."""
        infohash = torrent.infohash
        while (waiting := self._removing.get(infohash)) is not None:
            await asyncio.wait([waiting])
        if infohash in self._handles:
            return
        if (adding := self._adding.get(infohash)) is None:
            self._starts.one()
            self._tune(len(self._handles) + len(self._adding) + 1)
            self._ports |= ports_of(trackers)
            adding = self._adding[infohash] = asyncio.get_running_loop().create_future()
            try:
                self._session.async_add_torrent(_parameters(torrent, path, trackers))
            except RuntimeError as error:
                del self._adding[infohash]
                raise MetainfoError(f"libtorrent refuses {torrent.name}: {error}") from None
        await asyncio.shield(adding)

    async def retire(self, infohash: bytes) -> None:
        """See :class:`~seeder.torrent.seeds.Seeds`."""
        if (adding := self._adding.get(infohash)) is not None:
            await asyncio.wait([adding])
        handle = self._handles.pop(infohash, None)
        self._broken.discard(infohash)
        if handle is None:
            if (waiting := self._removing.get(infohash)) is not None:
                await asyncio.wait([waiting])
            return
        removed = self._removing[infohash] = asyncio.get_running_loop().create_future()
        try:
            self._session.remove_torrent(handle)
            async with asyncio.timeout(RETIRE_SECONDS):
                await asyncio.shield(removed)
                # The alert comes from inside the torrent; its last reference goes right after.
                while handle.is_valid():  # noqa: ASYNC110 - libtorrent tells nobody
                    await asyncio.sleep(0.002)
        except TimeoutError:
            log.warning("libtorrent did not let go of torrent %s within %g s", infohash.hex(), RETIRE_SECONDS)
        finally:
            del self._removing[infohash]
            if not removed.done():
                removed.set_result(None)
            self._tune(len(self._handles))

    def _tune(self, torrents: int) -> None:
        """Share the budget of pending offers among the torrents there are."""
        offers = offers_for(self.settings, self.pending, torrents, self._starts.recent)
        if offers != self._offers:
            self._offers = offers
            self._session.apply_settings({"num_want": offers})

    # --- alerts ------------------------------------------------------------------------------------

    def _ring(self) -> None:
        assert self._bell is not None
        with contextlib.suppress(BlockingIOError):
            while self._bell[0].recv(4096):
                pass
        self._drain()

    def _drain(self) -> None:
        for alert in self._session.pop_alerts():
            handler = self._handlers.get(type(alert))
            if handler is None:
                continue
            try:
                handler(alert)
            except Exception:  # a surprise in one alert must not lose the others
                log.exception("libtorrent: cannot handle %s", type(alert).__name__)

    async def _tick(self) -> None:
        while True:
            self._session.post_session_stats()
            await asyncio.sleep(STATS_SECONDS)
            self._drain()  # should a ring ever be lost, nothing waits longer than this

    def _settled(self) -> bool:
        return bool(self.listening)

    def _count(self, **more: int) -> None:
        now = self._counters
        values = {name: getattr(now, name) + count for name, count in more.items()}
        self._counters = replace(now, **values)

    def _on_listening(self, alert: Any) -> None:
        host = str(alert.address).partition("%")[0]
        self.listening.add((host, int(alert.port)))
        self._listen_event.set()

    def _on_listen_failed(self, alert: Any) -> None:
        log.warning("libtorrent cannot listen: %s", alert.message())
        self._listen_event.set()

    def _on_added(self, alert: Any) -> None:
        infohash = alert.params.info_hashes.v1.to_bytes()
        waiting = self._adding.pop(infohash, None)
        if alert.error.value():
            if waiting is not None and not waiting.done():
                waiting.set_exception(MetainfoError(f"libtorrent refuses a torrent: {alert.error.message()}"))
            return
        self._handles[infohash] = alert.handle
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _on_removed(self, alert: Any) -> None:
        removed = self._removing.get(alert.info_hashes.v1.to_bytes())
        if removed is not None and not removed.done():
            removed.set_result(None)

    def _on_state(self, alert: Any) -> None:
        # A torrent in seed mode leaves it for one reason: a piece did not match its hash.
        if alert.state in _NOT_SEEDING:
            self._break(alert.handle)

    def _on_error(self, alert: Any) -> None:
        log.info("libtorrent: %s", alert.message())
        self._break(alert.handle)

    def _break(self, handle: Any) -> None:
        infohash = _infohash(handle)
        if infohash in self._handles and infohash not in self._broken:
            self._broken.add(infohash)
            handle.pause()
            self._count(errors=1)
            if self.on_broken is not None:
                self.on_broken(infohash)

    def _on_tracker_error(self, alert: Any) -> None:
        if _infohash(alert.handle) not in self._handles:
            return  # "torrent aborted": it is being retired, which is no failure
        log.debug("libtorrent: %s", alert.message())
        self._count(tracker_errors=1)

    def _on_peer(self, alert: Any) -> None:
        # The socket's type is in the alert's text only; the bindings do not have the field.
        rtc = "(RTC" in alert.message()
        self._count(**{"webrtc_connections" if rtc else "other_connections": 1})

    def _on_stats(self, alert: Any) -> None:
        values = alert.values
        self._counters = replace(
            self._counters,
            torrents=len(self._handles),
            peers=int(values["peer.num_peers_connected"]),
            uploaded_bytes=int(values["net.sent_payload_bytes"]),
        )

    def _on_dropped(self, alert: Any) -> None:
        log.warning("libtorrent: %s", alert.message())


_ALERTS = int(lt.alert_category.error | lt.alert_category.status | lt.alert_category.connect)

_NOT_SEEDING = frozenset(
    {
        lt.torrent_status.states.downloading,
        lt.torrent_status.states.checking_files,
    }
)


def _infohash(handle: Any) -> bytes:
    """Of a torrent that libtorrent still has, else empty."""
    try:
        return bytes(handle.info_hashes().v1.to_bytes())
    except RuntimeError:  # invalid torrent handle: removed a moment ago
        return b""


def _parameters(torrent: Torrent, path: Path, trackers: Sequence[str]) -> Any:
    parameters = lt.load_torrent_buffer(torrent_file(torrent, trackers))
    parameters.save_path = str(path.parent)
    # The name inside the torrent is the segment's, with whatever characters; the file is ours to name.
    parameters.renamed_files = {0: str(path)}
    # seed_mode: hashed by us a moment ago, so it is not read again. upload_mode: should the file turn
    # out different, libtorrent must not "repair" it from peers; it may be the user's own.
    parameters.flags = (
        lt.torrent_flags.seed_mode
        | lt.torrent_flags.upload_mode
        | lt.torrent_flags.disable_dht
        | lt.torrent_flags.disable_lsd
        | lt.torrent_flags.disable_pex
    )
    return parameters


def descriptor_limit() -> int | None:
    """The soft limit of open files, None where there is none."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
