"""What `pip install` gets."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def dist(bundle: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=root, check=True, timeout=110
    )
    return folder


def test_a_wheel_holds_the_bundle_and_the_command(dist: Path) -> None:
    with zipfile.ZipFile(next(dist.glob("live_torrent-*.whl"))) as wheel:
        names = set(wheel.namelist())
        entry_points = next(name for name in names if name.endswith("/entry_points.txt"))
        assert "live-torrent = seeder.__main__:main" in wheel.read(entry_points).decode()
    assert {"seeder/cli.py", "seeder/web/bundle/sw.js", "seeder/web/bundle/client/player.js"} <= names
    assert "seeder/web/bundle/THIRD-PARTY.txt" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    assert not [name for name in names if not name.startswith(("seeder/", "live_torrent-"))]


def test_an_sdist_holds_what_a_wheel_is_built_from(dist: Path) -> None:
    with tarfile.open(next(dist.glob("live_torrent-*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames()}
    assert {
        "client/build.mjs",
        "client/shims/plugin.mjs",
        "sw/sw.js",
        "hatch_build.py",
        "scripts/bundle.py",
        "package-lock.json",
        ".npmrc",
        "pyproject.toml",
        "seeder/cli.py",
    } <= names
    assert not [name for name in names if "/bundle/" in name or name.startswith(("node_modules/", "tests/"))]
