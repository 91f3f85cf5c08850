"""Who asks over the API, and in what words it is answered: for every route that changes something.

Every such request shows the admin's token (``Authorization: Bearer``, RFC 6750). There is no CORS, and what a
browser sends from another site is refused besides, so that no page can spend a token it got hold of here.
"""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson
from quart import Blueprint, Response, request

from seeder.tracker.gate import client_key
from seeder.web import security
from seeder.web.throttle import Failures

log = logging.getLogger(__name__)


class ApiError(Exception):
    """``status`` and a line for who asked: ``{"error": line}``."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Operator:
    """Knows the admin. One for all blueprints, so that guesses are counted together."""

    def __init__(
        self, token: str | None, *, trust_proxy: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        """``token``: None: nobody is the admin. ``trust_proxy``: the client's address is the last entry of
        X-Forwarded-For. ``clock``: Unix seconds."""
        self._digest = None if token is None else sha256(token.encode()).digest()
        self._trust_proxy = trust_proxy
        self._clock = clock
        self._failures = Failures()

    def check(self) -> None:
        """The request under way is the admin's, or :class:`ApiError`."""
        self.judge({name.lower(): value for name, value in request.headers}, request.remote_addr or "")

    def judge(self, headers: Mapping[str, str], peer: str) -> None:
        """:meth:`check`, of a request that Quart does not know. ``headers``: by lower-case name; ``peer``:
        the address that the connection comes from."""
        if foreign(headers):
            raise ApiError(403, "not from another site")
        client, now = client_key(self.client(headers, peer)), self._clock()
        if wait := self._failures.wait(client, now):
            raise ApiError(429, "too many wrong tokens", Retry_After=str(int(wait) + 1))
        scheme, _, given = headers.get("authorization", "").partition(" ")
        shown = sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
        if self._digest is None or scheme.lower() != "bearer" or not hmac.compare_digest(self._digest, shown):
            self._failures.failed(client, now)
            log.warning("the admin's API: a wrong token, or none, from %s", client)
            raise ApiError(401, "the admin's token is needed", WWW_Authenticate='Bearer realm="live-torrent"')

    def client(self, headers: Mapping[str, str], peer: str) -> str:
        """The address of who sends it; arguments as of :meth:`judge`."""
        if self._trust_proxy and (forwarded := headers.get("x-forwarded-for")):
            return forwarded.rpartition(",")[2].strip()
        return peer


def tell_errors(blueprint: Blueprint) -> None:
    """Answer each :class:`ApiError` of ``blueprint``'s routes in JSON."""

    @blueprint.errorhandler(ApiError)
    async def told(error: ApiError) -> Response:
        return reply({"error": str(error)}, error.status, error.headers)


async def asked(fields: Mapping[str, type]) -> dict[str, Any]:
    """The JSON object of the request, its members looked at; none is an empty one. That it must call itself
    JSON keeps HTML forms out."""
    found = await sent() if await request.get_data() else {}
    for name, value in found.items():
        if name not in fields:
            raise ApiError(400, f"{name[:40]!r} is unknown here; known: {', '.join(fields)}")
        if not _is(value, fields[name]):
            raise ApiError(400, f"{name} must be a {_NAMES[fields[name]]}")
    return found


async def sent() -> dict[str, Any]:
    """The JSON object of the request, whatever is in it."""
    if request.mimetype != "application/json":
        raise ApiError(415, "JSON is needed (Content-Type: application/json)")
    try:
        found = orjson.loads(await request.get_data())
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, "a JSON object is needed")
    return {name: _whole(value) for name, value in found.items()}


def _whole(value: object) -> object:
    """1.0 is as whole a number as 1: JSON has one kind of them (RFC 8259 §6)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_NAMES = {str: "string", bool: "boolean", int: "whole number", float: "number", list: "list", dict: "object"}


def _is(value: object, kind: type) -> bool:
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)


def foreign(headers: Mapping[str, str]) -> bool:
    """A browser says that a page of another site sends this (Fetch Metadata; Origin where there is none)."""
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")


def reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """For the admin's eyes; what everybody may read goes by :func:`seeder.web.api.reply`."""
    kept = dict((*security.ADMIN, ("Cache-Control", "no-store")))
    return Response(orjson.dumps(body), status, kept | dict(headers or {}), content_type="application/json")
