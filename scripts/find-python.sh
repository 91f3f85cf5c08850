#!/bin/sh
# Print a Python this project runs on; else say on stderr what is missing, and fail.
#
# libtorrent 2.1.1 comes as wheels for 3.11, 3.12 and 3.13 and has no sources to build from: a newer
# Python is passed over for one of these.
# PYTHON=... names the one to use.

works='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
found=''
for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    command -v "$python" >/dev/null 2>&1 || continue
    version=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
    "$python" -c "$works" || { found="$found $python is $version;"; continue; }
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian and Ubuntu leave ensurepip out of python3
        short=${version%.*}
        echo "error: $python ($version) cannot make virtual environments." >&2
        echo "       On Debian or Ubuntu: apt-get install python$short-venv (as root); then run make again." >&2
        exit 1
    fi
    command -v "$python"
    exit 0
done

echo "error: Python 3.11, 3.12 or 3.13 is needed and not on PATH (found:${found:- none})." >&2
echo "       Install one (Debian 12+: apt-get install python3 python3-venv), or run make PYTHON=/path/to/python3.13" >&2
exit 1
