#!/bin/sh
# See that the tests have a Chromium: an installed one, else Debian's by apt, else Playwright's own.

set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python

if path=$("$python" tests/browser_path.py 2>/dev/null); then
    exit 0
fi

as_root=''
if [ "$(id -u)" != 0 ]; then
    as_root='sudo -n'
fi
if command -v apt-get >/dev/null 2>&1 && $as_root true 2>/dev/null; then
    echo "== getting Chromium by apt-get (once)"
    export DEBIAN_FRONTEND=noninteractive
    if $as_root apt-get update && $as_root apt-get install -y --no-install-recommends chromium; then
        # On Ubuntu this package is a stub for a snap that no container can run: ask, do not trust.
        if path=$("$python" tests/browser_path.py 2>/dev/null); then
            echo "== using $path"
            exit 0
        fi
    fi
    echo "== no usable Chromium by apt-get"
fi

echo "== getting Chromium by Playwright (once)"
# It downloads with Node, which else trusts its own list of certificates, not the system's.
export NODE_USE_SYSTEM_CA="${NODE_USE_SYSTEM_CA:-1}"
fetch="$python -m playwright install"
# The libraries a browser needs come by the system's packages. Playwright knows Debian's and Ubuntu's names only;
# elsewhere a machine with a desktop has them.
if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then
    $fetch --with-deps chromium || $fetch chromium || failed=1
else
    $fetch chromium || failed=1
fi
if [ "${failed:-}" ] || ! "$python" tests/browser_path.py; then
    echo "error: no Chromium could be had (above). Install one (Debian: apt-get install chromium)," >&2
    echo "       or name one: LIVE_TORRENT_CHROMIUM=/path/to/chrome make test" >&2
    exit 1
fi
