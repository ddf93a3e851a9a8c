"""What several tests of this package share; RSA keys are made once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from compose_tls.changes import CertificateOrder
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all
from tests.moment import NOW
from tests.unit.pki.minting import SUBJECT, mint


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def issued() -> Mapping[str, CertificateWithKey]:
    """CA, server and client as enable has them issued, P-256."""
    return issue_all(
        [
            CertificateOrder("ca", f"CN=compose-tls CA,{SUBJECT}", "ecdsa-p256", 3650),
            CertificateOrder(
                "server",
                f"CN=localhost,{SUBJECT}",
                "ecdsa-p256",
                825,
                ("localhost", "milvus_standalone", "*.milvus.example"),
                ("127.0.0.1", "::1"),
            ),
            CertificateOrder(
                "client", f"CN=client,{SUBJECT}", "ecdsa-p256", 825, ("client.milvus.internal",)
            ),
        ],
        None,
        NOW,
    )


@pytest.fixture(scope="session")
def ca() -> CertificateWithKey:
    """A CA that a user brings."""
    return mint("brought CA", ca=True)
