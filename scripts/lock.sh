#!/bin/sh
# Pin every package with its hashes, for all platforms and Pythons at once.
# uv resolves (pip cannot for other platforms); it lives in .make/, nothing else uses it.

set -eu
cd "$(dirname "$0")/.."
tool=.make/lock
if [ ! -x "$tool/bin/uv" ]; then
    echo "== getting uv (once, for locking only)"
    .venv/bin/python -m venv "$tool"
    "$tool/bin/pip" --disable-pip-version-check install --quiet 'uv>=0.9'
fi

mkdir -p requirements
compile() {
    # No index in the file: it holds names, versions and hashes, and any mirror will do.
    UV_CUSTOM_COMPILE_COMMAND='make lock' "$tool/bin/uv" pip compile --quiet --no-config --universal \
        --python-version 3.11 --generate-hashes --no-emit-index-url --upgrade "$@" pyproject.toml
}
echo "== locking the Python packages"
# dev holds everything; the other two are parts of it, so that all three agree.
compile --group dev --output-file requirements/dev.lock
compile --group build --constraint requirements/dev.lock --output-file requirements/build.lock
compile --constraint requirements/dev.lock --output-file requirements/run.lock

echo "== locking the npm packages"
.venv/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/build.lock
.venv/bin/npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error
if grep -q '"resolved"' package-lock.json; then
    echo "error: package-lock.json names a registry; .npmrc should prevent that" >&2
    exit 1
fi
