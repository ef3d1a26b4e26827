#!/usr/bin/env bash
# Builds the stand-ins of README.md with podman and mmdebstrap; what is there already stays.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/debian.sh
command -v mmdebstrap >/dev/null || debian_install mmdebstrap
work=$(mktemp -d)
chmod 755 "$work" # the package client downloads as a user of its own
trap 'rm -rf "$work"' EXIT

debian_image() { # image name, packages...
    local name=$1
    shift
    podman image exists "$name" && return
    echo "Making $name from Debian packages (about half a minute)" >&2
    mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "$*")" bookworm "$work/root.tar"
    podman import --quiet "$work/root.tar" "$name" >/dev/null
}

debian_image docker.io/library/python:3.11-slim-bookworm python3 python3-venv ca-certificates passwd
if ! podman image exists docker.io/apache/kafka:4.1.0; then
    debian_image localhost/stand-in-java openjdk-17-jre-headless passwd
    tools/test_parts.sh # the jars
    mkdir -p "$work/kafka"
    cp -r .cache/kafka/libs "$work/kafka/libs"
    cp tools/container_stand_ins/start-kafka "$work/kafka/"
    podman build --quiet --tag docker.io/apache/kafka:4.1.0 \
        --file tools/container_stand_ins/kafka.Dockerfile "$work/kafka" >/dev/null
fi
if ! podman image exists docker.io/prom/prometheus:v3.5.0; then
    mkdir -p "$work/prometheus"
    (cd "$work/prometheus" && apt-get download -qq -o APT::Sandbox::User=root prometheus && dpkg-deb --extract prometheus_*.deb . && rm -f prometheus_*.deb)
    podman build --quiet --tag docker.io/prom/prometheus:v3.5.0 \
        --file tools/container_stand_ins/prometheus.Dockerfile "$work/prometheus" >/dev/null
fi
