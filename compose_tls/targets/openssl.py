"""A script that issues what the set-up wants, with nothing but the command openssl.

For OpenSSL 1.1.1 to 3.5. ``openssl ca`` signs, because it takes start and end of the validity in all of
them; ``openssl x509 -days`` ends a second late, and ``-not_before`` came with 3.4.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from compose_tls.changes import CertificateOrder
from compose_tls.layout import CERTIFICATE, KEY
from compose_tls.pki.subject import openssl_subject
from compose_tls.vocabulary import KeyType

_HEAD: Final = """\
#!/bin/sh
# Issues the certificates of this project with openssl (1.1.1 to 3.5): run it in an empty directory, or
# next to ca.pem and ca.key to issue under that CA. What already exists is kept.
set -eu
umask 077
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT

at() { # seconds since 1970, in the format of openssl
    date -u -d "@$1" +%Y%m%d%H%M%SZ 2>/dev/null || date -u -r "$1" +%Y%m%d%H%M%SZ
}

# Five minutes ago: the clocks of machines differ. The last second still counts (RFC 5280).
start=$(($(date +%s) - 300))

cat >"$work/openssl.cnf" <<'END'
[req]
distinguished_name = dn
string_mask = utf8only
[dn]
[ca]
default_ca = issuer
[issuer]
database = $ENV::work/index.txt
rand_serial = yes
policy = any
unique_subject = no
email_in_dn = no
[any]
domainComponent = optional
countryName = optional
stateOrProvinceName = optional
localityName = optional
streetAddress = optional
organizationName = optional
organizationalUnitName = optional
userId = optional
commonName = supplied
END
: >"$work/index.txt"

hash_of() { # the hash for a signing key: P-384 uses SHA-384
    case $(openssl pkey -in "$1" -noout -text) in *P-384*) echo sha384 ;; *) echo sha256 ;; esac
}

issue() { # name, days, and how to sign
    name=$1 days=$2
    shift 2
    openssl ca -batch -notext -preserveDN -utf8 -config "$work/openssl.cnf" \\
        -startdate "$(at $start)" -enddate "$(at $((start + days * 86400 - 1)))" \\
        -extfile "$work/$name.ext" -in "$work/$name.csr" -out "$work/$name.pem" -outdir "$work" "$@" \\
        2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    [ "$1" = -selfsign ] || openssl verify -CAfile "$2" "$work/$name.pem" >"$work/log" 2>&1 || {
        cat "$work/log" >&2
        echo "$2 may not issue $name.pem as it is to be: use another CA, or export again without the" \\
            "names for which it may not (--ingress-host, --san)" >&2
        exit 1
    }
    chmod 644 "$work/$name.pem"
    mv "$work/$name.pem" "$name.pem"
}
"""

_KEYS: Final[dict[KeyType, str]] = {
    "ecdsa-p256": "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve",
    "ecdsa-p384": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve",
    "rsa-2048": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    "rsa-3072": "-algorithm RSA -pkeyopt rsa_keygen_bits:3072",
    "rsa-4096": "-algorithm RSA -pkeyopt rsa_keygen_bits:4096",
}
# Members of an etcd cluster are clients of each other.
_PURPOSES: Final[Mapping[str, str]] = {
    "server": "serverAuth",
    "client": "clientAuth",
    "peer": "serverAuth,clientAuth",
}


def script(orders: Sequence[tuple[CertificateOrder, str | None]]) -> bytes:
    """The script; it makes ``NAME.pem`` and ``NAME.key`` for each identity.

    Args:
        orders: What the certificates are to be, each with the name of its issuer, which stands before
            it; a CA has none.
    """
    days = {order.name: order.days for order, _ in orders}
    parts = [_HEAD]
    for order, issuer in orders:
        # Nothing outlives its issuer: pki.issue.
        ends = min(order.days, days[issuer]) if issuer else order.days
        parts += _issued(replace(order, days=ends), issuer)
    for order, issuer in orders:
        if issuer is not None:
            parts.append(f"openssl verify -CAfile {issuer}{CERTIFICATE} {order.name}{CERTIFICATE}")
    return "\n".join([*parts, ""]).encode()


def _issued(order: CertificateOrder, issuer: str | None) -> Iterator[str]:
    """The lines that make one certificate; a CA signs itself."""
    name, signs = order.name, issuer or order.name
    subject = shlex.quote(openssl_subject(order.subject))
    yield f"if ! [ -e {name}{CERTIFICATE} ]; then"
    yield f"[ -e {name}{KEY} ] || openssl genpkey {_KEYS[order.key_type]} -out {name}{KEY}"
    yield f'openssl req -new -utf8 -config "$work/openssl.cnf" -key {name}{KEY} \\'
    # Two CAs under one name confuse clients.
    digits = '" $(openssl rand -hex 4)"' if issuer is None else ""
    yield f'    -subj {subject}{digits} -out "$work/{name}.csr"'
    yield f"cat >\"$work/{name}.ext\" <<'END'"
    yield from _extensions(order)
    yield "END"
    how = "-selfsign" if issuer is None else f"-cert {issuer}{CERTIFICATE}"
    yield f'issue {name} {order.days} {how} -keyfile {signs}{KEY} -md "$(hash_of {signs}{KEY})"'
    yield "fi\n"


def _extensions(order: CertificateOrder) -> Iterator[str]:
    """As ``pki.profiles`` has them, in its order; their sources are there."""
    is_ca = order.profile == "ca"
    yield f"basicConstraints = critical,{'CA:TRUE,pathlen:0' if is_ca else 'CA:FALSE'}"
    yield f"keyUsage = critical,{'keyCertSign,cRLSign' if is_ca else 'digitalSignature'}"
    if not is_ca:
        yield f"extendedKeyUsage = {_PURPOSES[order.profile]}"
    names = [
        *(f"DNS:{one}" for one in order.dns_names),
        *(f"IP:{one}" for one in order.ip_addresses),
    ]
    if names:
        yield f"subjectAltName = {','.join(names)}"
    if order.permitted_dns:
        permitted = ",".join(f"permitted;DNS:{one}" for one in order.permitted_dns)
        yield f"nameConstraints = critical,{permitted}"
    yield "subjectKeyIdentifier = hash"
    if not is_ca:
        yield "authorityKeyIdentifier = keyid:always"
