"""The rules that a certificate is judged by, each broken one said in a sentence.

A rule is here when a client or server of Milvus refuses what breaks it: gRPC (BoringSSL: the SDKs for
Python and C++), Go (Milvus itself, and its SDK), Java or Node. What only rustls (the SDK for Rust) or
others refuse is a warning (``verify.concerns``). tests/judges shows each case to the stacks themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, PublicKeyAlgorithmOID

from compose_tls.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    DemoCertificate,
    ProfileViolation,
)
from compose_tls.pki.inspection import (
    extension,
    is_ca,
    is_self_signed,
    names_another_issuer,
    names_of,
)
from compose_tls.pki.keys import key_type_of, public_key_der
from compose_tls.pki.name_forms import is_read, is_read_as_tree
from compose_tls.values import dataclass
from compose_tls.vocabulary import has_ended

# BR 6.1.5 and NIST SP 800-131A: RSA keys have at least 2048 bits. Go refuses to verify those of more
# than 8192 (crypto/tls, maxRSAKeySize).
_RSA_BITS: Final = range(2048, 8192 + 1)
_CURVES: Final = frozenset({"secp256r1", "secp384r1"})

# A CA only has its signatures verified: with P-521 all stacks do that but rustls with ring, of which
# verify.refusing_clients warns.
_CA_CURVES: Final = _CURVES | {"secp521r1"}

# What all stacks verify. Go knows no SHA-224 (crypto/x509, signatureAlgorithmDetails).
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})

# Other critical extensions are refused by Go (crypto/x509, parser.go), gRPC or Java; the last three by
# rustls, of which verify.refusing_clients warns. Of constraints, Go knows these kinds.
_MAY_BE_CRITICAL: Final = (
    x509.BasicConstraints,
    x509.KeyUsage,
    x509.ExtendedKeyUsage,
    x509.SubjectAlternativeName,
    x509.NameConstraints,
    x509.CertificatePolicies,
    x509.PolicyConstraints,
    x509.InhibitAnyPolicy,
)
_KNOWN_CONSTRAINTS: Final = (
    x509.DNSName,
    x509.IPAddress,
    x509.RFC822Name,
    x509.UniformResourceIdentifier,
)

_NEW_KEY: Final = (
    "use a certificate with an ECDSA P-256 or P-384 key, or RSA with 2048 to 8192 bits"
)
_RFC_5280: Final = "use a certificate made to RFC 5280"
_SIMPLER_CA: Final = "use a CA that has only DNS name constraints, or none"

# Java and Node ask whether its second bit says SSL server (openssl-req(1), nsCertType).
_NETSCAPE_TYPE: Final = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
_NETSCAPE_SERVER: Final = 0x40

Purpose: TypeAlias = tuple[x509.ObjectIdentifier, str]
"""An extended key usage and its name."""

SERVER_AUTH: Final[Purpose] = (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth")
CLIENT_AUTH: Final[Purpose] = (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth")


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
        self._check_whose()
        self._check_dates(now)

    def _check_whose(self) -> None:
        if _is_demo(self.certificate):
            raise DemoCertificate(
                f"{self.title} is the demo certificate of Milvus images, whose private key is public",
                hint="leave out the certificate options, so that compose-tls issues certificates",
                path=self.path,
            )

    def check_as_bystander(self) -> None:
        """What holds for a root that no one looks at, because another one leads to the server.

        Anyone with its private key is still trusted.
        """
        self._check_whose()
        self._check_key(_CA_CURVES)

    def check_as_ca(self, now: datetime, purpose: Purpose | None = None, *, anchor: bool) -> None:
        """What holds for a certificate that issues others.

        Args:
            now: The time to judge by.
            purpose: What it issues for; ``None`` where that is not known.
            anchor: Whether it is trusted as it is: then no one looks at its own signature.
        """
        self.check_always(now)
        self._check_key(_CA_CURVES)
        if not anchor:
            self._check_signature()
        constraints = extension(self.certificate, x509.BasicConstraints)
        usage = extension(self.certificate, x509.KeyUsage)
        # What was made before there were extensions is a CA where it is trusted as it is.
        old = anchor and self.certificate.version is x509.Version.v1
        if not old and (constraints is None or not constraints.value.ca):
            raise self._violation("is not a CA certificate", "give the certificate of the CA")
        if usage is not None and not usage.value.key_cert_sign:
            raise self._violation("may not sign certificates", "give the certificate of the CA")
        if not self.certificate.subject.rdns:
            raise self._violation("has no subject, and Java refuses it", _RFC_5280)
        if purpose is not None:
            self._check_purpose(purpose)

    def check_as_end_entity(self, purpose: Purpose, *, trusted: bool) -> None:
        """What holds for a server or client certificate, on top of what holds for every one.

        Args:
            purpose: What it is for.
            trusted: Whether the other side trusts this very certificate, which signed itself.
        """
        self._check_key(_CURVES)
        self._check_signature()
        usage = extension(self.certificate, x509.KeyUsage)
        names = extension(self.certificate, x509.SubjectAlternativeName)
        if is_ca(self.certificate) and not trusted:
            raise self._violation(
                "is a CA certificate: with its key, the container could issue for any name",
                "use an end-entity certificate that the CA issued",
            )
        if usage is not None and not usage.value.digital_signature:
            raise self._violation(
                "lacks the key usage digitalSignature, which TLS 1.3 needs",
                "use a certificate with that key usage",
            )
        self._check_purpose(purpose)
        types = [one.value for one in self.certificate.extensions if one.oid == _NETSCAPE_TYPE]
        # The bits stand behind tag, length and the number of those unused.
        if purpose == SERVER_AUTH and not all(
            one.public_bytes()[3] & _NETSCAPE_SERVER for one in types
        ):
            raise self._violation(
                "is not for servers by its Netscape certificate type: Java and Node refuse it",
                _RFC_5280,
            )
        if not self.certificate.subject.rdns and names is not None and not names.critical:
            raise self._violation(
                "has no subject, and names that are not critical: Java refuses it", _RFC_5280
            )

    def _check_purpose(self, purpose: Purpose) -> None:
        oid, name = purpose
        purposes = extension(self.certificate, x509.ExtendedKeyUsage)
        if purposes is not None and oid not in purposes.value:
            raise self._violation(
                f"lacks the extended key usage {name}",
                f"use a certificate with {name}, or without extended key usages",
            )

    def check_form(self) -> None:
        """What no stack, or not every one, reads."""
        if self.certificate.version is not x509.Version.v3 and list(self.certificate.extensions):
            raise self._violation(
                "is of version 1 and has extensions, and Go refuses it", _RFC_5280
            )
        self._check_names()
        for one in self.certificate.extensions:
            if one.critical and not isinstance(one.value, _MAY_BE_CRITICAL):
                raise self._violation(
                    f"has the critical extension {one.oid.dotted_string}, which Go and gRPC refuse",
                    _RFC_5280,
                )
        policies = extension(self.certificate, x509.CertificatePolicies)
        if policies is not None:
            told = [one.policy_identifier for one in policies.value]
            if not told or len(set(told)) < len(told):
                raise self._violation(
                    "has no certificate policy in their list, or one twice, and gRPC refuses it",
                    _RFC_5280,
                )
        limits = extension(self.certificate, x509.NameConstraints)
        subtrees = (
            (limits.value.permitted_subtrees, limits.value.excluded_subtrees) if limits else ()
        )
        held = [name for names in subtrees for name in names or ()]
        if (
            limits
            and limits.critical
            and not all(isinstance(name, _KNOWN_CONSTRAINTS) for name in held)
        ):
            raise self._violation(
                "has name constraints of a kind that Go does not know", _SIMPLER_CA
            )
        unread = [name for name in held if not is_read_as_tree(name)]
        if unread:
            raise self._violation(
                f"has the name constraint {unread[0].value!r}, which Go or Java does not read",
                _SIMPLER_CA,
            )

    def _check_names(self) -> None:
        names = extension(self.certificate, x509.SubjectAlternativeName)
        unread = [name for name in names.value if not is_read(name)] if names else []
        if unread:
            raise self._violation(
                f"holds the name {unread[0].value}, and Go or Java cannot read such a certificate",
                "use a certificate without that name",
            )
        mapped = [
            str(address)
            for address in (names.value.get_values_for_type(x509.IPAddress) if names else ())
            if getattr(address, "ipv4_mapped", None)
        ]
        if mapped:
            raise self._violation(
                f"holds the IPv4-mapped address {', '.join(mapped)}, and Go, and so Milvus, "
                "cannot read such a certificate",
                "use a certificate with the IPv4 address itself",
            )

    def _check_key(self, curves: frozenset[str]) -> None:
        key = self.certificate.public_key()
        if self.certificate.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
            raise self._violation("has an RSA-PSS key, which gRPC clients do not support", _NEW_KEY)
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size not in _RSA_BITS:
                extreme = "weak" if key.key_size < _RSA_BITS.start else "large"
                raise self._violation(
                    f"has an RSA key of {key.key_size} bits, too {extreme}", _NEW_KEY
                )
        elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in curves:
            kind = key_type_of(key)
            raise self._violation(
                f"has a key {kind}, a kind that gRPC clients do not support", _NEW_KEY
            )
        elif public_key_der(key) not in self.certificate.tbs_certificate_bytes:
            raise self._violation("has a compressed key, and Go and Java refuse it", _NEW_KEY)

    def _check_signature(self) -> None:
        try:
            algorithm = self.certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            algorithm = None
        if algorithm is None or algorithm.name not in _HASHES:
            name = algorithm.name.upper() if algorithm else "an algorithm that gRPC does not know"
            raise self._violation(
                f"is signed with {name}, which clients in Go and others refuse",
                "use a certificate signed with SHA-256 by an RSA or ECDSA key",
            )
        by = self.certificate.signature_algorithm_parameters
        # All of them take the one length alone that RFC 8446 section 4.2.3 has.
        if isinstance(by, padding.PSS) and by._salt_length != algorithm.digest_size:  # noqa: SLF001 - has no other name
            raise self._violation(
                "is signed by RSA-PSS with a salt of another length than its hash, which gRPC, Go and "
                "rustls refuse",
                "use a certificate signed with SHA-256 by an RSA or ECDSA key",
            )

    def _check_dates(self, now: datetime) -> None:
        start = self.certificate.not_valid_before_utc
        end = self.certificate.not_valid_after_utc
        if has_ended(end, now):
            raise CertificateExpired(
                f"{self.title} expired on {end:%Y-%m-%d %H:%M} UTC",
                hint="renew it, or leave out the certificate options, so that compose-tls issues "
                "certificates",
                path=self.path,
            )
        if now < start:
            raise CertificateNotYetValid(
                f"{self.title} is valid only from {start:%Y-%m-%d %H:%M} UTC on",
                hint="check the clock of this machine, or use a certificate that is valid now",
                path=self.path,
            )

    def _violation(self, what: str, hint: str) -> ProfileViolation:
        return ProfileViolation(f"{self.title} {what}", hint=hint, path=self.path)


def check_links(chain: Sequence[x509.Certificate], path: str) -> None:
    """Make sure that each certificate names the one above it, and the root itself, as its issuer.

    Args:
        chain: From the end entity up to what is trusted.
        path: The file that errors name.

    Raises:
        ProfileViolation: One names another serial number or issuer, in addition to the key.
    """
    last = chain[-1]
    above = [*chain[1:], *([last] if is_self_signed(last) else [])]
    for certificate, issuer in zip(chain, above, strict=False):
        if names_another_issuer(certificate, issuer):
            name = certificate.subject.rfc4514_string() or path
            raise ProfileViolation(
                f"the authority key identifier of {name} has serial number and issuer of another"
                f" certificate than its CA {issuer.subject.rfc4514_string()}: Node refuses it",
                hint="use a certificate whose authority key identifier has only the key of its CA",
                path=path,
            )


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
