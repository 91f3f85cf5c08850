"""nginx with its RTMP module as a front: what its ``on_publish`` and ``on_update`` ask (docs/publishing.md).

nginx takes the publishers; each is asked about here, with its key, before any of its media counts. Who may
publish is sent on by nginx to our own RTMP port (the answer's Location), and shown by it to who plays RTMP.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import quote

from quart import Blueprint, Response, request

from seeder.publish import Claim, Desk, RefusedError
from seeder.publish.rtmp.wish import wish
from seeder.publish.tickets import at_home
from seeder.web.pages import PLAIN

Reached = Callable[[], str | None]
"""``HOST:PORT`` of our RTMP listener; None while there is none."""


def blueprint(desk: Desk | None, reached: Reached) -> Blueprint:
    """For programs on this machine alone: others, and whoever comes through a proxy, find nothing."""
    front = Blueprint("nginx_rtmp", __name__)

    @front.post("/api/nginx-rtmp")
    async def asked() -> Response:
        target = reached()
        if desk is None or target is None or not _here():
            return Response("not found\n", 404, dict(PLAIN))
        form = await request.form
        call, name = form.get("call", ""), form.get("name", "")
        if call not in ("publish", "update_publish"):
            return Response("", 204)  # who plays may play
        wanted = wish("", f"{name}?key={quote(form['key'])}" if form.get("key") else name)
        try:
            grant = await desk.ask(Claim("rtmp", _address(form.get("addr", "")), wanted.key, wanted.stream))
        except RefusedError as error:
            # nginx knows 2xx, 3xx, and everything else as a refusal.
            return Response(f"{error}\n", error.status, dict(PLAIN))
        if call == "update_publish":
            return Response("", 204)
        # Not the key itself: nginx writes this into its error log.
        where = f"rtmp://{target}/live/{grant.stream}?key={desk.tickets.give(wanted.key)}"
        return Response("", 302, {"Location": where, "Cache-Control": "no-store"})

    return front


def _here() -> bool:
    proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not proxied and at_home(request.remote_addr or "")


def _address(text: str) -> str:
    """``text`` if it is an IP address, else nothing."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
