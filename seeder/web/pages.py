"""``/``, ``/watch/<stream>``, ``/studio``, ``/admin``, ``/sw.js``, ``/client/…``: decided, not sent.

A path is looked up among the bundle's names, as a whole; the rest of the site is not for here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from seeder.web import security
from seeder.web.answer import NEVER, REVALIDATE, Answer
from seeder.web.bundle_files import MISSING, Bundle, BundleFile
from seeder.web.catalog import Catalog
from seeder.web.conditional import accepts_gzip, not_modified
from seeder.web.security import Headers

FOREVER = "public, max-age=31536000, immutable"
"""Everything else is revalidated: a new version must reach every page at its next load, for client, page and
worker speak to each other."""

_SINGLE: dict[str, tuple[str, Headers]] = {
    "/": ("pages/index.html", security.page(framed=False)),
    "/studio": ("pages/studio.html", security.STUDIO),
    "/admin": ("pages/admin.html", security.ADMIN_PAGE),
    # From the root the whole site is its scope anyway; the header keeps it so behind a prefix.
    "/sw.js": ("sw.js", (*security.SCRIPT, ("Service-Worker-Allowed", "/"))),
    "/embed.js": ("embed.js", security.SCRIPT),
    "/favicon.ico": ("pages/favicon.svg", security.SCRIPT),
}
"""Name in the bundle and headers, by path."""
_WATCH = re.compile(r"/watch/[^/]+")
_FRAMED = security.page(framed=True)

PLAIN: Headers = (
    *security.page(framed=False),
    ("Cache-Control", NEVER),
    ("Content-Type", "text/plain; charset=utf-8"),
)
"""Of one line for a person."""


class Pages:
    """Answers from a bundle in memory; reads the catalog, changes nothing."""

    def __init__(self, catalog: Catalog, load: Callable[[], Bundle]) -> None:
        """``load``: gives the bundle; called until it gives one, so that it may be built meanwhile."""
        self._catalog = catalog
        self._load = load
        self._bundle = Bundle({})

    def load(self) -> Bundle:
        """The bundle, read and packed if it was not yet (0.12 s of CPU). Any thread, before any answer."""
        if not self._bundle:
            self._bundle = self._load()
        return self._bundle

    def knows(self, path: str) -> bool:
        """Whether ``path``, percent-decoded, is for here."""
        return path in _SINGLE or path.startswith("/client/") or _WATCH.fullmatch(path) is not None

    def answer(self, method: str, path: str, headers: Mapping[str, str]) -> Answer:
        """``path``: a known one; ``headers``: by lower-case name. A HEAD is answered like a GET; who sends it
        leaves the body out."""
        bundle = self.load()
        status = 200
        if single := _SINGLE.get(path):
            name, common = single
            file = bundle.get(name)
        elif path.startswith("/client/"):
            common = security.SCRIPT
            file = bundle.client(path.removeprefix("/client/"))
        else:
            common = _FRAMED
            file = bundle.get("pages/watch.html")
            # A page for a stream that is not there yet: it waits for it. The status tells machines.
            status = 200 if self._catalog.stream(path.removeprefix("/watch/")) is not None else 404
        if method == "OPTIONS":
            return Answer(204, (*common, _ALLOW), "page")
        if method not in ("GET", "HEAD"):
            return _refusal(405, "method not allowed", _ALLOW)
        if file is None:
            return _refusal(404, "no such file") if bundle else _refusal(503, MISSING)
        return file_answer(file, status, common, headers)


def file_answer(file: BundleFile, status: int, common: Headers, headers: Mapping[str, str]) -> Answer:
    """The file, gzipped where it may be, or 304."""
    gzipped = accepts_gzip(headers.get("accept-encoding"))
    body = file.body.gzipped if gzipped else file.body.plain
    common = (
        *common,
        ("ETag", body.etag),
        ("Vary", "Accept-Encoding"),
        ("Cache-Control", FOREVER if file.immutable else REVALIDATE),
    )
    if status == 200 and not_modified(headers.get("if-none-match"), body.etag):
        return Answer(304, common, "page")
    encoding: Headers = (("Content-Encoding", "gzip"),) if gzipped else ()
    return Answer(status, (*common, ("Content-Type", file.content_type), *encoding), "page", body.data)


_ALLOW = ("Allow", "GET, HEAD, OPTIONS")


def _refusal(status: int, text: str, *more: tuple[str, str]) -> Answer:
    return Answer(status, (*PLAIN, *more), "page", f"{text}\n".encode())
