"""The room: the desk, who may come to it, and what becomes of the media that is let in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from seeder.config import Config, Guest
from seeder.errors import ConfigError
from seeder.ingest.ingest import Ingest
from seeder.ingest.many import ingest_config, stats_of
from seeder.ingest.retirer import Retire
from seeder.ingest.supply import Supply
from seeder.publish.claim import Access, Claim, Grant, RefusedError
from seeder.publish.desk import Desk, Session, Turn
from seeder.publish.hook import Hook
from seeder.publish.keyfile import KeyFile, place
from seeder.publish.keystore import POLL, KeyGrant, KeyStore
from seeder.publish.once import Once
from seeder.publish.place import senders
from seeder.stats.snapshot import IngestStats, PublisherStats
from seeder.stream_config import StreamConfig

log = logging.getLogger(__name__)


class Publishing:
    """One run's. ``feed``: the folder of all streams; ``retire``: see :class:`Ingest`; ``taken``: whether a
    stream is made here, from an input of ours: nobody publishes that."""

    def __init__(
        self,
        config: Config,
        feed: Path,
        retire: Retire,
        taken: Callable[[str], bool],
        guest: Guest | None = None,
    ) -> None:
        self._config = config
        self._guest = guest
        self._feed = feed
        self._retire = retire
        self._taken = taken
        self.keys = KeyStore(_file(config))
        self.senders = senders(config.publish_from)
        """Streams by the addresses whose MPEG-TS needs no key; the same object for good."""
        self._hook = None if config.publish_hook is None else Hook(config.publish_hook)
        self._ways = self._all_ways(config, self._hook)
        """Asked in turn; the first that says yes decides."""
        self.desk = Desk(self._access, self._make, turn=self._turn)

    async def run(self) -> None:
        """Until cancelled: whose key is revoked, or has expired, ends."""
        try:
            while True:
                await self.enforce()
                await asyncio.sleep(POLL)
        finally:
            await self.keys.close()
            if self._hook is not None:
                await self._hook.close()

    def prepare(self, config: Config) -> Callable[[], Awaitable[None]]:
        """What it gives, once called, has ``config`` count for publishers that come; those inside stay for as
        long as their key is good. Blocking; ConfigError: it cannot be, and all is as before."""
        old = self._config
        hook = self._hook
        if config.publish_hook != old.publish_hook:
            hook = None if config.publish_hook is None else Hook(config.publish_hook)
        file = self.keys.file if config.keys == old.keys else _file(config)
        ways = self._all_ways(config, hook)

        async def commit() -> None:
            self._config, self._ways, (gone, self._hook) = config, ways, (self._hook, hook)
            self.senders.clear()
            self.senders.update(senders(config.publish_from))
            self.keys.use(file)
            if gone is not None and gone is not hook:
                await gone.close()
            await self.enforce()

        return commit

    def _all_ways(self, config: Config, hook: Hook | None) -> tuple[Access, ...]:
        ways: list[Access] = [self.keys]
        if config.publish_from:
            ways.append(self._known_sender)
        if self._guest is not None:
            ways.append(Once(self._guest))
        if config.jwt_key is not None:
            # Late: cryptography takes 50 ms, which most runs need not wait for.
            from seeder.publish.issuer import Issuer, read_keys

            ways.append(Issuer(read_keys(config.jwt_key), config.jwt_audience))
        if hook is not None:
            ways.append(hook)
        return tuple(ways)

    async def enforce(self) -> None:
        """As the file of keys says now."""
        await self.keys.refresh()
        for session in self.desk.sessions():
            if isinstance(session.grant, KeyGrant) and not self.keys.good(session.grant.key):
                self.desk.revoke(session.grant.key, "the key was revoked, or has expired")

    def passphrase(self, stream: str) -> str | None:
        """See :meth:`KeyStore.passphrase`; the SRT listener's."""
        return self.keys.passphrase(stream)

    async def _access(self, claim: Claim) -> Grant:
        grant = await self._decide(claim)
        if self._taken(grant.stream):
            raise RefusedError(f"{grant.stream} is made here, from an input of its own", 409)
        return grant

    async def _known_sender(self, claim: Claim) -> Grant:
        """Whose address is enough, as the operator says; a key is never held against that."""
        stream = self.senders.get(claim.address)
        if claim.protocol != "mpegts" or claim.key or stream is None or claim.stream != stream:
            raise RefusedError("no such key")
        return Grant(stream, "")

    async def _decide(self, claim: Claim) -> Grant:
        refusals: list[RefusedError] = []
        for ask in self._ways:
            try:
                return await ask(claim)
            except RefusedError as error:
                refusals.append(error)
        # Something that could not be asked is no "no", and the first way knows its own keys best.
        raise next((error for error in refusals if error.status >= 500), refusals[0])

    def _make(self, stream: str, supply: Supply) -> Ingest:
        config = self._config
        made = ingest_config(config, config.stream(stream) or StreamConfig(stream))
        return Ingest(made, self._feed, supply=supply, retire=self._retire)

    def _turn(self, stream: str) -> Turn:
        asked, grace = self._config.stream(stream), self._config.takeover
        takes_over = grace is not None and (asked is None or asked.takeover)
        return Turn(takes_over) if grace is None else Turn(takes_over, grace)

    def publishers(self) -> dict[str, PublisherStats]:
        """By stream."""
        return {
            session.stream: PublisherStats(session.claim.protocol, session.since, state_of(session))
            for session in self.desk.sessions()
        }

    def ingests(self) -> dict[str, IngestStats]:
        """By stream."""
        found = ((session.stream, session.status()) for session in self.desk.sessions())
        return {stream: IngestStats() if status is None else stats_of(status) for stream, status in found}

    async def advice(self) -> str:
        """What has to be done before anybody can publish, a line; empty when somebody can."""
        await self.enforce()
        if self.keys.trouble or self.keys.all().all or len(self._ways) > 1:
            return ""
        return "no stream key is there yet, so nobody can publish: live-torrent keys create STREAM"

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        found = ["the keys cannot be read: nobody can publish by one"] if self.keys.trouble else []
        for session in self.desk.sessions():
            status = session.status()
            if status is not None and status.last_error:
                found.append(f"{session.stream}: {status.last_error}")
        return "; ".join(found)


def _file(config: Config) -> KeyFile | None:
    try:
        return KeyFile(place(config.keys))
    except ConfigError as error:
        log.info("%s", error)
        return None


def state_of(session: Session) -> str:
    """Its ingest's."""
    status = session.status()
    return "starting" if status is None else status.state.value
