"""Puts the routes together: :func:`create_app`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from quart import Blueprint, Quart, Response, has_request_context, request
from werkzeug.exceptions import HTTPException

from seeder.imports.task import Importing
from seeder.onward.channel import Channels
from seeder.publish import Desk
from seeder.stats.counters import HttpCounters
from seeder.stats.snapshot import Snapshot
from seeder.web import api, metrics, openapi
from seeder.web.addresses import Reach
from seeder.web.bundle_files import Bundle, load_bundle
from seeder.web.catalog import ASGI, Catalog
from seeder.web.downloads import TEMPLATE, Downloads
from seeder.web.endless import Endless
from seeder.web.events import PATH as EVENTS
from seeder.web.events import Telling
from seeder.web.fast import Fast
from seeder.web.hot import Hot
from seeder.web.media import Media
from seeder.web.news import News
from seeder.web.operator import Operator
from seeder.web.pages import PLAIN, Pages
from seeder.web.render import Renderer
from seeder.web.uploads import DESCRIBED as UPLOADS
from seeder.web.uploads import Uploading
from seeder.web.viewers import blueprint as viewers_blueprint

MAX_REQUEST = 64 * 1024
"""Bytes of a request's body: no route takes one yet."""


class Origin(Quart):
    """Our application; :func:`~seeder.web.serve` answers what is hot by itself."""

    hot: Hot


def create_app(
    catalog: Catalog,
    *,
    reach: Reach | None = None,
    announce: ASGI | None = None,
    viewers: Callable[[bytes], int] = lambda infohash: 0,
    snapshot: Callable[[], Snapshot] = Snapshot,
    counters: HttpCounters | None = None,
    bundle: Callable[[], Bundle] = load_bundle,
    desk: Desk | None = None,
    channels: Channels | None = None,
    news: News | None = None,
    operator: Operator | None = None,
    importing: Importing | None = None,
    blueprints: Sequence[Blueprint] = (),
    publish: ASGI | None = None,
    downloads: Downloads | None = None,
) -> Origin:
    """The whole HTTP side as one ASGI application; media, pages and ``/announce`` bypass Quart.

    ``reach``: what the operator says of our addresses; ``announce``: the tracker, ``None`` when it is
    elsewhere; ``viewers``: peers of a rendezvous swarm; ``snapshot``: what ``/metrics`` and ``/healthz``
    show; ``counters``: where sent bytes are counted; ``bundle``: gives the browser's files; ``desk``: lets
    publishers in, ``None``: nobody may publish here; ``channels``: what ``/live/NAME.ts`` is, ``None``:
    nothing; ``news``: what ``/api/events`` tells, likewise; ``operator``: knows the admin, ``None``: there is
    none; ``importing``: what becomes of ``/api/uploads``, likewise; ``blueprints``: further routes;
    ``publish``: see :mod:`seeder.web.publish`; ``downloads``: what was made of recordings, ``None``: nothing
    is.
    """
    counters = counters or HttpCounters()
    app = Origin(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST
    app.url_map.merge_slashes = False  # else // is answered by a redirect that repeats the Host header
    app.register_blueprint(api.blueprint(catalog, viewers, snapshot))
    app.register_blueprint(metrics.blueprint(snapshot))
    app.register_blueprint(viewers_blueprint(snapshot))
    app.register_blueprint(openapi.blueprint(_beside(news, downloads, importing and operator)))
    for more in blueprints:
        app.register_blueprint(more)

    @app.errorhandler(HTTPException)
    async def one_line(error: HTTPException) -> Response:
        name, status = (error.name or "error").lower(), error.code or 500
        # Not in a WebSocket's handshake, which is no request to Quart.
        if has_request_context() and request.path.startswith("/api/"):
            response = api.reply({"error": name}, status)
        else:
            response = Response(f"{name}\n", status, dict(PLAIN))
        # Allow and the like; an error's own Content-Type is HTML's
        response.headers.extend(
            {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
        )
        return response

    @app.after_request
    async def count(response: Response) -> Response:
        kind = "api" if request.path.startswith(("/api/", "/healthz", "/metrics")) else "page"
        sent = 0 if request.method == "HEAD" else response.content_length or 0
        counters.responded(kind, response.status_code, sent)
        return response

    media = Media(catalog, Renderer(), reach or Reach())
    app.hot = Hot(media, Pages(catalog, bundle), counters, channels is not None)

    @app.before_serving
    async def warm() -> None:
        # Else the first visitor waits for it, and everybody with them.
        await asyncio.to_thread(app.hot.pages.load)

    rest = cast(ASGI, app.asgi_app)
    onward = None if channels is None else Endless(channels, counters)
    nobody = Operator(None, trust_proxy=reach is not None and reach.trust_proxy)
    telling = None if news is None else Telling(news, operator or nobody, counters)
    uploading = None
    if importing is not None and operator is not None:
        uploading = Uploading(importing, operator, counters)
    app.asgi_app = Fast(  # type: ignore[method-assign, assignment]
        rest, catalog, app.hot, announce, onward, telling, publish, downloads, uploading
    )
    return app


def _beside(news: object, downloads: object, uploading: object) -> dict[str, object]:
    """What of the API is not Quart's to route, as it describes itself; each only where it is there."""
    found: dict[str, object] = {} if uploading is None else dict(UPLOADS)
    if news is not None:
        found[EVENTS] = Telling
    if downloads is not None:
        found[TEMPLATE] = Downloads
    return found
