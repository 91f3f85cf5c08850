"""The browser's files, as they lie beside baked streams."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.abc import Traversable

from seeder.baking.page import FOLDER
from seeder.errors import ServeError
from seeder.web.bundle_files import MISSING, bundle_bytes

WATCH_PAGE = "pages/watch.html"
OURS = ("client/demo.js", "client/front.js", "client/studio.js")
"""Scripts of pages that need a server of ours."""


def browser_files(root: Traversable | None = None) -> tuple[dict[str, bytes], str]:
    """Path in the baked folder → bytes, and the player page to be filled in; ``root``: of another bundle."""
    bundle = dict(bundle_bytes(root))
    if WATCH_PAGE not in bundle:
        raise ServeError(MISSING)
    return _chosen(bundle), bundle[WATCH_PAGE].decode()


def _chosen(bundle: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without source maps, which are twice as large as all else, and pages that need a server of ours."""
    found = {}
    for name, data in bundle.items():
        if name.endswith(".js") and name not in OURS:
            found[f"{FOLDER}/{name}"] = data
        elif name.startswith("pages/") and not name.endswith(".html"):
            found[f"{FOLDER}/client/{name.removeprefix('pages/')}"] = data
        elif name == "THIRD-PARTY.txt":
            found[f"{FOLDER}/{name}"] = data
    return found
