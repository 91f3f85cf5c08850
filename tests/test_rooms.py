"""Arrows between the rooms point one way, along a segment's path (docs/design.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SEEDER = Path(__file__).resolve().parent.parent / "seeder"

LEVELS: dict[str, int] = {
    "model": 0,
    "errors": 0,
    "stats": 1,  # counters that every room may hold
    "settings": 1,
    "config": 2,
    "logs": 2,
    "machine": 2,
    "stopping": 2,
    "ingest": 3,
    "torrent": 3,
    "hls": 3,
    "feed": 4,
    "tracker": 4,
    "web": 5,
    "service": 6,
    "cli": 7,
    "__main__": 8,
}
"""A module may import from lower levels and from its own room; a new room takes its place here."""

MODULES = sorted(SEEDER.rglob("*.py"))


def room(module: str) -> str:
    """``seeder.feed.watch`` → ``feed``; the package itself is ''."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


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
        assert LEVELS[there] < LEVELS[here], f"{name_of(file)} imports {name}: {here} comes before {there}"


def test_every_room_has_its_level() -> None:
    assert {room(name_of(file)) for file in MODULES} - {""} <= set(LEVELS)


def test_only_one_module_imports_libtorrent() -> None:
    assert [name_of(f) for f in MODULES if "libtorrent" in imports(f)] in ([], ["seeder.torrent.session"])
