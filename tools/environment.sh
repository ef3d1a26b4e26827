#!/usr/bin/env bash
# Makes .venv hold exactly what requirements.lock names; at once when it already does.
# As root on Debian or Ubuntu a missing part of Python is installed; elsewhere this says what to run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh

here=$(pwd -P)
stamp=.venv/.stream-rcf-lock
# The place is part of it: the commands of a virtual environment name their interpreter by its full path.
wanted="$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1) $here"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -x .venv/bin/python ] && exit 0

find_python() {
    local name
    for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$name" ] && command -v "$name" >/dev/null || continue
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        echo "$name"
        return
    done
}

make_environment() {
    local python
    python=$(find_python)
    if [ -z "$python" ]; then
        debian_install python3 python3-venv
        python=$(find_python)
    fi
    if [ -z "$python" ]; then
        echo "stream_rcf needs Python 3.11 or newer. Install one and name it: make demo PYTHON=/path/to/python3" >&2
        exit 3
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || debian_install python3-venv
    echo "Making .venv (once, about half a minute)" >&2
    rm -rf .venv
    "$python" -m venv .venv
}

usable() { # made here, finished, and its interpreter still there
    [ -f "$stamp" ] && [ "$(cut -d' ' -f2- "$stamp")" = "$here" ] && .venv/bin/python -m pip --version >/dev/null 2>&1
}

if usable; then
    echo "Bringing .venv up to requirements.lock" >&2
else
    make_environment
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    -r requirements.lock >&2
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
    --editable . >&2
echo "$wanted" >"$stamp"
