"""The browser's files, read once from the package into memory.

Requests are looked up among these names; none is ever joined to a folder.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.abc import Traversable
from importlib.resources import files

from seeder.web.render import Rendered, representations

TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""Rather than the machine's own table, which on Windows calls JavaScript text/plain."""

_CHUNK = re.compile(r"client/[^/]+-[A-Z0-9]{8}\.js(?:\.map)?")
"""esbuild names a shared chunk by a hash of its content."""

MISSING = "the browser files are not built: run `make bundle`, or install the package"


@dataclass(frozen=True, slots=True)
class BundleFile:
    content_type: str
    body: Rendered
    immutable: bool
    """Its name changes with its content."""


class Bundle:
    """Names are POSIX paths inside the bundle: ``sw.js``, ``client/player.js``, ``pages/index.html``."""

    def __init__(self, found: dict[str, BundleFile]) -> None:
        self._files = found

    def __bool__(self) -> bool:
        return bool(self._files)

    def get(self, name: str) -> BundleFile | None:
        return self._files.get(name)

    def client(self, path: str) -> BundleFile | None:
        """What ``/client/<path>`` means: a script, or what the pages need beside them."""
        if path.endswith(".html"):
            return None  # pages have their own addresses, with their own headers
        return self._files.get(f"client/{path}") or self._files.get(f"pages/{path}")


def load_bundle(root: Traversable | None = None) -> Bundle:
    """Read the package's bundle, or the one under ``root``; empty when it was never built."""
    return Bundle({name: _file(name, data) for name, data in bundle_bytes(root)})


def bundle_bytes(root: Traversable | None = None) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every file in it."""
    return _walk(files("seeder.web").joinpath("bundle") if root is None else root, "")


def _file(name: str, data: bytes) -> BundleFile:
    suffix = name[name.rfind(".") :]
    kind = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return BundleFile(kind, representations(data), _CHUNK.fullmatch(name) is not None)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()
