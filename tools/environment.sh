#!/usr/bin/env bash
# Makes .venv with everything in requirements.lock, once, and again only when the lock changes.
# As root on Debian or Ubuntu a missing part of Python is installed; elsewhere this says what to run.
set -euo pipefail
cd "$(dirname "$0")/.."

debian_install() { # packages...
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $* (Debian packages)" >&2
        apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
    else
        echo "missing: $*. Install it and run this again:  sudo apt-get install $*" >&2
        exit 3
    fi
}

find_python() {
    for name in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$name" ] && command -v "$name" >/dev/null || continue
        "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null || continue
        echo "$name"
        return
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    debian_install python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || { echo "stream_rcf needs Python 3.11 or newer; set PYTHON to one" >&2; exit 3; }
fi
stamp=.venv/.stream-rcf-lock
wanted="$(cat requirements.lock pyproject.toml | sha256sum | cut -d' ' -f1) $(pwd -P)"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

"$python" -c 'import ensurepip, venv' 2>/dev/null || debian_install python3-venv
echo "making .venv (once, about half a minute)" >&2
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock >&2
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e . >&2
echo "$wanted" >"$stamp"
