"""What the operator's programs do: ``/api/keys…``, ``/api/streams/<name>/publisher``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from quart import Blueprint, Response

from seeder.errors import ConfigError
from seeder.publish import keys as records
from seeder.publish.keyfile import KeyFile, KeyFileError
from seeder.publish.keys import Key, Keys, SeveralKeysError, UnknownKeyError
from seeder.publish.room import Publishing
from seeder.web.described import (
    COUNT,
    FLAG,
    STREAM_NAME,
    TEXT,
    Named,
    array,
    described,
    maybe,
    shape,
)
from seeder.web.operator import ApiError, Operator, reply, tell_errors
from seeder.web.operator import asked as asked_for

T = TypeVar("T")
Made = tuple[Keys, Key, str]

LABEL = {"type": "string", "maxLength": records.MAX_LABEL}
SPAN = {
    "type": "string",
    "pattern": "^([1-9][0-9]{0,7}s|[1-9][0-9]{0,5}m|[1-9][0-9]{0,3}h|[1-9][0-9]{0,2}d|[1-9][0-9]?w)$",
    "description": "how long; ten years at most",
    "example": "30d",
}
_KEPT = {
    "id": {"type": "string", "description": "its public name"},
    "stream": STREAM_NAME,
    "label": TEXT,
    "created": {**COUNT, "description": "Unix seconds, as of all times"},
    "expires": maybe("integer"),
    "lastUsed": maybe("integer"),
    "srt": FLAG,
}
KEY = Named(
    "Key",
    shape(
        {
            **_KEPT,
            "publishing": maybe("object", description="who publishes with it: protocol, address, since"),
        }
    ),
)
NEW_KEY = Named("NewKey", shape({**_KEPT, "key": {"type": "string", "description": "shown this once"}}))
NO_FILE = "The file of keys cannot be used."


def blueprint(
    publishing: Publishing, operator: Operator, clock: Callable[[], float] = time.time
) -> Blueprint:
    """Every route is the admin's. ``clock``: Unix seconds."""
    admin = Blueprint("admin", __name__)
    tell_errors(admin)

    @admin.before_request
    async def guard() -> None:
        operator.check()

    @admin.get("/api/keys")
    @described(
        "All keys",
        tag="keys",
        admin=True,
        answers={200: ("without the keys themselves", shape({"keys": array(KEY)}))},
        errors={503: NO_FILE},
    )
    async def listed() -> Response:
        await publishing.enforce()
        if publishing.keys.trouble:
            raise ApiError(503, publishing.keys.trouble)
        inside = {session.grant.key: session for session in publishing.desk.sessions()}
        rows = []
        for key in publishing.keys.all():
            session = inside.get(key.id)
            now = None if session is None else {
                "protocol": session.claim.protocol, "address": session.claim.address, "since": session.since
            }  # fmt: skip
            rows.append(records.public(key) | {"publishing": now})
        return reply({"keys": rows})

    @admin.post("/api/keys")
    @described(
        "Make a key",
        tag="keys",
        admin=True,
        body=shape({"stream": STREAM_NAME}, {"label": LABEL, "expires": SPAN, "srt": FLAG}, more=False),
        answers={201: ("shown this once", NEW_KEY)},
        errors={400: "It cannot be meant.", 415: "No JSON.", 503: NO_FILE},
    )
    async def create() -> Response:
        asked = await asked_for({"stream": str, "label": str, "expires": str, "srt": bool})
        if "stream" not in asked:
            raise ApiError(400, "stream is needed")

        def how(all_: Keys) -> Made:
            return all_.created(
                asked["stream"],
                clock(),
                label=asked.get("label", ""),
                lifetime=_seconds(asked, "expires"),
                srt=asked.get("srt", False),
            )

        return await _shown(how)

    @admin.post("/api/keys/<ident>/rotate")
    @described(
        "A new key in place of one",
        tag="keys",
        admin=True,
        body=shape({}, {"keep": SPAN, "expires": SPAN}, more=False),
        needed=False,
        answers={201: ("shown this once", NEW_KEY)},
        errors={
            400: "It cannot be meant.",
            404: "No such key.",
            409: "The stream has several keys.",
            415: "No JSON.",
            503: NO_FILE,
        },
        detail="By its id, or by a stream that has one key. The old one is good for `keep` longer.",
    )
    async def rotate(ident: str) -> Response:
        asked = await asked_for({"keep": str, "expires": str})
        keep, lifetime = _seconds(asked, "keep") or 0, _seconds(asked, "expires")
        return await _shown(lambda all_: all_.rotated(ident, clock(), keep=keep, lifetime=lifetime))

    @admin.delete("/api/keys/<ident>")
    @described(
        "Revoke a key; who publishes with it is cut off",
        tag="keys",
        admin=True,
        answers={200: ("it is gone", shape({"revoked": TEXT}))},
        errors={404: "No such key.", 409: "The stream has several keys.", 503: NO_FILE},
    )
    async def revoke(ident: str) -> Response:
        await _change(lambda all_: (all_.revoked(ident), None))
        return reply({"revoked": ident})

    @admin.delete("/api/streams/<name>/publisher")
    @described(
        "Cut off who publishes a stream",
        tag="streams",
        admin=True,
        answers={200: ("it may come back, unless its key is revoked", shape({"ended": TEXT}))},
        errors={404: "Nobody publishes it."},
    )
    async def stop(name: str) -> Response:
        if not publishing.desk.stop(name):
            raise ApiError(404, "nobody publishes this stream")
        return reply({"ended": name})

    async def _shown(how: Callable[[Keys], Made]) -> Response:
        def split(all_: Keys) -> tuple[Keys, tuple[Key, str]]:
            kept, key, shown = how(all_)
            return kept, (key, shown)

        key, shown = await _change(split)
        return reply(records.public(key) | {"key": shown}, 201)

    async def _change(how: Callable[[Keys], tuple[Keys, T]]) -> T:
        file = publishing.keys.file
        if file is None:
            raise ApiError(503, "there is no place for keys: name a file with --keys")
        result = await _changed(file, how)
        await publishing.enforce()
        return result

    return admin


async def _changed(file: KeyFile, how: Callable[[Keys], tuple[Keys, T]]) -> T:
    try:
        return await asyncio.to_thread(file.change, how)
    except UnknownKeyError as error:
        raise ApiError(404, str(error)) from None
    except SeveralKeysError as error:
        raise ApiError(409, str(error)) from None
    except KeyFileError as error:
        raise ApiError(503, str(error)) from None
    except ConfigError as error:
        raise ApiError(400, str(error)) from None


def _seconds(asked: dict[str, Any], name: str) -> int | None:
    try:
        return records.lifetime(asked[name]) if name in asked else None
    except ValueError as error:
        raise ApiError(400, f"{name}: {error}") from None
