"""The rules that a certificate is judged by, each broken one said in a sentence.

They are those of the strictest peers: OpenSSL's strict mode (the default of Python from 3.13 on), Go
(Milvus itself) and BoringSSL (gRPC clients).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compose_tls.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    DemoCertificate,
    ProfileViolation,
)
from compose_tls.pki.inspection import extension, is_ca, is_self_issued, names_of
from compose_tls.pki.keys import key_type_of, public_key_der
from compose_tls.vocabulary import has_ended

# BR 6.1.5 and NIST SP 800-131A: RSA keys have at least 2048 bits. Go refuses to verify those of more
# than 8192 (crypto/tls, maxRSAKeySize).
_RSA_BITS: Final = range(2048, 8192 + 1)
_CURVES: Final = frozenset({"secp256r1", "secp384r1"})

_BROKEN_HASHES: Final = frozenset({"md5", "sha1"})

_NEW_KEY: Final = (
    "use a certificate with an ECDSA P-256 or P-384 key, or RSA with 2048 to 8192 bits"
)
_STRICT: Final = "OpenSSL in strict mode, and so Python from 3.13 on, refuses it"

SERVER_AUTH: Final = (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth")
CLIENT_AUTH: Final = (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth")


# The demo certificates in Milvus images protect nothing, since their keys are public: SHA-256 of the
# public keys of ca.pem, server.pem and client.pem in configs/cert of the Milvus
# repository, since version 2.1; the private keys lie beside them there and in every image.
_DEMO_PUBLIC_KEYS: Final = frozenset(
    {
        "0910eccda921ace7fbb64961f976a2dca359e95e4dbecf02d47ca2d3b0e0fc05",
        "94226eaf3a8acb733dafa214dc91fbee87b787a94c9ba147c6b2f314f59cc9d7",
        "08415416c5c5af5504e3a27ec383b8baf238d3595db39e5a292079d3d49baa9a",
    }
)

# What else they have in common. The names alone prove nothing: the guide of Milvus 2.1 and 2.2 put
# them into every certificate that was made with it.
_DEMO_COMMON_NAME: Final = "localhost"
_DEMO_NAMES: Final = frozenset({"localhost", "*.ronething.cn", "*.ronething.com"})
_DEMO_LAST_DAY: Final = date(2032, 4, 28)


@dataclass(frozen=True, slots=True)
class Judged:
    """A certificate under judgement.

    Attributes:
        title: How sentences about it begin.
        path: The file that errors name.
    """

    certificate: x509.Certificate
    title: str
    path: str

    def check_always(self, now: datetime) -> None:
        """What holds for every certificate."""
        if _is_demo(self.certificate):
            raise DemoCertificate(
                f"{self.title} is the demo certificate of Milvus images, whose private key is public",
                hint="leave the certificate options out to have certificates issued",
                path=self.path,
            )
        self._check_key()
        self._check_signature()
        self._check_dates(now)

    def check_as_ca(self, now: datetime) -> None:
        """What holds for a certificate that issues others."""
        self.check_always(now)
        constraints = extension(self.certificate, x509.BasicConstraints)
        usage = extension(self.certificate, x509.KeyUsage)
        if constraints is None or not constraints.value.ca:
            raise self._violation("is not a CA certificate", "give the certificate of the CA")
        if usage is not None and not usage.value.key_cert_sign:
            raise self._violation("may not sign certificates", "give the certificate of the CA")
        for present, what in (
            (usage is not None, "no key usage"),
            (constraints.critical, "basic constraints that are not critical"),
            (self._has(x509.SubjectKeyIdentifier), "no subject key identifier"),
        ):
            if not present:
                raise self._violation(f"has {what}; {_STRICT}", "use a CA made to RFC 5280")
        limits = extension(self.certificate, x509.NameConstraints)
        subtrees = limits.value if limits else None
        named = (
            [*(subtrees.permitted_subtrees or ()), *(subtrees.excluded_subtrees or ())]
            if subtrees
            else []
        )
        if any(isinstance(name, x509.IPAddress) for name in named):
            raise self._violation(
                "has name constraints on IP addresses, with which gRPC refuses every connection",
                "use a CA that is constrained by DNS names alone, or not at all",
            )

    def check_as_end_entity(self, purpose: tuple[x509.ObjectIdentifier, str]) -> None:
        """What holds for a server or client certificate, on top of what holds for every one."""
        oid, purpose_name = purpose
        usage = extension(self.certificate, x509.KeyUsage)
        purposes = extension(self.certificate, x509.ExtendedKeyUsage)
        if is_ca(self.certificate):
            raise self._violation(
                "is a CA certificate: with its key, the container could issue for any name",
                "use an end-entity certificate that the CA issued",
            )
        if usage is not None and not usage.value.digital_signature:
            raise self._violation(
                "lacks the key usage digitalSignature, which TLS 1.3 needs",
                "use a certificate with that key usage",
            )
        if purposes is not None and oid not in purposes.value:
            raise self._violation(
                f"lacks the extended key usage {purpose_name}",
                f"use a certificate with {purpose_name}, or with no extended key usage at all",
            )
        if not is_self_issued(self.certificate) and not self._has(x509.AuthorityKeyIdentifier):
            raise self._violation(
                f"has no authority key identifier; {_STRICT}", "use a certificate made to RFC 5280"
            )

    def _check_key(self) -> None:
        key = self.certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size not in _RSA_BITS:
                extreme = "weak" if key.key_size < _RSA_BITS.start else "large"
                raise self._violation(
                    f"has an RSA key of {key.key_size} bits, too {extreme}", _NEW_KEY
                )
        elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
            kind = key_type_of(key)
            raise self._violation(
                f"has a key {kind}, a kind that gRPC clients do not support", _NEW_KEY
            )

    def _check_signature(self) -> None:
        if is_self_issued(self.certificate) and is_ca(self.certificate):
            return  # a root is trusted because it is at hand: nobody looks at its own signature
        try:
            algorithm = self.certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            algorithm = None
        if algorithm is None or algorithm.name in _BROKEN_HASHES:
            name = algorithm.name.upper() if algorithm else "an algorithm that gRPC does not know"
            raise self._violation(
                f"is signed with {name}, which clients refuse",
                "use a certificate signed with SHA-256 by an RSA or ECDSA key",
            )

    def _check_dates(self, now: datetime) -> None:
        start = self.certificate.not_valid_before_utc
        end = self.certificate.not_valid_after_utc
        if has_ended(end, now):
            raise CertificateExpired(
                f"{self.title} expired on {end:%Y-%m-%d %H:%M} UTC",
                hint="renew it, or leave the certificate options out to have certificates issued",
                path=self.path,
            )
        if now < start:
            raise CertificateNotYetValid(
                f"{self.title} is valid only from {start:%Y-%m-%d %H:%M} UTC on",
                hint="check the clock of this machine, or use a certificate that is valid now",
                path=self.path,
            )

    def _has(self, kind: type[x509.ExtensionType]) -> bool:
        return extension(self.certificate, kind) is not None

    def _violation(self, what: str, hint: str) -> ProfileViolation:
        return ProfileViolation(f"{self.title} {what}", hint=hint, path=self.path)


def _is_demo(certificate: x509.Certificate) -> bool:
    """Whether a certificate is one of the demo certificates, or another one for their keys."""
    digest = hashlib.sha256(public_key_der(certificate.public_key())).hexdigest()
    if digest in _DEMO_PUBLIC_KEYS:
        return True
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return (
        [name.value for name in names] == [_DEMO_COMMON_NAME]
        and set(names_of(certificate)[0]) == _DEMO_NAMES
        and certificate.not_valid_after_utc.date() == _DEMO_LAST_DAY
    )
