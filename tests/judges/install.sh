#!/bin/sh
# Installs what the tests of this directory need besides Python packages: linters and TLS peers. What
# is there already is left alone. Installing needs root on Debian or Ubuntu.
set -eu

export DEBIAN_FRONTEND=noninteractive

missing=""
need() { # command, package
    command -v "$1" >/dev/null || missing="$missing $2"
}
need openssl openssl
need curl curl
need certtool gnutls-bin
need node nodejs
need npm npm
# The peer in Java is compiled: a JRE is not enough.
need javac default-jdk-headless
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "judges: install$missing" >&2
        exit 1
    fi
    apt-get update -q
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -yq --no-install-recommends $missing
fi

# Debian has zlint from release 13 on. It is one static binary, so that of 13 runs on 12; the lists of
# 13 are kept apart, so that apt never takes anything else from there.
zlint_of_debian_13() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] || return 1
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    mkdir -p "$work/etc/apt.conf.d" "$work/etc/preferences.d" "$work/etc/sources.list.d"
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian trixie main" \
        >"$work/etc/sources.list"
    apart="-o Dir::Etc=$work/etc -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache"
    # shellcheck disable=SC2086 # a list of options
    apt-get $apart -q update &&
        (cd "$work" && apt-get $apart -q -o APT::Sandbox::User=root download zlint) &&
        dpkg-deb --extract "$work"/zlint_*.deb "$work/unpacked" &&
        install -m 755 "$work/unpacked/usr/bin/zlint" /usr/local/bin/zlint
}

if ! command -v zlint >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    # Whether it is required is for the tests to say: they skip, or fail, with its name.
    apt-get install -yq --no-install-recommends zlint 2>/dev/null || zlint_of_debian_13 ||
        echo "judges: zlint cannot be installed here" >&2
fi

for command in openssl curl certtool node javac zlint; do
    command -v "$command" >/dev/null || echo "judges: no $command" >&2
done
echo "judges: done"
