"""The page that plays one baked stream, made of the player page of our own server. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from html import escape
from urllib.parse import urlsplit

from seeder.errors import ServeError
from seeder.hls.names import quote_path
from seeder.web.security import PAGE_POLICY

FOLDER = "live-torrent"
"""Where the browser's files go, in the baked folder."""


def watch_page(template: str, page: str, playlist: str, title: str, policy: str) -> str:
    """``template``: ``pages/watch.html`` of the bundle; ``page``, ``playlist``: paths in the folder;
    ``policy``: its Content-Security-Policy, which must stand in the page where any server may send it."""
    files = "../" * page.count("/") + FOLDER
    source = quote_path(posixpath.relpath(playlist, posixpath.dirname(page) or "."))
    changes = (
        (
            '<meta charset="utf-8">',
            '<meta charset="utf-8">\n'
            f'  <meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
            '  <meta name="referrer" content="no-referrer">',
        ),
        ("<title>live-torrent</title>", f"<title>{escape(title)}</title>"),
        ("<video ", f'<video data-src="{escape(source)}" data-mode="loader" '),
        ('="/client/', f'="{files}/client/'),
    )
    for old, new in changes:
        if old not in template:
            raise ServeError(
                f"the player page of this installation has no {old}: build it anew (make bundle)"
            )
        template = template.replace(old, new)
    return template


def policy(tracker: str, homes: Iterable[str]) -> str:
    """As of the pages that our server sends, but with nobody to connect to than who is needed.

    ``tracker``: its URL; ``homes``: ``scheme://host`` of segments and playlists that others serve.
    """
    parts = urlsplit(tracker)
    others = " ".join(sorted(set(homes)))
    # A policy cannot name an IPv6 address.
    meeting = f"{parts.scheme}:" if "[" in parts.netloc else f"{parts.scheme}://{parts.netloc}"
    connect = f"'self' {meeting} {others}".strip()
    media = f"'self' blob: {others}".strip()
    directives = PAGE_POLICY | {"connect-src": connect, "media-src": media}
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())
