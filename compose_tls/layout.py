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
IGNORE_FILE: Final = ".gitignore"

RETIRED_CA: Final = re.compile(r"(?:client-)?ca-[0-9a-f]{8}\.(?:pem|key)")
"""The files of a CA that gave way to one that the user named: after its fingerprint."""

PKI_FILES: Final = (
    IGNORE_FILE,
    SERIAL_FILE,
    *REQUESTS,
    *(
        f"{name}{end}"
        for name in (CA, SERVER, CLIENT, NEXT_CA, CLIENT_CA)
        for end in (CERTIFICATE, KEY)
    ),
)
"""What enable and renew leave in the PKI directory, state.json apart."""

TLS_FILES: Final = (IGNORE_FILE, CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY)
"""What they leave in the TLS directory."""

CLIENTS_DIRECTORY: Final = "clients"
"""In the PKI directory: the certificates and keys of further clients."""
BUNDLE: Final = ".p12"
UNLOCK: Final = f"{BUNDLE}.passphrase"
"""How the file ends that opens a PKCS #12 file, where the user gave nothing that does."""
CLIENT_FILES: Final = (CERTIFICATE, KEY, BUNDLE, UNLOCK)
"""How the names of a further client's files end."""


def retired_ca(name: str, sha256: str) -> str:
    """The name, without ending, that a CA's files get when it gives way.

    Args:
        name: Its name so far.
        sha256: The fingerprint of its certificate, in hex.
    """
    return f"{name}-{sha256[:8]}"
