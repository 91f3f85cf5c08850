"""``POST /api/reload``: the configuration is read anew, and nothing of what can stay is dropped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from quart import Blueprint, Response

from seeder.errors import LiveTorrentError
from seeder.reload import Outcome
from seeder.web.described import COUNT, TEXT, Named, array, described, shape
from seeder.web.operator import ApiError, Operator, reply, tell_errors

RELOADED = Named(
    "Reloaded",
    shape(
        {
            "applied": {**array(TEXT), "description": "settings by their keys, and streams.NAME"},
            "unchanged": {**COUNT, "description": "of [[streams]], which go on as they were"},
            "needsRestart": {
                **array(TEXT),
                "description": "settings that have changed, and are not in force",
            },
        }
    ),
)


def blueprint(reload: Callable[[], Awaitable[Outcome]], operator: Operator) -> Blueprint:
    routes = Blueprint("reload", __name__)
    tell_errors(routes)

    @routes.post("/api/reload")
    @described(
        "Read the configuration anew",
        tag="server",
        admin=True,
        answers={200: ("what became of it", RELOADED)},
        errors={400: "Something is wrong with it; nothing has changed."},
        detail="File, certificate and secrets are read; flags and variables still win over the file.",
    )
    async def reloaded() -> Response:
        operator.check()
        try:
            outcome = await reload()
        except LiveTorrentError as error:
            raise ApiError(400, str(error)) from None
        return reply(
            {
                "applied": list(outcome.applied),
                "unchanged": outcome.unchanged,
                "needsRestart": list(outcome.needs_restart),
            }
        )

    return routes
