"""What each room does when the configuration is read anew: the parts of :mod:`seeder.reload`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from seeder import logs
from seeder.config import Config, Plan
from seeder.errors import ConfigError
from seeder.feed.library import Library
from seeder.ingest import many
from seeder.ingest.config import IngestConfig
from seeder.ingest.many import Ingests, ingest_config
from seeder.onward.push import Push, Pushes
from seeder.onward.server import server
from seeder.publish.room import Publishing
from seeder.recording.recorder import Recorder
from seeder.reload import Part, Ready
from seeder.stream_config import StreamConfig
from seeder.web.media import Media
from seeder.web.tls import Certificate, Renewable
from seeder.webhooks.room import Webhooks
from seeder.webhooks.room import settings as webhook_settings

MAKING = frozenset(("segment_seconds", "window", "dvr", "ladder", "encoder"))
"""Of what is encoded here."""
TERMS = frozenset(
    (
        *("sharing", "max_upload", "max_ratio", "min_viewers", "upload_on_cellular", "upload_when_hidden"),
        "ice_transport_policy",
    )
)


def made_here(plan: Plan, config: Config) -> dict[str, IngestConfig]:
    """By stream: what is made of inputs, as file and command line say. Pure. Raises :class:`ConfigError`."""
    found = {each.name: ingest_config(config, each) for each in config.streams if each.input is not None}
    if plan.ingests and plan.name is not None:
        if config.stream(plan.name) is not None:
            raise ConfigError(f"--name: {plan.name} is one of the [[streams]] in the file already")
        # The test picture has no input, and is to have an end all the same.
        own = ingest_config(config, StreamConfig(plan.name, plan.source))
        found[plan.name] = replace(own, end=True)
    return found


def streams(plan: Plan, ingests: Ingests, publishing: Publishing) -> Part:
    """Only what is to be otherwise begins anew."""

    async def prepare(old: Config, new: Config) -> Ready:
        before, after = made_here(plan, old), made_here(plan, new)
        gone = [name for name in before if name not in after]
        other = [name for name in after if name in before and after[name] != before[name]]
        come = [name for name in after if name not in before]
        published = {session.stream for session in publishing.desk.sessions()}
        for name in come:
            if name in published:
                raise ConfigError(
                    f"[[streams]] {name}: has an input now, but is being published: end that first"
                )
            if ingests.has(name):
                raise ConfigError(f"[[streams]] {name}: is made here by the API already: end that first")
        if len(after) + sum(1 for name in ingests.stats() if name not in before) > many.MOST:
            raise ConfigError(f"[[streams]]: with those of the API more than {many.MOST} would be made here")
        brought = _brought(old, new, (*gone, *other, *come))

        async def commit() -> None:
            for name in gone:
                await ingests.stop(name)
            for name in other:
                await ingests.change(after[name])
            for name in come:
                ingests.start(after[name])

        names = tuple(f"streams.{name}" for name in (*come, *other, *gone, *brought))
        return Ready(commit if gone or other or come else None, names)

    return Part(MAKING | {"streams"}, prepare)


def _brought(old: Config, new: Config, known: tuple[str, ...]) -> list[str]:
    """Tables that say something else now, of which nothing has to begin anew: publishers bring the stream, or
    it is sent on elsewhere."""
    before, after = ({each.name: each for each in config.streams} for config in (old, new))
    return [name for name in {**after, **before} if name not in known and before.get(name) != after.get(name)]


def pushes(plan: Plan, library: Library, running: Pushes) -> Part:
    async def prepare(old: Config, new: Config) -> Ready:
        before = set(replace(plan, config=old).sent_on)
        after = replace(plan, config=new).sent_on
        made = [
            Push(library, name, server(url), new.ffmpeg) for name, url in after if (name, url) not in before
        ]
        gone = [(name, server(url)) for name, url in before - set(after)]

        async def commit() -> None:
            await running.change(made, gone)

        return Ready(commit if made or gone else None)

    return Part(frozenset(("streams",)), prepare)


def publishers(publishing: Publishing) -> Part:
    """Who is inside stays, unless its key is gone."""

    async def prepare(old: Config, new: Config) -> Ready:
        # Even if all settings are as before: the issuer's keys may be others.
        return Ready(await asyncio.to_thread(publishing.prepare, new))

    names = (
        "streams",
        "takeover",
        "publish_from",
        "publish_hook",
        "jwt_key",
        "jwt_audience",
        "keys",
        "api_input",
    )
    return Part(MAKING | set(names), prepare)


def recordings(recorder: Recorder) -> Part:
    async def prepare(old: Config, new: Config) -> Ready:
        said = {each.name: each.record for each in new.streams if each.record is not None}

        async def commit() -> None:
            recorder.configure(new.record, said, age=new.retention_age, most=new.retention_bytes)

        return Ready(commit)

    return Part(frozenset(("streams", "record", "retention_age", "retention_bytes")), prepare)


def webhooks(room: Webhooks) -> Part:
    async def prepare(old: Config, new: Config) -> Ready:
        found = await asyncio.to_thread(webhook_settings, new)
        if found == room.settings:
            return Ready()

        async def commit() -> None:
            room.configure(found)

        return Ready(commit, ("webhook_secret_file",) if found.secrets != room.settings.secrets else ())

    return Part(frozenset(("webhook", "webhook_secret_file", "webhook_events")), prepare)


def terms(media: Callable[[], Media]) -> Part:
    """Of sharing: in each manifest from the next one on."""

    async def prepare(old: Config, new: Config) -> Ready:
        async def commit() -> None:
            media().reach = replace(media().reach, terms=new.terms)

        return Ready(commit if old.terms != new.terms else None)

    return Part(TERMS, prepare)


def logging_of() -> Part:
    async def prepare(old: Config, new: Config) -> Ready:
        async def commit() -> None:
            logs.setup(new.log_format, new.log_level)

        same = (old.log_format, old.log_level) == (new.log_format, new.log_level)
        return Ready(None if same else commit)

    return Part(frozenset(("log_format", "log_level")), prepare)


def certificate(tls: Renewable) -> Part:
    """A renewed one is shown from the next handshake on; open connections stay."""

    async def prepare(old: Config, new: Config) -> Ready:
        if new.tls_cert is None or new.tls_key is None:
            raise ConfigError("--tls-cert: HTTPS is turned off by a restart alone")
        wanted = Certificate(new.tls_cert, new.tls_key)
        found = await asyncio.to_thread(tls.read, wanted)
        if found is None:
            return Ready()

        async def commit() -> None:
            tls.renew(found)

        return Ready(commit, ("tls_cert",))

    return Part(frozenset(("tls_cert", "tls_key")), prepare)
