"""What others serve, fetched safely: existing feeds over HTTP, or from a local folder.

home        a URL that the operator named; its host may be private, and it alone gets credentials
guard       which addresses a request may go to: asked at each connection, so that neither a redirect
            nor a name that resolves anew gets round it
source      where URLs are fetched from: HTTP, or a folder (``file:`` URLs)
fetched     what came of it; a failure is a :class:`FetchError` of one line

guard       the addresses (pure)
http        the client: redirects, cookies, compression, bounds of time and size
files       ``file:`` URLs beneath one folder
source      the two together
"""

from seeder.fetch.headers import read_headers
from seeder.fetch.source import Fetched, Source, open_source, to_url

__all__ = ["Fetched", "Source", "open_source", "read_headers", "to_url"]
