"""Arrows between the rooms point one way, along a segment's path (docs/design.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SEEDER = Path(__file__).resolve().parent.parent / "seeder"

LEVELS: dict[str, int] = {
    "model": 0,
    "errors": 0,
    "ladder": 0,  # what settings say of it; the ingest's steps follow
    "stats": 1,  # counters that every room may hold
    "values": 1,
    "settings": 2,
    # 3: every other module beside these, a tool for whoever needs it
    "config": 4,  # of stream_config's tables, too
    "reload": 5,  # what may change while all runs
    "tasks": 4,  # what is done behind; by whom, it is told
    "torrent": 4,
    "fetch": 4,
    "hls": 5,  # a manifest names torrents
    "ingest": 6,
    "feed": 6,
    "checking": 6,
    "tracker": 6,
    "recording": 7,  # what the library shows, kept
    "webhooks": 7,  # events, as they happen; files as the ingest writes them
    "publish": 7,  # an ingest carries what is published
    "posters": 8,  # of recordings, too
    "storage": 8,  # recordings, copied elsewhere
    "imports": 8,  # recordings out of media that was made elsewhere
    "onward": 8,  # what is published, through an ingest's ffmpeg; RTMP is spoken as with publishers
    "web": 9,
    "beside": 10,  # rooms that look on, with their routes
    "reloading": 10,  # what each room does then
    "facts": 11,  # of all of them
    "service": 12,
    "baking": 10,  # the browser's files are web's
    "folders": 10,
    "export_command": 10,
    "key_commands": 9,
    "running": 13,
    "options": 14,  # of those commands that run
    "offline": 15,
    "cli": 16,
    "__main__": 17,
}
"""A module may import from lower levels and from its own room; a new room takes its place here."""

MODULES = sorted(SEEDER.rglob("*.py"))


def room(module: str) -> str:
    """``seeder.feed.watch`` → ``feed``; the package itself is ''."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def level(name: str) -> int:
    return LEVELS[name] if (SEEDER / name).is_dir() else LEVELS.get(name, 3)


def name_of(file: Path) -> str:
    parts = ["seeder", *file.relative_to(SEEDER).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from seeder import model` names the room only in its names
            if node.module == "seeder":
                found += [f"seeder.{alias.name}" for alias in node.names]
            else:
                found.append(node.module)
    return found


@pytest.mark.parametrize("file", MODULES, ids=lambda file: name_of(file))
def test_imports_point_one_way(file: Path) -> None:
    here = room(name_of(file))
    if here == "":
        assert not any(name.startswith("seeder") for name in imports(file)), "seeder/__init__ imports no room"
        return
    for name in imports(file):
        if name != "seeder" and not name.startswith("seeder."):
            continue
        there = room(name)
        if there in ("", here, "__version__"):
            continue
        assert level(there) < level(here), f"{name_of(file)} imports {name}: {here} comes before {there}"


def test_every_room_has_its_level() -> None:
    assert {folder.parent.name for folder in SEEDER.glob("*/__init__.py")} <= set(LEVELS)


def test_only_one_module_imports_libtorrent() -> None:
    assert [name_of(f) for f in MODULES if "libtorrent" in imports(f)] in ([], ["seeder.torrent.session"])
