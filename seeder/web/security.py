"""Headers that say what a browser may do with a response, each with its reason; pure."""

from __future__ import annotations

Headers = tuple[tuple[str, str], ...]

PAGE_POLICY = {
    "default-src": "'none'",  # closed by default
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",  # blob: is how MSE attaches to a video
    # ws: wss: any tracker that --tracker names, and ours ('self' means no WebSocket to Safari 15);
    # http: https: a manifest may list segments elsewhere (`attach`, external storage)
    "connect-src": "'self' ws: wss: http: https:",
    "worker-src": "'self' blob:",  # hls.js demuxes in a blob: worker
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
"""Directive of the Content-Security-Policy → what it allows."""

PAGE_CSP = "; ".join(f"{directive} {sources}" for directive, sources in PAGE_POLICY.items())

_COMMON: Headers = (
    ("X-Content-Type-Options", "nosniff"),  # a segment is never a script, whatever is in it
    ("Referrer-Policy", "no-referrer"),  # nobody else is told who watches what
)

OPEN: Headers = (
    ("Access-Control-Allow-Origin", "*"),  # players on any site; nothing here depends on who asks
    ("Access-Control-Expose-Headers", "Content-Length, Content-Range, ETag"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),  # pages under COEP may embed it
    ("Timing-Allow-Origin", "*"),  # players measure their bandwidth with it
)

MEDIA: Headers = (
    *_COMMON,
    *OPEN,
    # A file in the feed that calls itself a page or an SVG must not run as one on our origin.
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
)

PREFLIGHT: Headers = (
    *_COMMON,
    *OPEN,
    ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
    ("Access-Control-Allow-Headers", "Range, If-Range, If-None-Match, Cache-Control, Pragma"),
    ("Access-Control-Max-Age", "86400"),  # else two requests for every ranged one
)

SCRIPT: Headers = (*_COMMON, *OPEN)
"""embed.js and client/…: other sites include them."""

API: Headers = (*_COMMON, *OPEN)

ADMIN: Headers = (
    *_COMMON,
    ("Cross-Origin-Resource-Policy", "same-origin"),  # no other site's page gets hold of an answer
)

PERMISSIONS = ", ".join(f"{name}=()" for name in ("camera", "display-capture", "geolocation", "microphone"))
"""What a player never asks for, whatever a site that frames it would grant; autoplay and fullscreen are the
site's to give (``allow="autoplay; fullscreen"``)."""

STUDIO_POLICY = PAGE_POLICY | {
    "connect-src": "'self'",  # the stream's key, or the admin's token, goes to this server and nowhere else
    "worker-src": "'none'",
    "frame-ancestors": "'none'",
}
"""Studio and admin page play nothing from elsewhere; what they hold is not for others."""


def page(*, framed: bool) -> Headers:
    """``framed``: other sites may show it in a frame.

    The player page may: embedding is what it is for, and all one could trick a viewer into clicking is
    play and the sharing switch. Everything else may not.
    """
    ancestors = "*" if framed else "'none'"
    headers: Headers = (
        ("Content-Security-Policy", f"{PAGE_CSP}; frame-ancestors {ancestors}"),
        ("Permissions-Policy", PERMISSIONS),
        *_COMMON,
    )
    return headers if framed else (*headers, ("X-Frame-Options", "DENY"))


_STUDIO_CSP = "; ".join(f"{directive} {sources}" for directive, sources in STUDIO_POLICY.items())

ADMIN_PAGE: Headers = (
    ("Content-Security-Policy", _STUDIO_CSP),
    ("Permissions-Policy", PERMISSIONS),
    *_COMMON,
    ("X-Frame-Options", "DENY"),
)

STUDIO: Headers = (
    ("Content-Security-Policy", _STUDIO_CSP),
    # The one page that asks for them; no frame in it could.
    ("Permissions-Policy", "camera=(self), display-capture=(self), geolocation=(), microphone=(self)"),
    *_COMMON,
    ("X-Frame-Options", "DENY"),
)

WHIP: Headers = (
    *_COMMON,
    ("Access-Control-Allow-Origin", "*"),  # a page of any site may publish: the token is the secret
    ("Access-Control-Expose-Headers", "ETag, Link, Location"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
)

WHIP_PREFLIGHT: Headers = (
    ("Access-Control-Allow-Methods", "DELETE, OPTIONS, PATCH, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match"),
    ("Access-Control-Max-Age", "86400"),
)
