"""The rules for certificates; each violation is an error in one sentence.

A rule is here when a client or server of Milvus refuses what breaks it: gRPC (BoringSSL: the SDKs for
Python and C++), Go (Milvus itself, and its SDK), Java or Node. What only rustls (the SDK for Rust) or
others refuse is a warning (``verify.concerns``). tests/judges shows each case to the stacks themselves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, PublicKeyAlgorithmOID

from compose_tls.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    DemoCertificate,
    ProfileViolation,
)
from compose_tls.pki.constraints import DNS_ALONE
from compose_tls.pki.demo import is_demo
from compose_tls.pki.inspection import (
    extension,
    is_ca,
    is_issued_by,
    parts_of,
    subtrees_of,
)
from compose_tls.pki.keys import key_type_of, public_key_der
from compose_tls.pki.name_forms import is_read, is_read_as_tree
from compose_tls.values import dataclass
from compose_tls.vocabulary import has_ended

# BR 6.1.5 and NIST SP 800-131A: RSA keys have at least 2048 bits; rustls counts octets, and some old
# generators make keys of a bit less, which are as strong. Go refuses to verify those of more
# than 8192 (crypto/tls, maxRSAKeySize).
_RSA_BITS: Final = range(2041, 8192 + 1)
_CURVES: Final = frozenset({"secp256r1", "secp384r1"})

# A CA only has its signatures verified: with P-521 all stacks do that but rustls with ring, of which
# verify.refusing_clients warns.
_CA_CURVES: Final = _CURVES | {"secp521r1"}

# Go reads no certificate with a key on another one (crypto/x509, namedCurveFromOID).
_READ_CURVES: Final = _CA_CURVES | {"secp224r1"}

# Keys that have one encoding in every certificate (RFC 3279 section 2.3).
_ENCODED_ONE_WAY: Final = (
    PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5,
    PublicKeyAlgorithmOID.EC_PUBLIC_KEY,
)

# What all stacks verify. Go knows no SHA-224 (crypto/x509, signatureAlgorithmDetails).
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})

# Of roots; not every build of OpenSSL verifies them.
_OLD_HASHES: Final = frozenset({"md5", "sha1"})

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
_SIGNED_SIMPLY: Final = "use a certificate signed with SHA-256 by an RSA or ECDSA key"
_RFC_5280: Final = "use a certificate made to RFC 5280"

# Java and Node ask whether its second bit says SSL server (openssl-req(1), nsCertType).
_NETSCAPE_TYPE: Final = x509.ObjectIdentifier("2.16.840.1.113730.1.1")
_NETSCAPE_SERVER: Final = 0x40
_BIT_STRING: Final = b"\x03"
_NO_BITS: Final = 3  # octets of one without bits

Purpose: TypeAlias = tuple[x509.ObjectIdentifier, str]
"""An extended key usage and its name."""

SERVER_AUTH: Final[Purpose] = (ExtendedKeyUsageOID.SERVER_AUTH, "serverAuth")
CLIENT_AUTH: Final[Purpose] = (ExtendedKeyUsageOID.CLIENT_AUTH, "clientAuth")


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
        """The rules for every certificate."""
        self._check_whose()
        self._check_dates(now)

    def _check_whose(self) -> None:
        if is_demo(self.certificate):
            raise DemoCertificate(
                f"{self.title} is the demo certificate of Milvus images, whose private key is public",
                hint="leave out the certificate options, so that compose-tls issues certificates",
                path=self.path,
            )

    def check_as_bystander(self) -> None:
        """The rules for a root that is not used, because another one leads to the server.

        The holder of its private key is still trusted, and Java reads all of the file or nothing.
        """
        self._check_whose()
        self._check_encoding()
        self._check_key(_CA_CURVES)
        for kind, check in (
            (x509.NameConstraints, self._check_subtrees),
            (x509.SubjectAlternativeName, self._check_names),
        ):
            held = extension(self.certificate, kind)
            if held and held.critical:
                check()

    def check_as_ca(self, now: datetime, purpose: Purpose | None = None, *, anchor: bool) -> None:
        """The rules for a CA certificate.

        Args:
            now: The time to judge by.
            purpose: What it issues for; ``None`` where that is not known.
            anchor: Whether it is trusted as it is: then no one looks at its own signature.
        """
        self.check_always(now)
        self._check_encoding()
        self._check_key(_CA_CURVES)
        if anchor:
            self._check_own_signature()
        else:
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
        """The additional rules for a server or client certificate.

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
        # The bits are behind tag, length and the number of those unused.
        bits = [one[3] if len(one) > _NO_BITS else 0 for one in self._netscape_types()]
        if purpose == SERVER_AUTH and not all(one & _NETSCAPE_SERVER for one in bits):
            raise self._violation(
                "is not for servers by its Netscape certificate type: Java and Node refuse it",
                _RFC_5280,
            )
        if not self.certificate.subject.rdns and names is not None and not names.critical:
            raise self._violation(
                "has no subject, and names that are not critical: Java refuses it", _RFC_5280
            )

    def _netscape_types(self) -> list[bytes]:
        found = [one.value for one in self.certificate.extensions if one.oid == _NETSCAPE_TYPE]
        return [one.public_bytes() for one in found]

    def _check_purpose(self, purpose: Purpose) -> None:
        oid, name = purpose
        purposes = extension(self.certificate, x509.ExtendedKeyUsage)
        if purposes is not None and oid not in purposes.value:
            raise self._violation(
                f"lacks the extended key usage {name}",
                f"use a certificate with {name}, or without extended key usages",
            )

    def check_form(self) -> None:
        """The encodings that some or all stacks cannot parse."""
        self.check_read()
        for one in self.certificate.extensions:
            if one.critical and not isinstance(one.value, _MAY_BE_CRITICAL):
                raise self._violation(
                    f"has the critical extension {one.oid.dotted_string}, which Go and gRPC refuse",
                    _RFC_5280,
                )
        if not all(one.startswith(_BIT_STRING) for one in self._netscape_types()):
            raise self._violation(
                "has an invalid Netscape certificate type, and Node refuses it", _RFC_5280
            )
        limits = extension(self.certificate, x509.NameConstraints)
        held = [name for names in subtrees_of(self.certificate) for name in names]
        if (
            limits
            and limits.critical
            and not all(isinstance(name, _KNOWN_CONSTRAINTS) for name in held)
        ):
            raise self._violation(
                "has name constraints of a kind that Go does not know", f"use {DNS_ALONE}"
            )

    def check_read(self) -> None:
        """The rules for every certificate in a chain, used or not."""
        self._check_encoding()
        self._check_names()
        self._check_subtrees()
        key = self.certificate.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _READ_CURVES:
            raise self._violation(f"has a key {key_type_of(key)}, which Go does not read", _NEW_KEY)
        lists = extension(self.certificate, x509.CRLDistributionPoints)
        if lists is not None and any(one.relative_name for one in lists.value):
            raise self._violation(
                "has a CRL distribution point relative to its issuer, and Go reads no such certificate",
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

    def _check_encoding(self) -> None:
        if not self.certificate.issuer.rdns:
            raise self._violation("names no issuer, and Java refuses it", _RFC_5280)
        if self.certificate.version is not x509.Version.v3 and list(self.certificate.extensions):
            raise self._violation(
                "is of version 1 and has extensions, and Go refuses it", _RFC_5280
            )
        _, signed_by, _ = parts_of(self.certificate.public_bytes(Encoding.DER))
        # Behind the serial number; version 1 has no version before it (RFC 5280 section 4.1).
        if signed_by not in parts_of(self.certificate.tbs_certificate_bytes)[1:3]:
            raise self._violation(
                "names two algorithms of its signature, and Go, Java and rustls refuse it",
                _RFC_5280,
            )
        key = self.certificate.public_key()
        usual = self.certificate.public_key_algorithm_oid in _ENCODED_ONE_WAY
        if usual and public_key_der(key) not in self.certificate.tbs_certificate_bytes:
            compressed = isinstance(key, ec.EllipticCurvePublicKey)
            what = "a compressed key" if compressed else "an RSA key without the NULL before it"
            raise self._violation(f"has {what}, and Go and others refuse it", _NEW_KEY)

    def _check_subtrees(self) -> None:
        held = [name for names in subtrees_of(self.certificate) for name in names]
        limits = extension(self.certificate, x509.NameConstraints)
        # The library leaves a minimum and a maximum out; it may spell directory names otherwise, too.
        if (
            limits
            and not any(isinstance(name, x509.DirectoryName) for name in held)
            and limits.value.public_bytes() not in self.certificate.tbs_certificate_bytes
        ):
            raise self._violation(
                "has name constraints with a minimum or maximum, and gRPC, Node and rustls refuse it",
                f"use {DNS_ALONE}",
            )
        unread = [name for name in held if not is_read_as_tree(name)]
        if unread:
            raise self._violation(
                f"has the name constraint {unread[0].value!r}, which Go or Java does not read",
                f"use {DNS_ALONE}",
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
                f"has a key {kind}, a kind that gRPC, or Java before 15, does not support", _NEW_KEY
            )

    def _check_own_signature(self) -> None:
        """That of a root: however weak, Node has to know it to know that the root is one."""
        algorithm = self._hash()
        name = algorithm.name if algorithm else ""
        on_curve = isinstance(self.certificate.public_key(), ec.EllipticCurvePublicKey)
        if (on_curve and name.startswith("sha3-")) or not (
            name in _OLD_HASHES or is_issued_by(self.certificate, self.certificate)
        ):
            raise self._violation(
                "is self-signed with an algorithm that Node does not support", _SIGNED_SIMPLY
            )

    def _hash(self) -> hashes.HashAlgorithm | None:
        try:
            return self.certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            return None

    def _check_signature(self) -> None:
        algorithm = self._hash()
        if algorithm is None or algorithm.name not in _HASHES:
            name = algorithm.name.upper() if algorithm else "an algorithm that gRPC does not know"
            raise self._violation(
                f"is signed with {name}, which clients in Go and others refuse",
                _SIGNED_SIMPLY,
            )
        by = self.certificate.signature_algorithm_parameters
        # All of them take only the parameters that RFC 8446 section 4.2.3 has.
        if isinstance(by, padding.PSS) and (by._salt_length, by._mgf._algorithm.name) != (  # noqa: SLF001 - have no other names
            algorithm.digest_size,
            algorithm.name,
        ):
            raise self._violation(
                "is signed by RSA-PSS with another hash within, or a salt of another length, which gRPC,"
                " Go and rustls refuse",
                _SIGNED_SIMPLY,
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
