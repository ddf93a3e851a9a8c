"""A certificate with its private key, as bytes that can be written."""

from __future__ import annotations

from dataclasses import field

from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class CertificateWithKey:
    """A certificate, its private key, and the intermediates that lead to the root.

    Attributes:
        certificate_pem: One certificate, PEM.
        private_key_pem: Unencrypted PKCS #8, PEM: Milvus cannot ask for a passphrase.
        chain_pem: Intermediate certificates, the issuer of ``certificate_pem`` first; often empty.
    """

    certificate_pem: bytes
    private_key_pem: bytes = field(repr=False)
    chain_pem: bytes = b""

    @property
    def full_chain_pem(self) -> bytes:
        """What a TLS peer presents: the certificate first, then the intermediates.

        Source: RFC 8446 section 4.4.2.
        """
        return self.certificate_pem + self.chain_pem
