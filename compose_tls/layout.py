"""Every name in the PKI directory (``cert/``) and in the TLS directory (``tls/``)."""

from __future__ import annotations

import re
from typing import Final

# The permission bits that files of ours are born with.
PUBLIC: Final = 0o644
PRIVATE: Final = 0o600
PUBLIC_DIRECTORY: Final = 0o755
PRIVATE_DIRECTORY: Final = 0o700

CERTIFICATE: Final = ".pem"
KEY: Final = ".key"
REQUEST: Final = ".csr"
"""How the names of a certificate, its private key and its signing request end."""

CA: Final = "ca"
NEXT_CA: Final = "next-ca"
"""The CA that takes over once every client trusts it, as files of the PKI directory are named."""
SERVER: Final = "server"
CLIENT: Final = "client"

CA_CERTIFICATE: Final = f"{CA}{CERTIFICATE}"
CA_KEY: Final = f"{CA}{KEY}"
SERVER_CERTIFICATE: Final = f"{SERVER}{CERTIFICATE}"
SERVER_KEY: Final = f"{SERVER}{KEY}"
CLIENT_CERTIFICATE: Final = f"{CLIENT}{CERTIFICATE}"
CLIENT_KEY: Final = f"{CLIENT}{KEY}"
NEXT_CA_CERTIFICATE: Final = f"{NEXT_CA}{CERTIFICATE}"
NEXT_CA_KEY: Final = f"{NEXT_CA}{KEY}"
REQUESTS: Final = (f"{SERVER}{REQUEST}", f"{CLIENT}{REQUEST}")

SERIAL_FILE: Final = "ca.srl"
"""The serial number that ``openssl x509 -CAserial`` counts on from, as the Milvus guide has it."""
STATE_FILE: Final = "state.json"
IGNORE_FILE: Final = ".gitignore"

RETIRED_CA: Final = re.compile(r"ca-[0-9a-f]{8}\.(?:pem|key)")
"""The files of a CA that gave way to one that the user named: after its fingerprint."""

PKI_FILES: Final = (
    IGNORE_FILE,
    SERIAL_FILE,
    *REQUESTS,
    *(f"{name}{end}" for name in (CA, SERVER, CLIENT, NEXT_CA) for end in (CERTIFICATE, KEY)),
)
"""What enable and renew leave in the PKI directory, state.json apart."""

TLS_FILES: Final = (IGNORE_FILE, CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY)
"""What they leave in the TLS directory."""

CLIENTS_DIRECTORY: Final = "clients"
"""In the PKI directory: the certificates and keys of further clients."""
PUBLIC_ROOTS: Final = "roots.pem"
"""The CA together with the public ones, for programs that take all of their CAs from one file."""
NEIGHBOUR_NAME: Final = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""The services that can have a directory: named as Compose names them, and not to lead elsewhere.

https://docs.docker.com/reference/compose-file/services/
"""
NEIGHBOUR_FILES: Final = (CA_CERTIFICATE, PUBLIC_ROOTS, CLIENT_CERTIFICATE, CLIENT_KEY)
"""What a service that talks to Milvus may get to see, in a directory of its own."""
BUNDLE: Final = ".p12"
UNLOCK: Final = f"{BUNDLE}.passphrase"
"""How the file ends that opens a PKCS #12 file, where the user gave nothing that does."""
CLIENT_FILES: Final = (CERTIFICATE, KEY, BUNDLE, UNLOCK)
"""How the names of a further client's files end."""


def neighbours_directory(tls_dir: str) -> str:
    """Where the services that talk to Milvus have their directories, one each.

    Beside the TLS directory and not in it: that is mounted into Milvus, which holds no key of a client.

    Args:
        tls_dir: The TLS directory.
    """
    return f"{tls_dir}-clients"


def client_identity(service: str) -> str:
    """The name of the identity that a service of the project shows to Milvus."""
    return f"{CLIENTS_DIRECTORY}/{service}"


def retired_ca(sha256: str) -> str:
    """The name, without ending, that a CA's files get when it gives way.

    Args:
        sha256: The fingerprint of its certificate, in hex.
    """
    return f"{CA}-{sha256[:8]}"
