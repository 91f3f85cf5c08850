"""Exit 0 when the server in this container answers /healthz: Docker's HEALTHCHECK (the image has no curl)."""

from __future__ import annotations

import os
import ssl
import sys
import urllib.request


def main() -> int:
    secure = bool(os.environ.get("LIVE_TORRENT_TLS_CERT") or os.environ.get("LIVE_TORRENT_TLS_SELF_SIGNED"))
    port = os.environ.get("LIVE_TORRENT_PORT", "8008")
    # Its own certificate, over loopback: whether it is trusted is not the question.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"{'https' if secure else 'http'}://127.0.0.1:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=4, context=context) as answer:  # noqa: S310 (our own URL)
            return 0 if answer.status == 200 else 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
