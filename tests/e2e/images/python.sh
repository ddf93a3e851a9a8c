#!/bin/sh
# Makes an image with a Python that this machine lacks and Debian's testing has, for the fast tests
# (tests/pythons.py finds it): python.sh 3.14. Needs a running engine, and root on Debian.
set -eu

version=$1
image=compose-tls-e2e/python:$version
if docker run --rm "$image" git --version >/dev/null 2>&1; then
    echo "$image: present"
    exit
fi
if ! command -v debootstrap >/dev/null; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -yq debootstrap
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packages=ca-certificates,git,openssl,patch,procps,python$version,python$version-venv
if ! debootstrap --variant=minbase --include="$packages" testing "$work/rootfs" >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    echo "$image: cannot be built; Python $version is not tested" >&2
    exit
fi
rm -rf "$work"/rootfs/var/cache/apt/* "$work"/rootfs/var/lib/apt/lists/*
tar -C "$work/rootfs" -c . | docker import - "$image" >/dev/null
echo "$image: built"
