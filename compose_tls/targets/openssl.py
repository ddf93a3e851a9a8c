"""A script that issues what the set-up wants, with the command openssl alone.

For OpenSSL 1.1.1 to 3.5. ``openssl ca`` signs, because it takes start and end of the validity in all of
them; ``openssl x509 -days`` ends a second late, and ``-not_before`` came with 3.4.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from compose_tls.changes import CertificateOrder
from compose_tls.layout import CERTIFICATE, KEY
from compose_tls.pki.subject import openssl_subject
from compose_tls.vocabulary import KeyType

_HEAD: Final = """\
#!/bin/sh
# Issues the certificates of this project with openssl (1.1.1 to 3.5): run it in an empty directory, or
# beside ca.pem and ca.key to issue under that CA. What is there already is kept.
set -eu
umask 077
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT

at() { # seconds since 1970 as openssl takes them
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

issue() { # name, days, extensions, and how to sign
    name=$1 days=$2 extensions=$3
    shift 3
    openssl ca -batch -notext -preserveDN -utf8 -config "$work/openssl.cnf" \\
        -startdate "$(at $start)" -enddate "$(at $((start + days * 86400 - 1)))" \\
        -extfile "$extensions" -in "$work/$name.csr" -out "$work/$name.pem" -outdir "$work" "$@" \\
        2>"$work/log" || { cat "$work/log" >&2; exit 1; }
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
# A curve has its hash: pki.keys.signature_hash.
_HASH: Final = (
    "case $(openssl pkey -in ca.key -noout -text) in *P-384*) md=sha384 ;; *) md=sha256 ;; esac"
)


def script(orders: Sequence[CertificateOrder]) -> bytes:
    """The script; it makes ``NAME.pem`` and ``NAME.key`` for each identity.

    Args:
        orders: What the certificates are to be, the CA first.
    """
    ca, *others = orders
    parts = [_HEAD, *_ca(ca), f"{_HASH}\n"]
    for order in others:
        # Nothing outlives its issuer: pki.issue.
        parts += _end_entity(replace(order, days=min(order.days, ca.days)), ca.name)
    parts.append(f"openssl verify -CAfile {ca.name}{CERTIFICATE} {_listed(others)}\n")
    return "\n".join(parts).encode()


def _ca(order: CertificateOrder) -> Iterator[str]:
    name = order.name
    yield f"if ! [ -e {name}{CERTIFICATE} ]; then"
    yield from _key(order)
    # Two CAs under one name confuse clients.
    subject = shlex.quote(openssl_subject(order.subject))
    yield from _request(order, f'{subject}" $(openssl rand -hex 4)"')
    yield from _extensions(order)
    yield f"{_HASH}"
    yield f'issue {name} {order.days} "$work/{name}.ext" -selfsign -keyfile {name}{KEY} -md "$md"'
    yield "fi\n"


def _end_entity(order: CertificateOrder, ca: str) -> Iterator[str]:
    name = order.name
    yield f"if ! [ -e {name}{CERTIFICATE} ]; then"
    yield from _key(order)
    yield from _request(order, shlex.quote(openssl_subject(order.subject)))
    yield from _extensions(order)
    signing = f'-cert {ca}{CERTIFICATE} -keyfile {ca}{KEY} -md "$md"'
    yield f'issue {name} {order.days} "$work/{name}.ext" {signing}'
    yield "fi\n"


def _key(order: CertificateOrder) -> Iterator[str]:
    file = f"{order.name}{KEY}"
    yield f"[ -e {file} ] || openssl genpkey {_KEYS[order.key_type]} -out {file}"


def _request(order: CertificateOrder, subject: str) -> Iterator[str]:
    yield f'openssl req -new -utf8 -config "$work/openssl.cnf" -key {order.name}{KEY} \\'
    yield f'    -subj {subject} -out "$work/{order.name}.csr"'


def _extensions(order: CertificateOrder) -> Iterator[str]:
    """As ``pki.profiles`` has them, in its order; their sources stand there."""
    is_ca = order.role == "ca"
    yield f"cat >\"$work/{order.name}.ext\" <<'END'"
    yield f"basicConstraints = critical,{'CA:TRUE,pathlen:0' if is_ca else 'CA:FALSE'}"
    yield f"keyUsage = critical,{'keyCertSign,cRLSign' if is_ca else 'digitalSignature'}"
    if not is_ca:
        yield f"extendedKeyUsage = {order.role}Auth"
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
    yield "END"


def _listed(orders: Sequence[CertificateOrder]) -> str:
    return " ".join(f"{one.name}{CERTIFICATE}" for one in orders)
