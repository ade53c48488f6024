#!/bin/sh
# Installs a locked list ($1) into the environment $VENV, which it makes with $PYTHON or the first Python that will do.
# A missing prerequisite is one line that says what to install.
set -eu

usable='import sys; sys.exit(sys.version_info < (3, 11))'
stop() { echo "$1" >&2; exit 1; }

# An environment whose Python was removed, or whose making was interrupted, is made anew.
if ! "$VENV/bin/python" -c "$usable; import pip" 2>/dev/null || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        command -v "$python" >/dev/null && "$python" -c "$usable" 2>/dev/null && break
        python=
    done
    [ -n "$python" ] || stop "Parley needs Python 3.11 or newer${PYTHON:+, and $PYTHON is not}: install python3 (Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python), or name one with PYTHON=/path/to/python"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        stop "Parley needs Python's venv module: install it (Debian, Ubuntu: apt-get install python3-venv)"
    echo "making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
fi
# On a terminal pip shows its progress.
if [ -t 1 ]; then quiet= note=" (the first time takes about a minute, and 150 MB of disk for make run, 900 MB for make test)"; else quiet=--quiet note=; fi
echo "installing $1$note"
"$VENV/bin/python" -m pip install $quiet --disable-pip-version-check --require-hashes -r "$1"
