"""Every name in the PKI directory (``cert/``) and in the TLS directory (``tls/``)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from compose_tls.patterns import regex

# The permission bits that files of compose-tls are born with.
PUBLIC: Final = 0o644
PRIVATE: Final = 0o600
PUBLIC_DIRECTORY: Final = 0o755
PRIVATE_DIRECTORY: Final = 0o700

CERTIFICATE: Final = ".pem"
KEY: Final = ".key"
REQUEST: Final = ".csr"
"""How the names of a certificate, its private key and its signing request end."""

CA: Final = "ca"
CA_NAME: Final = "compose-tls CA"
"""The common name of a CA that was issued here."""
NEXT_CA: Final = "next-ca"
"""The CA that takes over once every client trusts it, as files of the PKI directory are named."""
CLIENT_CA: Final = "client-ca"
"""The CA whose clients Milvus accepts, where it is not that of the server, likewise."""
SERVER: Final = "server"
CLIENT: Final = "client"

CA_CERTIFICATE: Final = f"{CA}{CERTIFICATE}"
CA_KEY: Final = f"{CA}{KEY}"
SERVER_CERTIFICATE: Final = f"{SERVER}{CERTIFICATE}"
SERVER_KEY: Final = f"{SERVER}{KEY}"
CLIENT_CERTIFICATE: Final = f"{CLIENT}{CERTIFICATE}"
CLIENT_KEY: Final = f"{CLIENT}{KEY}"
CLIENT_CA_CERTIFICATE: Final = f"{CLIENT_CA}{CERTIFICATE}"
CLIENT_CA_KEY: Final = f"{CLIENT_CA}{KEY}"
NEXT_CA_CERTIFICATE: Final = f"{NEXT_CA}{CERTIFICATE}"
NEXT_CA_KEY: Final = f"{NEXT_CA}{KEY}"
REQUESTS: Final = (f"{SERVER}{REQUEST}", f"{CLIENT}{REQUEST}")

SERIAL_FILE: Final = "ca.srl"
"""The serial number that ``openssl x509 -CAserial`` counts on from, as the Milvus guide has it."""
STATE_FILE: Final = "state.json"
ROOT_PASSWORD: Final = "root-password"  # noqa: S105 - the name of a file
"""The password that init gave to root of Milvus. Nothing removes it: who lost it is locked out."""
IGNORE_FILE: Final = ".gitignore"
IGNORE_ALL: Final = b"*\n"
IGNORE_TAKEN: Final = IGNORE_ALL + b"# What lies in the TLS directory is not ours.\n"
"""What it holds: without a record, too, this tells whose files are in the TLS directory."""

RETIRED_CA: Final = regex(r"(?:client-)?ca-[0-9a-f]{8}\.(?:pem|key)")
"""The files of a CA that gave way to one that the user named: after its fingerprint."""

STACK_CA: Final = "stack-ca"
"""The CA of what the parts of a project say to each other; no client of Milvus has one of its."""
ETCD: Final = "etcd"
ETCD_CLIENT: Final = "etcd-client"
OBJECT_STORE: Final = "object-store"
KAFKA: Final = "kafka"
KAFKA_CLIENT: Final = "kafka-client"
INTERNAL: Final = "internal"
CLIENT_OF: Final = {ETCD: ETCD_CLIENT, KAFKA: KAFKA_CLIENT}
"""The client that a server demands a certificate of."""
STACK: Final = (STACK_CA, ETCD, ETCD_CLIENT, OBJECT_STORE, KAFKA, KAFKA_CLIENT, INTERNAL)
"""The identities of the parts of a project: that CA, and what it issues."""

PUBLIC_ROOTS: Final = "public-roots.pem"
"""In the PKI directory: the root certificates that Milvus trusts next to that CA."""
CA_BUNDLE: Final = "ca-bundle.pem"
"""Those roots and that CA, for Milvus."""
SYSTEM_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Where the Go and the C++ part of a Milvus both look, in its container: seen with 2.3.5."""

# The names that Bitnami's image looks for: https://github.com/bitnami/containers (kafka, Security).
KAFKA_CERTIFICATE: Final = "kafka.keystore.pem"
KAFKA_CA: Final = "kafka.truststore.pem"
KAFKA_KEYSTORE: Final = "keystore.pem"
"""The key of the broker and its certificate in one file, as Kafka itself wants them: KIP-651."""
KAFKA_CLIENT_SETTINGS: Final = "client.properties"
"""The settings of the tools of Kafka in the container of the broker: where these files are."""

PROXY: Final = "proxy"
MILVUS: Final = "milvus"
"""In the TLS directory, where parts of the project have their own: what proxies show to clients, and what
every Milvus service shows to the others."""

STACK_FILES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    ETCD: (
        (SERVER_CERTIFICATE, f"{ETCD}{CERTIFICATE}"),
        (SERVER_KEY, f"{ETCD}{KEY}"),
        (CA_CERTIFICATE, f"{STACK_CA}{CERTIFICATE}"),
    ),
    # The names that MinIO looks for, and mc the last: https://min.io/docs/minio/linux/operations/network-encryption.html
    OBJECT_STORE: (
        ("public.crt", f"{OBJECT_STORE}{CERTIFICATE}"),
        ("private.key", f"{OBJECT_STORE}{KEY}"),
        ("CAs/ca.crt", f"{STACK_CA}{CERTIFICATE}"),
    ),
    KAFKA: (
        (KAFKA_CERTIFICATE, f"{KAFKA}{CERTIFICATE}"),
        ("kafka.keystore.key", f"{KAFKA}{KEY}"),
        (KAFKA_CA, f"{STACK_CA}{CERTIFICATE}"),
        (KAFKA_KEYSTORE, KAFKA_KEYSTORE),
        (KAFKA_CLIENT_SETTINGS, KAFKA_CLIENT_SETTINGS),
    ),
    MILVUS: (
        (CA_CERTIFICATE, f"{STACK_CA}{CERTIFICATE}"),
        *(
            (f"{name}{end}", f"{name}{end}")
            for name in (ETCD_CLIENT, KAFKA_CLIENT, INTERNAL)
            for end in (CERTIFICATE, KEY)
        ),
        (CA_BUNDLE, CA_BUNDLE),
    ),
}
"""What each directory below the TLS directory holds: the name there, and the one in the PKI directory."""

STORE_CAS: Final = "CAs"
"""In that of the object store: the CA alone, as MinIO and its clients look for it."""

_MADE_FOR: Final[Mapping[str, str]] = {
    CA_BUNDLE: OBJECT_STORE,
    KAFKA_KEYSTORE: KAFKA,
    KAFKA_CLIENT_SETTINGS: KAFKA,
}
MADE: Final = frozenset(_MADE_FOR)
"""What has no file of its name in the PKI directory: it is made of others."""


def mounted_beside(tls_dir: str, services: Iterable[str]) -> tuple[str, ...]:
    """The directories that containers of parts and services mount, or may.

    Args:
        tls_dir: The TLS directory.
        services: The services of the project.
    """
    own = neighbours_directory(tls_dir)
    named = (f"{own}/{name}" for name in services if re.match(NEIGHBOUR_NAME, name))
    return (*(f"{tls_dir}/{name}" for name in STACK_FILES), *named)


def is_known(name: str) -> bool:
    """Whether a name in the TLS directory is ours, or one of the nine that the guide of Milvus makes."""
    stem, dot, end = name.rpartition(".")
    ours = dot and stem in {CA, SERVER, CLIENT} and end in {"pem", "key", "csr", "srl"}
    return bool(ours) or name in {IGNORE_FILE, PROXY, *STACK_FILES}


def holds_key(file: str) -> bool:
    """Whether a private key is in a file of this name."""
    return file.endswith(KEY) or file == KAFKA_KEYSTORE


def identity_of(name: str) -> str:
    """The identity of a file that the PKI directory has, or would have, under a name."""
    return _MADE_FOR.get(name, name.rpartition(".")[0])


def stack_files(folder: str, identities: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What is in a directory below the TLS directory: the name there, and in the PKI directory.

    Args:
        folder: Its name.
        identities: The names of the identities that there are.
    """
    return tuple(pair for pair in STACK_FILES[folder] if identity_of(pair[1]) in identities)


def stack_folders(identities: Collection[str]) -> Mapping[str, tuple[tuple[str, str], ...]]:
    """The directories below the TLS directory, and what is in each.

    Args:
        identities: The names of the identities that there are; without a CA for them there are none.
    """
    wanted = [name for name in (ETCD, OBJECT_STORE, KAFKA) if name in identities]
    wanted += [MILVUS] * (STACK_CA in identities)
    return {folder: stack_files(folder, identities) for folder in wanted}


PKI_FILES: Final = (
    IGNORE_FILE,
    SERIAL_FILE,
    PUBLIC_ROOTS,
    *REQUESTS,
    *(
        f"{name}{end}"
        for name in (CA, SERVER, CLIENT, NEXT_CA, CLIENT_CA, *STACK)
        for end in (CERTIFICATE, KEY)
    ),
)
"""What enable and renew leave in the PKI directory, state.json apart."""

TLS_FILES: Final = (IGNORE_FILE, CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY)
"""What they leave in the directory that a proxy mounts."""

CA_KEYS: Final = (CA_KEY, NEXT_CA_KEY, CLIENT_CA_KEY, f"{STACK_CA}{KEY}")
"""The keys that issue; with those of a CA that was replaced, see ``RETIRED_CA``."""

CLIENTS_DIRECTORY: Final = "clients"
"""In the PKI directory: the certificates and keys of further clients."""
NEIGHBOUR_ROOTS: Final = "roots.pem"
"""The CA together with the public ones, for programs that take all of their CAs from one file."""
NEIGHBOUR_NAME: Final = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""The services that can have a directory: named as Compose names them, and not to lead elsewhere.

https://docs.docker.com/reference/compose-file/services/
"""
NEIGHBOUR_FILES: Final = (CA_CERTIFICATE, NEIGHBOUR_ROOTS, CLIENT_CERTIFICATE, CLIENT_KEY)
"""What a service that talks to Milvus may get to see, in a directory of its own."""
EXPORTS_DIRECTORY: Final = "exports"
"""Likewise: those of servers that ``export`` has set up elsewhere."""
FURTHER_DIRECTORIES: Final = (CLIENTS_DIRECTORY, EXPORTS_DIRECTORY)
BUNDLE: Final = ".p12"
UNLOCK: Final = f"{BUNDLE}.passphrase"
"""How the file ends that opens a PKCS #12 file, where the user gave nothing that does."""
CLIENT_FILES: Final = (CERTIFICATE, KEY, BUNDLE, UNLOCK)
"""How the names of a further client's files end."""


def neighbours_directory(tls_dir: str) -> str:
    """Where the services that talk to Milvus have their directories, one each.

    Next to the TLS directory and not in it: that is mounted into Milvus, which holds no key of a client.

    Args:
        tls_dir: The TLS directory.
    """
    return f"{tls_dir}-clients"


def ca_bundle(roots: bytes, ca: bytes) -> bytes:
    """What is in a file of CAs.

    Args:
        roots: The root certificates, PEM.
        ca: The CA next to them, PEM.
    """
    return roots + (b"" if not roots or roots.endswith(b"\n") else b"\n") + ca


def client_identity(service: str) -> str:
    """The name of the identity that a service of the project shows to Milvus."""
    return f"{CLIENTS_DIRECTORY}/{service}"


def retired_ca(name: str, sha256: str) -> str:
    """The name, without ending, that a CA's files get when it gives way.

    Args:
        name: Its name so far.
        sha256: The fingerprint of its certificate, in hex.
    """
    return f"{name}-{sha256[:8]}"
