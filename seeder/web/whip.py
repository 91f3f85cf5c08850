"""WHIP (RFC 9725): ``/whip/NAME`` takes offers, ``/whip/NAME/ID`` is a session.

HTTP alone; what it means is decided behind the :class:`~seeder.publish.door.Door`. Unless ``--publish`` names
it, every answer here is 404.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from quart import Blueprint, Response, request

from seeder.publish.claim import RefusedError
from seeder.publish.door import Door, Whip
from seeder.tracker.wire import IceServer
from seeder.web import security
from seeder.web.addresses import Reach, addresses
from seeder.web.pages import PLAIN

OFFER, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
MOST = 64 * 1024
"""Bytes of an offer: Chromium's has 8 KiB."""
LATER = "5"
"""Seconds: when there are too many."""
Lend = Callable[[bytes], IceServer]
"""Credentials for TURN, for who is known by these bytes."""


def blueprint(door: Door, reach: Reach, lend: Lend | None) -> Blueprint:
    whip = Blueprint("whip", __name__, url_prefix="/whip")

    @whip.after_request
    async def open_to_all_sites(response: Response) -> Response:
        for header, value in (*security.WHIP, ("Cache-Control", "no-store")):
            response.headers[header] = value
        return response

    @whip.errorhandler(RefusedError)
    async def refused(error: RefusedError) -> Response:
        response = Response(f"{error}\n", error.status, dict(PLAIN))
        if error.status == 401:
            # RFC 6750 §3.1: no reason for who brought no token at all.
            why = ', error="invalid_token"' if "authorization" in request.headers else ""
            response.headers["WWW-Authenticate"] = f'Bearer realm="live-torrent"{why}'
        if error.status == 503:
            response.headers["Retry-After"] = LATER
        return response

    @whip.route("/<name>", methods=["OPTIONS"], provide_automatic_options=False)
    @whip.route("/<name>/<id>", methods=["OPTIONS"], provide_automatic_options=False)
    async def options(name: str, id: str | None = None) -> Response:
        _whip(door)
        headers = dict((*security.WHIP_PREFLIGHT, ("Accept-Post", OFFER), ("Accept-Patch", FRAGMENT)))
        return Response("", 200, headers)

    @whip.get("/<name>")
    @whip.get("/<name>/<id>")
    async def nothing_to_see(name: str, id: str | None = None) -> Response:
        """RFC 9725 §4.1."""
        _whip(door)
        return Response("", 204)

    @whip.post("/<name>")
    async def publish(name: str) -> Response:
        endpoint, key = _whip(door), _token()
        text = await _body(OFFER)
        accepted = await endpoint.publish(name, key, _address(reach), text)
        path = f"/whip/{quote(name)}/{accepted.id}"
        headers = {"Location": _base(reach) + path, "ETag": accepted.etag}
        response = Response(accepted.answer, 201, headers, content_type=OFFER)
        for server in _ice(reach, lend, accepted.id):
            response.headers.add("Link", server)
        return response

    @whip.route("/<name>/<id>", methods=["PATCH"])
    async def trickle(name: str, id: str) -> Response:
        endpoint, key = _whip(door), _token()
        restarted = endpoint.patch(id, key, await _body(FRAGMENT), request.headers.get("if-match"))
        if restarted is None:
            return Response("", 204)
        return Response(restarted.answer, 200, {"ETag": restarted.etag}, content_type=FRAGMENT)

    @whip.delete("/<name>/<id>")
    async def end(name: str, id: str) -> Response:
        # Our studio's word for a connection that it has lost: the stream is free for its next one at once.
        _whip(door).end(id, _token(), goodbye="lost" not in request.args)
        return Response("", 200)

    return whip


def _whip(door: Door) -> Whip:
    if door.whip is None:
        raise RefusedError("nothing is published here over WebRTC: --publish whip", 404)
    return door.whip


def _token() -> str:
    """RFC 6750 §2.1."""
    match = re.fullmatch(r"Bearer +([A-Za-z0-9._~+/-]+=*) *", request.headers.get("authorization", ""), re.I)
    if match is None:
        raise RefusedError("the stream key is needed, as a bearer token", 401)
    return match[1]


async def _body(kind: str) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != kind:
        raise RefusedError(f"{kind} is needed", 415)
    data: bytes = await request.get_data(cache=False, as_text=False)  # type: ignore[assignment]
    if len(data) > MOST:
        raise RefusedError("that is too long", 413)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RefusedError("that is no SDP", 400) from None


def _address(reach: Reach) -> str:
    """The publisher's; of what a proxy of ours says, its own word is the last."""
    forwarded = request.headers.get("x-forwarded-for", "") if reach.trust_proxy else ""
    return forwarded.rpartition(",")[2].strip() or request.remote_addr or ""


def _base(reach: Reach) -> str:
    """In front of our paths, where a proxy of the operator's has its say; else nothing: the path will do."""
    if reach.public_url is None and not reach.trust_proxy:
        return ""
    headers = {name.lower(): value for name, value in request.headers.items()}
    found = addresses(reach, request.scheme, headers)
    return "" if found is None else found.base


def _ice(reach: Reach, lend: Lend | None, id: str) -> list[str]:
    """RFC 9725 §4.6, as values of ``Link``."""
    links = [f'<{server}>; rel="ice-server"' for server in reach.ice if server.startswith("stun")]
    if lend is not None:
        lent = lend(id.encode())
        links += [
            f'<{url}>; rel="ice-server"; username="{lent.username}"; credential="{lent.credential}"; '
            'credential-type="password"'
            for url in lent.urls
        ]
    return links
