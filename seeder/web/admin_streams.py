"""What the operator's programs do with streams: ``POST /api/streams`` starts one from an input, ``DELETE
/api/streams/NAME`` stops it, ``POST /api/streams/NAME/restart`` begins it anew, ``GET /api/ingests`` tells of
all that are made here.

For the admin's blueprint, whose guard stands before them. What was started here is not kept: after a restart
of the server the config file says what there is.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import orjson
from quart import Blueprint, Response, request

from seeder.config import Config
from seeder.errors import ConfigError, IngestError
from seeder.ingest.allowed import NotAllowedError, allowed
from seeder.ingest.many import Ingests, ingest_config
from seeder.ingest.storage import remove
from seeder.publish.room import Publishing
from seeder.stream_config import one
from seeder.web.operator import ApiError, reply

CONFIG_ONLY = ("push",)
"""Keys of ``[[streams]]`` that are the operator's alone: where media is sent to."""

log = logging.getLogger(__name__)


def add_streams(
    admin: Blueprint, config: Config, feed: Path, ingests: Ingests, publishing: Publishing
) -> None:
    """Put the routes into ``admin``. ``feed``: the folder of all streams."""

    @admin.get("/api/ingests")
    async def all_ingests() -> Response:
        return reply({"ingests": {name: _shown(ingests, name) for name in ingests.stats()}})

    @admin.post("/api/streams")
    async def start_stream() -> Response:
        table = await _table()
        if "input" not in table:
            raise ApiError(400, "input is needed: streams that publishers bring need only a key")
        try:
            asked = one({k: v for k, v in table.items() if k not in CONFIG_ONLY}, "the request")
            if CONFIG_ONLY[0] in table:
                raise ApiError(403, "push is for the config file alone")
            found = [
                await asyncio.to_thread(allowed, each, config.api_input)
                for each in str(asked.input).split("\n")
            ]
            made = ingest_config(config, one({**table, "input": found}, "the request"))
        except NotAllowedError as error:
            raise ApiError(403, str(error)) from None
        except (ConfigError, IngestError) as error:
            raise ApiError(400, str(error)) from None
        if ingests.has(made.stream) or config.stream(made.stream) is not None:
            raise ApiError(409, f"{made.stream} is made here already, or stands in the config file")
        if any(session.stream == made.stream for session in publishing.desk.sessions()):
            raise ApiError(409, f"{made.stream} is being published")
        try:
            ingests.start(made)
        except ConfigError as error:
            raise ApiError(503, str(error)) from None
        log.info("%s: started by the admin's API", made.stream)
        return reply({"name": made.stream, "ingest": _shown(ingests, made.stream)}, 201)

    @admin.delete("/api/streams/<name>")
    async def stop_stream(name: str) -> Response:
        files = request.args.get("files", "keep")
        if files not in ("keep", "delete"):
            raise ApiError(400, "files must be keep or delete")
        if not await ingests.stop(name):
            raise ApiError(404, "no stream of that name is made here")
        if files == "delete":
            # Its name is one component of a path, as whoever started it had to give.
            await asyncio.to_thread(remove, feed / name)
        log.info("%s: stopped by the admin's API (files: %s)", name, files)
        return reply({"stopped": name, "files": files})

    @admin.post("/api/streams/<name>/restart")
    async def restart_stream(name: str) -> Response:
        if not await ingests.restart(name):
            raise ApiError(404, "no stream of that name is made here")
        return reply({"restarted": name})


async def _table() -> dict[str, Any]:
    """The request's JSON object."""
    if request.mimetype != "application/json":
        raise ApiError(415, "JSON is needed (Content-Type: application/json)")
    try:
        found = orjson.loads(await request.get_data())
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, "a JSON object is needed")
    return found


def _shown(ingests: Ingests, name: str) -> dict[str, Any]:
    """With its error, which has no credentials in it but names its input."""
    stats = ingests.stats()[name]
    return {
        "state": stats.state,
        "speed": round(stats.speed, 3),
        "restarts": stats.restarts,
        "segments": stats.segments,
        "dropped": stats.dropped,
        "error": stats.error,
    }
