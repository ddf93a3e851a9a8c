#!/bin/sh
# Installs what tests need besides Python packages: linters, TLS peers, openssl of other versions, and the
# shells whose completion is tried. What is there already is left alone. Installing needs root on Debian or Ubuntu.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

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
need zsh zsh
need fish fish
if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null; then
        echo "judges: install$missing" >&2
        exit 1
    fi
    apt-get update -q
    # shellcheck disable=SC2086 # a list of packages
    apt-get install -yq --no-install-recommends $missing
fi

# Packages of another release of Debian, unpacked into a directory. Its lists are kept apart, so that apt
# never installs anything from there.
unpacked_of() { # RELEASE DIRECTORY PACKAGE...
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] && command -v apt-get >/dev/null || return 1
    release=$1 to=$2 apt=$work/$1
    shift 2
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/$to"
    mkdir -p "$apt/etc/apt.conf.d" "$apt/etc/preferences.d" "$apt/etc/sources.list.d"
    echo "deb [signed-by=$keyring] http://deb.debian.org/debian $release main" \
        >"$apt/etc/sources.list"
    apart="-o Dir::Etc=$apt/etc -o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache"
    apart="$apart -o Dir::State::status=/dev/null -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086 # a list of options
    [ -e "$apt/updated" ] || apt-get $apart -q update && : >"$apt/updated" &&
        (cd "$apt/$to" && apt-get $apart -q download "$@") || return 1
    for package in "$apt/$to"/*.deb; do
        dpkg-deb --extract "$package" "$apt/$to" || return 1
    done
}

# Debian has zlint from release 13 on. It is one static binary, so that of 13 runs on 12.
zlint_of_debian_13() {
    unpacked_of trixie zlint zlint &&
        install -m 755 "$work/trixie/zlint/usr/bin/zlint" /usr/local/bin/zlint
}

# The command with all the libraries that it needs, called through their own loader.
openssl_of() { # VERSION RELEASE PACKAGE...
    place=$here/../../build/judges/openssl-$1
    if [ -x "$place/bin/openssl" ]; then return; fi
    from=$2
    shift 2
    unpacked_of "$from" openssl openssl "$@" || return 1
    mkdir -p "$place/bin"
    place=$(cd "$place" && pwd)
    cp -a "$work/$from/openssl/." "$place"
    loader=$(find "$place" -name 'ld-linux*' | head -n 1)
    libraries=$(find "$place" -name 'lib*.so*' -exec dirname {} \; | sort -u | paste -sd :)
    cat >"$place/bin/openssl" <<END
#!/bin/sh
OPENSSL_CONF=/dev/null exec "$loader" --library-path "$libraries" "$place/usr/bin/openssl" "\$@"
END
    chmod 755 "$place/bin/openssl"
    "$place/bin/openssl" version
}

openssl_of 1.1.1 bullseye libssl1.1 libc6 ||
    echo "judges: openssl 1.1.1 cannot be had here" >&2
openssl_of 3.5 trixie libssl3t64 libc6 libzstd1 zlib1g ||
    echo "judges: openssl 3.5 cannot be had here" >&2

if ! command -v zlint >/dev/null; then
    # Whether it is required is for the tests to say: they skip, or fail, with its name.
    apt-get install -yq --no-install-recommends zlint 2>/dev/null || zlint_of_debian_13 ||
        echo "judges: zlint cannot be installed here" >&2
fi

for command in openssl curl certtool node javac zlint; do
    command -v "$command" >/dev/null || echo "judges: no $command" >&2
done
echo "judges: done"
