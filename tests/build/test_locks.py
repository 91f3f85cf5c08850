"""Pinned, hashed, and free of anybody's registry."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

LOCKS = ("run", "build", "dev")


def pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==([^\s;]+)", file.read_text(), re.MULTILINE))


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_python_package_is_pinned_with_hashes(root: Path, lock: str) -> None:
    text = (root / "requirements" / f"{lock}.lock").read_text()
    blocks = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    for block in filter(str.strip, blocks):
        assert re.match(r"^[a-z0-9][\w.-]*==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_python_lock_names_an_index_or_a_path(root: Path, lock: str) -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links| @ |\s/", lock_text(root, lock))


def lock_text(root: Path, lock: str) -> str:
    return (root / "requirements" / f"{lock}.lock").read_text()


def test_the_locks_agree(root: Path) -> None:
    run, build, dev = (pins(root / "requirements" / f"{lock}.lock") for lock in LOCKS)
    assert run.items() <= build.items() <= dev.items()


def test_every_dependency_is_in_its_lock(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    run = names(project["project"]["dependencies"])
    assert run <= set(pins(root / "requirements" / "run.lock"))
    groups = [
        name for group in project["dependency-groups"].values() for name in group if isinstance(name, str)
    ]
    assert names(groups) <= set(pins(root / "requirements" / "dev.lock"))
    assert names(project["build-system"]["requires"]) <= set(pins(root / "requirements" / "build.lock"))


def test_the_npm_lock_has_hashes_and_no_registry(root: Path) -> None:
    lock = json.loads((root / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package, name
        if name and not package.get("link"):
            assert package["integrity"].startswith("sha512-"), name


def test_direct_npm_dependencies_are_exact(root: Path) -> None:
    package = json.loads((root / "package.json").read_text())
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        # An alias (a second version of a package, for the bench) names what it stands for.
        assert re.fullmatch(r"(npm:[\w.@/-]+@)?\d+\.\d+\.\d+", version), name
