"""The origin: everything over HTTP, in one ASGI application and one server.

- **Catalog**: what web reads of the library: streams, resources, torrents. A path that no playlist lists
  does not exist; request text is looked up, never joined to a folder.
- **Answer**: a response decided but not sent (:mod:`~seeder.web.answer`).
- **Hot**: what is asked for all the time or before a first picture: media, pages, scripts. Decided in one
  place (:mod:`~seeder.web.hot`) for everyone who sends it.
- **Front**: what stands at the port. It sends hot answers that are in memory itself and hands every other
  request to hypercorn, until that one is answered. There :mod:`~seeder.web.fast` sends the other hot ones;
  Quart's routes (:mod:`~seeder.web.api`, :mod:`~seeder.web.metrics`) see only the rarer requests.
- **Lobby**: who is connected, whoever serves them.
- **Rendered**: a playlist with its magnets, plain and gzipped, made once per change and address.
- **Waiting**: requests for a playlist that is to go on first (blocking reloads); who waits for the same is
  woken and rendered for together.
- **Far**: a resource that has its home elsewhere and is not in memory.
- **Reach** (what the operator says) and a request together give **Addresses**, which are written into
  manifests; a Host header is a stranger's text until checked.
- **Bundle**: the browser's files, built beforehand and held in memory.
- **Link**: the TCP connection under a request: when it last spoke, and how to drop it.

:func:`create_app` builds the application, :func:`serve` listens. Pure: ``addresses``, ``range``,
``conditional``, ``security``, ``answer``, ``media``, ``pages``, ``head``, ``reply``.
"""

from seeder.web.addresses import Reach
from seeder.web.app import Origin, create_app
from seeder.web.server import Bound, ServerConfig, serve
from seeder.web.tls import Certificate, Renewable, fingerprint, self_signed, tls_context

__all__ = [
    "Bound",
    "Certificate",
    "Origin",
    "Reach",
    "Renewable",
    "ServerConfig",
    "create_app",
    "fingerprint",
    "self_signed",
    "serve",
    "tls_context",
]
