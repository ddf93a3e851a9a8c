"""A CA that is about to issue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from compose_tls.errors import CertificateExpired, CertificateNotYetValid, ProfileViolation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.chain import issuers_of
from compose_tls.pki.inspection import is_ca, is_self_issued
from compose_tls.pki.keys import IssuingKey, load_private_key
from compose_tls.pki.pem import certificate_pem, read_certificates


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA that has been found able to issue now."""

    certificate: x509.Certificate
    key: IssuingKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain_pem(self) -> bytes:
        """What is sent beside what it issues: the intermediates, without the root (RFC 8446, 4.4.2)."""
        chain = (self.certificate, *self.above)
        return b"".join(certificate_pem(one) for one in chain if not is_self_issued(one))

    @property
    def not_after(self) -> datetime:
        """When the first certificate of its chain ends: what it issues is good for no longer."""
        return min(one.not_valid_after_utc for one in (self.certificate, *self.above))

    @classmethod
    def of(cls, pair: CertificateWithKey | None, now: datetime) -> Issuer | None:
        """The issuer that a pair holds; ``None`` for none.

        Raises:
            CertificateExpired: It has expired.
            CertificateNotYetValid: It is not valid yet.
            ProfileViolation: It is no CA, or has a key of another kind.
        """
        if pair is None:
            return None
        certificate, *others = read_certificates(pair.full_chain_pem, "the CA")
        name = certificate.subject.rfc4514_string()
        if not is_ca(certificate):
            raise ProfileViolation(
                f"{name} is not a CA certificate and can issue nothing",
                hint="give the certificate and key of a CA",
            )
        end, start = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if now > end:
            raise CertificateExpired(
                f"the CA {name} expired on {end:%Y-%m-%d %H:%M} UTC",
                hint="issue a new CA, or give one that is valid",
            )
        if now < start:
            raise CertificateNotYetValid(
                f"the CA {name} is valid only from {start:%Y-%m-%d %H:%M} UTC on",
                hint="check the clock of this machine, or give a CA that is valid",
            )
        key = load_private_key(pair.private_key_pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ProfileViolation(
                f"the CA {name} has a key of a kind that gRPC clients do not support",
                hint="give a CA with an ECDSA or RSA key",
            )
        return cls(certificate, key, issuers_of(certificate, others))
