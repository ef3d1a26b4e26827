#!/usr/bin/env bash
# What `make chaos` needs beside the parts of `make test`: versitygw (an S3 server over a folder) and toxiproxy, built
# through the Go module proxy, and a small library in C that gives one process a wrong clock.
# As root on Debian or Ubuntu what is missing is installed; elsewhere this says what to run.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/debian.sh

binaries=$PWD/.cache/tools/bin
GO_MINIMUM=1.21 # from here on a go fetches by itself the newer toolchain that a module asks for

go_is_recent() {
    command -v go >/dev/null || return 1
    local found
    found=$(go env GOVERSION | sed -E 's/^go//; s/[^0-9.].*//')
    [ "$(printf '%s\n' "$GO_MINIMUM" "$found" | sort -V | head -n 1)" = "$GO_MINIMUM" ]
}

need_go() {
    go_is_recent && return
    if on_debian_as_root; then
        debian_install golang-go ca-certificates
    fi
    go_is_recent && return
    {
        echo "make chaos builds two programs with Go $GO_MINIMUM or newer; found: $(go version 2>/dev/null || echo none)."
        echo "Install one (Debian 13 or Ubuntu 24.04: sudo apt-get install golang-go) and run this again."
    } >&2
    exit 3
}

need_program() { # name, what go calls its binary, module with version
    local name=$1 built=$2 module=$3 version=${3##*@} folder
    [ -x "$binaries/$name-$version" ] && { ln -sfn "$name-$version" "$binaries/$name"; return; }
    need_go
    echo "Building $name $version with Go (once, some minutes)" >&2
    folder=$(mktemp -d)
    GOBIN=$folder CGO_ENABLED=0 go install "$module" >&2
    mkdir -p "$binaries"
    mv "$folder/$built" "$binaries/$name-$version"
    ln -sfn "$name-$version" "$binaries/$name"
    rmdir "$folder"
}

need_wrong_clock() { # a library that is preloaded into a worker
    local source=load_tests/chaos/wrong_clock.c library=.cache/tools/lib/wrong_clock.so
    [ "$library" -nt "$source" ] && return
    command -v cc >/dev/null || debian_install gcc libc6-dev
    mkdir -p "${library%/*}"
    cc -O2 -shared -fPIC -o "$library" "$source" -ldl
}

need_program toxiproxy server github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0
need_program versitygw versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0
need_wrong_clock
