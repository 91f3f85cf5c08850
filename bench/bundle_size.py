"""What a viewer's browser downloads besides hls.js, gzipped; goal: 75 KB (1 KB = 1000 bytes)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.report import Figure, report

SIZES = Path(__file__).resolve().parent.parent / "seeder" / "web" / "bundle" / "sizes.json"


ENTRIES = ("client/demo.js", "client/watch.js", "client/player.js", "client/site.js")


def page_load(sizes: dict[str, dict[str, object]], entry: str) -> set[str]:
    """The files a page with ``entry`` loads, at once or later, with the service worker; without hls.js, the
    question, which only viewers who are asked first load, and the player page's controls."""
    found = {"sw.js"}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in found or any(sizes[name][kind] for kind in ("hls", "seldom", "face")):
            continue
        found.add(name)
        imports = sizes[name]["imports"]
        assert isinstance(imports, list)
        waiting += imports
    return found


def main() -> None:
    try:
        sizes = json.loads(SIZES.read_text())
    except FileNotFoundError:
        sys.exit("there is no bundle yet: run `make bundle` first")
    ours = {name: size["gzip"] / 1000 for name, size in sizes.items() if not size["hls"]}
    theirs = sum(size["gzip"] / 1000 for size in sizes.values() if size["hls"])
    total = max(sum(ours[name] for name in page_load(sizes, entry)) for entry in ENTRIES)
    figures = [Figure("the most a page loads but hls.js", total, "KB", 75)]
    if theirs:
        figures += [Figure("hls.js", theirs, "KB"), Figure("ours / hls.js", total / theirs, "×")]
    figures += [Figure(name, size, "KB") for name, size in sorted(ours.items(), key=lambda item: -item[1])]
    report("bundle_size", figures, "gzip -9")


if __name__ == "__main__":
    main()
