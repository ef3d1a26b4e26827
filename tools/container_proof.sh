#!/usr/bin/env bash
# Builds the image and runs docker-compose.yml for real with podman, then checks what both promise.
# Not part of `make test`: it needs podman, podman-compose and some minutes.
#
#   tools/container_proof.sh               with the public images
#   tools/container_proof.sh --stand-ins   with stand-ins for them (tools/container_stand_ins/README.md)
#
# PODMAN_BUILD_OPTIONS go to `podman build`, as for a certificate authority of your own.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh

command -v podman >/dev/null || debian_install podman runc netavark aardvark-dns uidmap fuse-overlayfs
tools/environment.sh
compose=.cache/podman-compose/bin/podman-compose
if [ ! -x "$compose" ]; then
    .venv/bin/python -m venv .cache/podman-compose
    .cache/podman-compose/bin/python -m pip install --quiet --disable-pip-version-check podman-compose==1.6.0
fi
work=$(mktemp -d)
files=(--file docker-compose.yml)
if [ "$(cat /proc/1/comm)" != systemd ]; then
    # Without systemd podman can neither raise limits nor use crun here, nor run health checks.
    printf '[containers]\ndefault_ulimits=["nofile=4096:4096","nproc=4096:4096"]\n[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\nevents_logger="file"\n' \
        >"$work/containers.conf"
    export CONTAINERS_CONF=$work/containers.conf
    files+=(--file tools/container_stand_ins/no-health-timers.yml)
fi
finish() {
    local status=$?
    if [ $status != 0 ]; then
        for name in kafka replica-1 replica-2 generator; do
            printf '\n-- the last of %s\n' "$name"
            podman logs --tail 15 "stream-rcf_${name}_1" 2>&1 || true
        done >&2
    fi
    "$compose" "${files[@]}" --in-pod false down --volumes >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
    rm -rf "$work"
}

say() { printf '\n== %s\n' "$*"; }
fail() { echo "container proof: $*" >&2; exit 1; }
# As a careful administrator runs it: no writable root, no capability, no way to more privileges.
locked_down=(podman run --rm --no-healthcheck --read-only --cap-drop all --security-opt no-new-privileges)

[ "${1:-}" = --stand-ins ] && tools/container_stand_ins/build.sh

say "the image builds from the locks"
read -ra options <<<"${PODMAN_BUILD_OPTIONS:-}"
podman build --quiet --format docker "${options[@]}" --file deploy/Dockerfile --tag docker.io/library/stream-rcf . \
    >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; fail "no image"; }
podman image inspect stream-rcf --format 'user {{.User}}, {{.Size}} bytes, health check {{.HealthCheck.Test}}'

say "it runs without network, root, capabilities or a writable file system, its kernels ready"
"${locked_down[@]}" --network none --entrypoint sh stream-rcf -c '
    set -e
    [ "$(id -u)" = 10001 ]
    grep -q "^CapEff:.0000000000000000$" /proc/self/status
    if touch /opt/stream-rcf/kernels/x 2>/dev/null; then echo "the root file system is writable" >&2; exit 1; fi
    python3 -m stream_rcf.core.warmup
    i=0
    while [ $i -lt 400 ]; do echo "{\"key\":\"k\",\"timestamp\":$((1767225600 + i)),\"value\":$((i % 7))}"; i=$((i + 1)); done |
        stream-rcf score - 2>/dev/null | tail -n 1
'

say "a processor that it has no kernels for gets them at each start, and is told so"
warning=$("${locked_down[@]}" --network none --env NUMBA_CPU_NAME=skylake --entrypoint python3 stream-rcf \
    -m stream_rcf.core.warmup 2>&1) || fail "no kernels for another processor: $warning"
grep -o "compiled kernels can't be saved in.*" <<<"$warning" || fail "no clear warning: $warning"

say "docker-compose.yml comes up"
trap finish EXIT
up() { # services..., in the order of depends_on: older podmans cannot start a chain of dependencies themselves
    "$compose" "${files[@]}" --in-pod false up --detach --no-build --no-deps "$@" >"$work/up.log" 2>&1 || {
        cat "$work/up.log" >&2
        fail "no start of $*"
    }
}
up kafka prometheus
up topics
[ "$(podman wait stream-rcf_topics_1)" = 0 ] || { podman logs stream-rcf_topics_1 >&2; fail "the topics were not created"; }
podman logs stream-rcf_topics_1 2>/dev/null
up replica-1 replica-2 generator
.venv/bin/python -m tools.container_checks
