"""What the operator's programs do: ``/api/keys…``, ``/api/streams/<name>/publisher``.

Every request shows the admin's token (``Authorization: Bearer``, RFC 6750). There is no CORS, and what a
browser sends from another site is refused besides, so that no page can spend a token it got hold of here.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson
from quart import Blueprint, Response, request

from seeder.errors import ConfigError
from seeder.publish import keys as records
from seeder.publish.keyfile import KeyFile, KeyFileError
from seeder.publish.keys import Key, Keys, UnknownKeyError
from seeder.publish.room import Publishing
from seeder.tracker.gate import client_key
from seeder.web import security
from seeder.web.throttle import Failures

T = TypeVar("T")
Made = tuple[Keys, Key, str]

log = logging.getLogger(__name__)


class _Error(Exception):
    """``status`` and a line for who asked."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def blueprint(
    publishing: Publishing,
    token: str | None,
    *,
    trust_proxy: bool = False,
    clock: Callable[[], float] = time.time,
) -> Blueprint:
    """``token``: None: nobody is the admin. ``trust_proxy``: the client's address is the last entry of
    X-Forwarded-For. ``clock``: Unix seconds."""
    admin = Blueprint("admin", __name__)
    failures = Failures()
    digest = None if token is None else sha256(token.encode()).digest()

    @admin.before_request
    async def guard() -> None:
        if _foreign():
            raise _Error(403, "not from another site")
        client, now = client_key(_address(trust_proxy)), clock()
        if wait := failures.wait(client, now):
            raise _Error(429, "too many wrong tokens", Retry_After=str(int(wait) + 1))
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        shown = sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        if digest is None or scheme.lower() != "bearer" or not hmac.compare_digest(digest, shown):
            failures.failed(client, now)
            log.warning("the admin's API: a wrong token, or none, from %s", client)
            raise _Error(401, "the admin's token is needed", WWW_Authenticate='Bearer realm="live-torrent"')

    @admin.errorhandler(_Error)
    async def told(error: _Error) -> Response:
        return _reply({"error": str(error)}, error.status, error.headers)

    @admin.get("/api/keys")
    async def listed() -> Response:
        await publishing.enforce()
        if publishing.keys.trouble:
            raise _Error(503, publishing.keys.trouble)
        inside = {session.grant.key: session for session in publishing.desk.sessions()}
        rows = []
        for key in publishing.keys.all():
            session = inside.get(key.id)
            now = None if session is None else {
                "protocol": session.claim.protocol, "address": session.claim.address, "since": session.since
            }  # fmt: skip
            rows.append(records.public(key) | {"publishing": now})
        return _reply({"keys": rows})

    @admin.post("/api/keys")
    async def create() -> Response:
        asked = await _asked({"stream": str, "label": str, "expires": str, "srt": bool})
        if "stream" not in asked:
            raise _Error(400, "stream is needed")

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
    async def rotate(ident: str) -> Response:
        asked = await _asked({"keep": str, "expires": str})
        keep, lifetime = _seconds(asked, "keep") or 0, _seconds(asked, "expires")
        return await _shown(lambda all_: all_.rotated(ident, clock(), keep=keep, lifetime=lifetime))

    @admin.delete("/api/keys/<ident>")
    async def revoke(ident: str) -> Response:
        await _change(lambda all_: (all_.revoked(ident), None))
        return _reply({"revoked": ident})

    @admin.delete("/api/streams/<name>/publisher")
    async def stop(name: str) -> Response:
        if not publishing.desk.stop(name):
            raise _Error(404, "nobody publishes this stream")
        return _reply({"ended": name})

    async def _shown(how: Callable[[Keys], Made]) -> Response:
        def split(all_: Keys) -> tuple[Keys, tuple[Key, str]]:
            kept, key, shown = how(all_)
            return kept, (key, shown)

        key, shown = await _change(split)
        return _reply(records.public(key) | {"key": shown}, 201)

    async def _change(how: Callable[[Keys], tuple[Keys, T]]) -> T:
        file = publishing.keys.file
        if file is None:
            raise _Error(503, "there is no place for keys: name a file with --keys")
        result = await _changed(file, how)
        await publishing.enforce()
        return result

    return admin


async def _changed(file: KeyFile, how: Callable[[Keys], tuple[Keys, T]]) -> T:
    try:
        return await asyncio.to_thread(file.change, how)
    except UnknownKeyError as error:
        raise _Error(404, str(error)) from None
    except KeyFileError as error:
        raise _Error(503, str(error)) from None
    except ConfigError as error:
        raise _Error(400, str(error)) from None


async def _asked(fields: dict[str, type]) -> dict[str, Any]:
    """The JSON object of the request, its members looked at; none is an empty one. That it must call itself
    JSON keeps HTML forms out."""
    data = await request.get_data()
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise _Error(415, "JSON is needed (Content-Type: application/json)")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise _Error(400, "a JSON object is needed")
    for name, value in found.items():
        if name not in fields:
            raise _Error(400, f"{name[:40]!r} is unknown here; known: {', '.join(fields)}")
        if not isinstance(value, fields[name]):
            raise _Error(400, f"{name} must be a {'string' if fields[name] is str else 'boolean'}")
    return found


def _seconds(asked: dict[str, Any], name: str) -> int | None:
    try:
        return records.lifetime(asked[name]) if name in asked else None
    except ValueError as error:
        raise _Error(400, f"{name}: {error}") from None


def _foreign() -> bool:
    """A browser says that a page of another site sends this (Fetch Metadata; Origin where there is none)."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("Host", "")


def _address(trust_proxy: bool) -> str:
    if trust_proxy and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rpartition(",")[2].strip()
    return request.remote_addr or ""


def _reply(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    kept = dict((*security.ADMIN, ("Cache-Control", "no-store")))
    return Response(orjson.dumps(body), status, kept | (headers or {}), content_type="application/json")
