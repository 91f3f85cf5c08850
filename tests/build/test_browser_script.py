"""``make browser`` on machines of other makes; Python and apt-get are stand-ins that note what is asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PYTHON = """#!/bin/sh
echo "$@" >> asked
case "$*" in
    *browser_path*) test -e downloaded ;;
    *--with-deps*) exit 1 ;;
    *) touch downloaded ;;
esac
"""


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Path:
    """A checkout with a PATH of its own (``bin``), root's: what a machine without apt-get has."""
    for name in ("scripts", "bin", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(root / "scripts" / "browser.sh", tmp_path / "scripts")
    executable(tmp_path / ".venv/bin/python", PYTHON)
    executable(tmp_path / "bin/id", "#!/bin/sh\necho 0\n")
    for name in ("sh", "dirname", "touch"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    return tmp_path


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def run(machine: Path) -> tuple[int, list[str]]:
    environ = {"PATH": str(machine / "bin")}
    done = subprocess.run([machine / "bin/sh", "scripts/browser.sh"], cwd=machine, env=environ, timeout=60)
    asked = (machine / "asked").read_text().splitlines()
    return done.returncode, [line for line in asked if "install" in line]


def test_without_apt_playwright_downloads_and_touches_no_system_packages(machine: Path) -> None:
    assert run(machine) == (0, ["-m playwright install chromium"])


def test_where_the_system_packages_fail_the_browser_is_had_all_the_same(machine: Path) -> None:
    executable(machine / "bin/apt-get", "#!/bin/sh\nexit 100\n")
    both = ["-m playwright install --with-deps chromium", "-m playwright install chromium"]
    assert run(machine) == (0, both)
