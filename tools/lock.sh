#!/usr/bin/env bash
# Resolves pyproject.toml into the four committed locks, for Python 3.11 and newer on every platform:
#   requirements.lock          everything: the package, its extras and what develops it (.venv)
#   requirements-runtime.lock  the same versions of only what the container image needs
#   requirements-bench.lock    the peers of the benchmark, in an environment of their own
#   requirements-quix.lock     Quix Streams, in another
# Hashes are in, addresses of package indexes are not: whoever installs chooses where from.
# ARGS="--upgrade" moves to the newest versions; without it only what pyproject.toml requires changes.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "Missing: uv. Install it (pip install uv) and run this again." >&2; exit 3; }

unset PIP_FIND_LINKS UV_FIND_LINKS
resolve() { # output, options...
    local output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
        --output-file "$output" "$@" pyproject.toml
}
resolve requirements.lock "$@" --all-extras --group dev
resolve requirements-runtime.lock --extra calendar --extra cloud --extra schema-registry --group build --constraint requirements.lock

uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
    --output-file requirements-bench.lock "$@" --constraint requirements.lock --group bench
uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" \
    --output-file requirements-quix.lock "$@" --group bench-quix
