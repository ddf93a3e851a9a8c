#!/bin/sh
# Runs a command while the images of the end-to-end tests have the official names, too, and takes
# those names away again:
#
#     tests/e2e/with-official-names.sh docker compose -f fixtures/docker-compose.yml up -d etcd
#
# For projects and scripts whose compose files name the official images, on a machine without an image
# registry. A name that is there already stays. One such command runs at a time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/e2e/images/names.env
. "$here/images/names.env"

if [ "$#" -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 2
fi
if [ "${COMPOSE_TLS_E2E_LOCKED:-}" != "$$" ] && command -v flock >/dev/null; then
    # exec: the number of the process stays, by which it knows that it has the lock.
    export COMPOSE_TLS_E2E_LOCKED=$$
    exec flock --no-fork "${TMPDIR:-/tmp}/compose-tls-official-names.lock" "$0" "$@"
fi
unset COMPOSE_TLS_E2E_LOCKED

given=
take_back() {
    # shellcheck disable=SC2086 # a list of names
    if [ -n "$given" ]; then docker image rm --no-prune $given >/dev/null; fi
}
trap take_back EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

give() { # OFFICIAL STAND-IN
    if ! docker image inspect "$1" >/dev/null 2>&1; then
        docker tag "$2" "$1"
        given="$given $1"
    fi
}
give "$MILVUS_OFFICIAL" "$MILVUS_STAND_IN"
give "$ETCD_OFFICIAL" "$ETCD_STAND_IN"

"$@"
