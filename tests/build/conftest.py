from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The bundle of the present sources (made now, unless it is there already)."""
    subprocess.run([sys.executable, "scripts/bundle.py"], cwd=ROOT, check=True, timeout=240)
    return ROOT / "seeder" / "web" / "bundle"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
