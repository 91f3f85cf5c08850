"""Our npm package as others have it: built, packed, installed from the tarball, bundled with their code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MODULES = ROOT / "node_modules"
HLS = {"1.7": "hls.js", "1.6": "hls.js-1.6", "1.5": "hls.js-1.5"}
"""What our own node_modules call each hls.js."""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command says; its words are the failure's message when it fails. npm's cache is of the test."""
    environ = os.environ | {
        "npm_config_cache": str(cwd / ".npm-cache"),
        "npm_config_update_notifier": "false",
    }
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pack(folder: Path) -> Path:
    """The tarball that ``npm publish`` would send."""
    subprocess.run([sys.executable, "scripts/bundle.py", "--dev", "--modules-only"], cwd=ROOT, check=True)
    run(BIN / "node", ROOT / "client/package/build.mjs", folder / "package", cwd=folder)
    told = run(BIN / "npm", "pack", folder / "package", "--json", cwd=folder)
    (packed,) = json.loads(told)
    return folder / str(packed["filename"])


def install(tarball: Path, folder: Path, hls: str | None) -> None:
    """``npm install`` it, without a network, where hls.js is already (``hls``: which), or is not."""
    folder.mkdir(exist_ok=True)
    (folder / "package.json").write_text('{ "private": true, "type": "module" }')
    flags = ("--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    run(BIN / "npm", "install", tarball, *flags, cwd=folder)
    if hls is not None:
        (folder / "node_modules/hls.js").symlink_to(MODULES / HLS[hls])


def bundle(folder: Path, entry: str) -> None:
    """Bundle as a site's own build would, into ``folder/built``."""
    flags = ("--bundle", "--splitting", "--format=esm", "--outdir=built", "--log-level=warning")
    run(MODULES / "esbuild/bin/esbuild", entry, *flags, cwd=folder)
