"""What the operator's programs do with streams: ``POST /api/streams`` starts one from an input, ``DELETE
/api/streams/NAME`` stops it, ``POST /api/streams/NAME/restart`` begins it anew, ``GET /api/ingests`` tells of
all that are made here.

For the admin's blueprint, whose guard stands before them. What was started here is not kept: after a restart
of the server the config file says what there is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from quart import Blueprint, Response, request

from seeder.config import Config
from seeder.errors import ConfigError, IngestError
from seeder.ingest.allowed import NotAllowedError, allowed
from seeder.ingest.many import Ingests, ingest_config
from seeder.ingest.storage import remove
from seeder.publish.room import Publishing
from seeder.stream_config import MOST_INPUTS, one
from seeder.web.described import (
    COUNT,
    FLAG,
    NUMBER,
    STREAM_NAME,
    TEXT,
    Named,
    array,
    described,
    shape,
)
from seeder.web.operator import ApiError, reply, sent

CONFIG_ONLY = ("push",)
"""Keys of ``[[streams]]`` that are the operator's alone: where media is sent to."""

MADE = Named(
    "Made",
    shape(
        {
            "state": TEXT,
            "speed": NUMBER,
            "restarts": COUNT,
            "segments": COUNT,
            "dropped": COUNT,
            "error": {"type": "string", "description": "why it does not go on; without credentials"},
        }
    ),
)
INPUT = {
    "type": "string",
    "pattern": r"^[^\s\x00-\x1f\x7f-][^\x00-\x1f\x7f]*$",
    "description": "a file or URL, of those that --api-input allows",
}
NEW_STREAM = Named(
    "NewStream",
    shape(
        {
            "name": STREAM_NAME,
            "input": {"anyOf": [INPUT, {**array(INPUT), "minItems": 1, "maxItems": MOST_INPUTS}]},
        },
        {
            "segment_seconds": {"type": "number", "minimum": 0.5, "maximum": 60},
            "window": {"type": "integer", "minimum": 3, "maximum": 100},
            "loop": FLAG,
            "ladder": {
                "type": "string",
                "pattern": "^(off|auto|(copy,)?(1080|720|480|360|240)p(@[1-9][0-9]{3}k)?)$",
                "description": "and all that --ladder takes",
            },
            "copy": FLAG,
            "max_height": {"type": "integer", "minimum": 64, "maximum": 4320},
            "video_bitrate": {"type": "integer", "minimum": 50_000, "maximum": 100_000_000},
            "stall_seconds": {"type": "number", "minimum": 1, "maximum": 3600},
        },
        more=False,
    ),
)
UNKNOWN = {404: "No stream of that name is made here."}

log = logging.getLogger(__name__)


def add_streams(
    admin: Blueprint, current: Callable[[], Config], feed: Path, ingests: Ingests, publishing: Publishing
) -> None:
    """Put the routes into ``admin``. ``current``: the configuration that is in force; ``feed``: the folder of
    all streams."""

    @admin.get("/api/ingests")
    @described(
        "All streams that are made here",
        tag="streams",
        admin=True,
        answers={200: ("by name", shape({"ingests": {"type": "object", "additionalProperties": MADE}}))},
    )
    async def all_ingests() -> Response:
        return reply({"ingests": {name: _shown(ingests, name) for name in ingests.stats()}})

    @admin.post("/api/streams")
    @described(
        "Make a stream of an input",
        tag="streams",
        admin=True,
        body=NEW_STREAM,
        answers={201: ("it has begun", shape({"name": STREAM_NAME, "ingest": MADE}))},
        errors={
            400: "It cannot be meant.",
            409: "There is one of that name.",
            415: "No JSON.",
            503: "No more fit.",
        },
    )
    async def start_stream() -> Response:
        table, config = await sent(), current()
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
    @described(
        "Stop making a stream",
        tag="streams",
        admin=True,
        query={"files": ("what becomes of what was published", {"enum": ["keep", "delete"]})},
        answers={200: ("it has ended", shape({"stopped": TEXT, "files": TEXT}))},
        errors={400: "It cannot be meant.", **UNKNOWN},
    )
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
    @described(
        "Begin a stream anew",
        tag="streams",
        admin=True,
        answers={200: ("it has begun", shape({"restarted": TEXT}))},
        errors=UNKNOWN,
    )
    async def restart_stream(name: str) -> Response:
        if not await ingests.restart(name):
            raise ApiError(404, "no stream of that name is made here")
        return reply({"restarted": name})


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
