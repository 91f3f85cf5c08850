"""The origin: everything over HTTP, in one ASGI application and one server.

- **Catalog**: what web reads of the library: streams, resources, torrents. A path that no playlist lists
  does not exist; request text is looked up, never joined to a folder.
- **Answer**: a response decided but not sent (:mod:`~seeder.web.media`, pure); :mod:`~seeder.web.fast`
  sends it, in front of Quart, whose routes (:mod:`~seeder.web.pages`, :mod:`~seeder.web.api`,
  :mod:`~seeder.web.metrics`) see only the rarer requests.
- **Rendered**: a playlist with its magnets, plain and gzipped, made once per change and address.
- **Reach** (what the operator says) and a request together give **Addresses**, which are written into
  manifests; a Host header is a stranger's text until checked.
- **Bundle**: the browser's files, built beforehand and held in memory.
- **Link**: the TCP connection under a request: when it last spoke, and how to drop it.

:func:`create_app` builds the application, :func:`serve` listens. Pure: ``addresses``, ``range``,
``conditional``, ``security``, ``media``.
"""

from seeder.web.addresses import Reach
from seeder.web.app import create_app
from seeder.web.server import Bound, ServerConfig, serve
from seeder.web.tls import Certificate, fingerprint, self_signed

__all__ = [
    "Bound",
    "Certificate",
    "Reach",
    "ServerConfig",
    "create_app",
    "fingerprint",
    "self_signed",
    "serve",
]
