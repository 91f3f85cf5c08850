"""The room: the desk, who may come to it, and what becomes of the media that is let in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seeder.config import Config
from seeder.ingest.config import IngestConfig
from seeder.ingest.ingest import Ingest
from seeder.ingest.packager import Retire
from seeder.ingest.supply import Supply
from seeder.publish.claim import Claim, Grant, RefusedError
from seeder.publish.desk import Desk, Session
from seeder.stats.snapshot import PublisherStats


class Publishing:
    """One run's. ``feed``: the folder of all streams; ``retire``: see :class:`Ingest`; ``taken``: whether a
    stream is made here, from an input of ours: nobody publishes that."""

    def __init__(self, config: Config, feed: Path, retire: Retire, taken: Callable[[str], bool]) -> None:
        self._config = config
        self._feed = feed
        self._retire = retire
        self._taken = taken
        self.desk = Desk(self._access, self._make)

    async def _access(self, claim: Claim) -> Grant:
        grant = await self._decide(claim)
        if self._taken(grant.stream):
            raise RefusedError(f"{grant.stream} is made here, from an input of its own", 409)
        return grant

    async def _decide(self, claim: Claim) -> Grant:
        raise RefusedError("no such key")

    def _make(self, stream: str, supply: Supply) -> Ingest:
        config = self._config
        made = IngestConfig(
            stream=stream,
            segment_seconds=config.segment_seconds,
            window=config.window,
            ffmpeg=None if config.ffmpeg is None else str(config.ffmpeg),
        )
        return Ingest(made, self._feed, supply=supply, retire=self._retire)

    def publishers(self) -> dict[str, PublisherStats]:
        """By stream."""
        return {
            session.stream: PublisherStats(session.claim.protocol, session.since, state_of(session))
            for session in self.desk.sessions()
        }

    def states(self) -> dict[str, str]:
        """Of the ingests, by stream."""
        return {stream: publisher.state for stream, publisher in self.publishers().items()}

    def trouble(self) -> str:
        """A line for people; empty when all is well."""
        found = []
        for session in self.desk.sessions():
            status = session.status()
            if status is not None and status.last_error:
                found.append(f"{session.stream}: {status.last_error}")
        return "; ".join(found)


def state_of(session: Session) -> str:
    """Its ingest's."""
    status = session.status()
    return "starting" if status is None else status.state.value
