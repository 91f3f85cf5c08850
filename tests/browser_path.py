"""Which browser the tests drive, asked by the fixtures (conftest.py) and by ``make test``.

python tests/browser_path.py      prints the path; exit code 1 and a remedy when there is none
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

VARIABLE = "LIVE_TORRENT_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

FLAGS = (
    "--no-sandbox",  # containers run the tests as root
    "--disable-gpu",  # there is none, and looking for it takes seconds
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # the browser's own traffic has no place in a test
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


def find() -> str | None:
    """The executable named by ``LIVE_TORRENT_CHROMIUM``, else an installed one, else Playwright's own."""
    named = os.environ.get(VARIABLE)
    if named:
        return named
    for name in NAMES:
        found = shutil.which(name)
        if found and starts(found):
            return found
    return downloaded()


def starts(path: str) -> bool:
    """Whether it is a browser: Ubuntu's chromium-browser is a script that asks for a snap."""
    try:
        version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return version.returncode == 0 and "Chrom" in version.stdout


def downloaded() -> str | None:
    """The Chromium that ``playwright install chromium`` left, if it did."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def main() -> int:
    path = find()
    if path is None:
        print(f"no Chromium: run `make browser`, or set {VARIABLE} to one", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
