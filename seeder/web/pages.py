"""Pages and scripts: ``/``, ``/watch/<stream>``, ``/sw.js``, ``/embed.js``, ``/client/…``."""

from __future__ import annotations

from collections.abc import Callable

from quart import Blueprint, Response, request

from seeder.web import security
from seeder.web.bundle_files import MISSING, Bundle, BundleFile
from seeder.web.catalog import Catalog
from seeder.web.conditional import accepts_gzip, not_modified
from seeder.web.security import Headers

REVALIDATE = "no-cache"
"""A new version must reach every page at its next load: client, page and worker speak to each other."""
FOREVER = "public, max-age=31536000, immutable"


def blueprint(catalog: Catalog, load: Callable[[], Bundle]) -> Blueprint:
    """``load``: gives the bundle; called until it gives one, so that it may be built meanwhile."""
    pages = Blueprint("pages", __name__)
    held: list[Bundle] = []

    def bundle() -> Bundle:
        if not held:
            found = load()
            if not found:
                return found
            held.append(found)
        return held[0]

    def send(file: BundleFile | None, headers: Headers, status: int = 200) -> Response:
        if file is None:
            return plain(404, "no such file") if bundle() else plain(503, MISSING)
        return file_response(file, headers, status)

    @pages.get("/")
    async def index() -> Response:
        return send(bundle().get("pages/index.html"), security.page(framed=False))

    @pages.get("/watch/<stream>")
    async def watch(stream: str) -> Response:
        # A page for a stream that is not there yet: it waits for it. The status tells machines.
        status = 200 if catalog.stream(stream) is not None else 404
        return send(bundle().get("pages/watch.html"), security.page(framed=True), status)

    @pages.get("/sw.js")
    async def worker() -> Response:
        # From the root the whole site is its scope anyway; the header keeps it so behind a prefix.
        headers: Headers = (*security.SCRIPT, ("Service-Worker-Allowed", "/"))
        return send(bundle().get("sw.js"), headers)

    @pages.get("/embed.js")
    async def embed() -> Response:
        return send(bundle().get("embed.js"), security.SCRIPT)

    @pages.get("/client/<path:path>")
    async def client(path: str) -> Response:
        return send(bundle().client(path), security.SCRIPT)

    @pages.get("/favicon.ico")
    async def icon() -> Response:
        return send(bundle().client("icon.svg"), security.SCRIPT)

    return pages


def file_response(file: BundleFile, headers: Headers, status: int) -> Response:
    """The file, gzipped where it may be, or 304."""
    gzipped = accepts_gzip(request.headers.get("Accept-Encoding"))
    body = file.body.gzipped if gzipped else file.body.plain
    common: Headers = (
        *headers,
        ("ETag", body.etag),
        ("Vary", "Accept-Encoding"),
        ("Cache-Control", FOREVER if file.immutable else REVALIDATE),
    )
    if status == 200 and not_modified(request.headers.get("If-None-Match"), body.etag):
        return Response(b"", 304, dict(common))
    if gzipped:
        common = (*common, ("Content-Encoding", "gzip"))
    return Response(body.data, status, dict(common), content_type=file.content_type)


def plain(status: int, text: str) -> Response:
    """One line for a person."""
    headers = dict((*security.page(framed=False), ("Cache-Control", "no-store")))
    return Response(f"{text}\n", status, headers, content_type="text/plain; charset=utf-8")
