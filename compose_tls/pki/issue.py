"""Certificates made from orders, each under its profile."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from compose_tls.changes import CertificateOrder
from compose_tls.errors import CertificateExpired, CertificateNotYetValid, ProfileViolation
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.constraints import require_permitted
from compose_tls.pki.inspection import (
    earliest_end,
    is_ca,
    is_self_signed,
    issuers_of,
    permitted_dns_of,
)
from compose_tls.pki.issuing_limits import require_no_address_constraints, require_sendable
from compose_tls.pki.keys import (
    IssuingKey,
    generate_key,
    load_private_key,
    private_key_pem,
    signature_hash,
)
from compose_tls.pki.names import split_names
from compose_tls.pki.pem import certificate_pem, read_certificates
from compose_tls.pki.profiles import (
    BACKDATE,
    INCLUSIVE_END,
    PROFILES,
    CertificateProfile,
    extensions,
)
from compose_tls.pki.subject import extend_common_name, parse_subject
from compose_tls.values import dataclass
from compose_tls.vocabulary import Profile, has_ended

_ORDER: Final[tuple[Profile, ...]] = ("ca", "server", "peer", "client")

# 32 bits: enough that no two CAs on one machine share a name, few enough to compare by eye.
_SUFFIX_BYTES: Final = 4

# UTCTime begins there, and what is not before it has to be UTCTime until 2049: RFC 5280 section 4.1.2.5.
_FIRST_YEAR: Final = 1950


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA that has been found able to issue now."""

    certificate: x509.Certificate
    key: IssuingKey = field(repr=False)
    above: tuple[x509.Certificate, ...] = ()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What is sent with what it issues: the intermediates, without the root (RFC 8446, 4.4.2)."""
        found = (self.certificate, *self.above)
        return tuple(one for one in found if not is_self_signed(one))

    @property
    def chain_pem(self) -> bytes:
        """The same, PEM."""
        return b"".join(map(certificate_pem, self.chain))

    @property
    def not_after(self) -> datetime:
        """When the first certificate of its chain ends: what it issues is valid for no longer."""
        return earliest_end(self.certificate, *self.above)

    @classmethod
    def of(cls, pair: CertificateWithKey | None, now: datetime) -> Issuer | None:
        """The issuer that a pair holds; ``None`` for none.

        Raises:
            CertificateExpired: It has expired.
            CertificateNotYetValid: It is not valid yet.
            ProfileViolation: It is not a CA, or has a key of another kind.
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
        if has_ended(end, now):
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


def issue_all(
    orders: Iterable[CertificateOrder], ca: CertificateWithKey | None, now: datetime
) -> dict[str, CertificateWithKey]:
    """Make everything that is ordered: the CA first, then server and client under it.

    A CA signs itself and gets a random suffix to its common name: two CAs under one name, or a CA
    under the name of what it issues, confuse chain building. A certificate never outlives its issuer:
    its end is moved forward to the issuer's, which its facts then show. What an intermediate issues
    brings the chain along.

    Args:
        orders: At most one for each identity.
        ca: The CA to issue under; an ordered CA takes its place.
        now: The time of issue, aware.

    Returns:
        What was ordered, by the name of the identity.

    Raises:
        NameInvalid: A subject or a name is not allowed in a certificate.
        CertificateExpired: The given CA has expired.
        CertificateNotYetValid: The given CA is not valid yet.
        ProfileViolation: The given CA is not a CA, has a key of another kind or the subject of what it
            is to issue; or an end-entity certificate has no name, or more names than clients read.
        NameNotPermitted: The given CA is constrained to other names.
        ValueError: Two orders for one identity, or no CA to issue under: a caller's mistake.
    """
    orders = sorted(orders, key=lambda order: _ORDER.index(order.profile))
    if len({order.name for order in orders}) != len(orders):
        msg = "at most one order for each identity"
        raise ValueError(msg)
    new_ca = any(order.profile == "ca" for order in orders)
    issuer = None if new_ca else Issuer.of(ca, now)
    issued: dict[str, CertificateWithKey] = {}
    for order, key in zip(orders, _keys(orders), strict=True):
        certificate = _certificate(order, key, issuer, now)
        issued[order.name] = _pair(certificate, key, issuer)
        if order.profile == "ca":
            issuer = Issuer(certificate, key)
        elif issuer is not None:
            require_sendable((certificate, *issuer.chain), path=f"{order.name}.pem")
    return issued


def issue_clients(
    orders: Sequence[CertificateOrder], ca: CertificateWithKey, now: datetime
) -> Iterator[CertificateWithKey]:
    """Make certificates for any number of clients; the CA is read and looked at once.

    Args:
        orders: What to make, none of them a CA.
        ca: The CA to issue under.
        now: The time of issue, aware.

    Yields:
        What was ordered, in its order.

    Raises:
        NameInvalid: A subject or a name is not allowed in a certificate.
        CertificateExpired: The CA has expired.
        CertificateNotYetValid: The CA is not valid yet.
        ProfileViolation: The CA is not a CA, has a key of another kind or the subject of what it is to
            issue; or a certificate has no name.
        NameNotPermitted: The CA is constrained to other names.
    """
    issuer = Issuer.of(ca, now)
    for order, key in zip(orders, _keys(orders), strict=True):
        yield _pair(_certificate(order, key, issuer, now), key, issuer)


def issue_expired(
    order: CertificateOrder, ca: CertificateWithKey, now: datetime
) -> CertificateWithKey:
    """Make a certificate that was valid for one day and is not any more, to be refused.

    Args:
        order: What to make; its days do not count.
        ca: The CA to issue under, be it younger than the certificate.
        now: The time of issue, aware.

    Raises:
        CertificateError: As of ``issue_clients``.
    """
    issuer, key = Issuer.of(ca, now), generate_key(order.key_type)
    end = now.astimezone(UTC).replace(microsecond=0) - timedelta(days=1)
    certificate = _certificate(order, key, issuer, now, (end - timedelta(days=1), end))
    return _pair(certificate, key, issuer)


def _certificate(
    order: CertificateOrder,
    key: IssuingKey,
    issuer: Issuer | None,
    now: datetime,
    validity: tuple[datetime, datetime] | None = None,
) -> x509.Certificate:
    profile = PROFILES[order.profile]
    if profile.is_ca != (issuer is None):
        msg = f"a {order.profile} certificate {'signs itself' if profile.is_ca else 'needs an issuer'}"
        raise ValueError(msg)
    subject = _subject(order, profile, issuer)
    dns_names, ip_addresses = split_names([*order.dns_names, *order.ip_addresses])
    if not profile.is_ca and not (dns_names or ip_addresses):
        raise ProfileViolation(
            f"a {order.profile} certificate without names is refused by every client",
            hint="give it at least one DNS name or IP address",
        )
    if issuer is not None:
        require_permitted(
            dns_names,
            permitted_dns_of(issuer.certificate),
            issuer.certificate.subject.rfc4514_string(),
        )
        require_no_address_constraints((issuer.certificate, *issuer.above), ip_addresses)
    start, end = validity or _validity(order.days, issuer, now)
    if start.year < _FIRST_YEAR:
        raise _no_such_time(now)
    builder = x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer.certificate.subject if issuer else subject,
        public_key=key.public_key(),
        # RFC 5280 section 4.1.2.2 allows 20 octets; BR 7.1 asks for 64 random bits; these are 159.
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )
    for extension, critical in extensions(
        profile,
        key.public_key(),
        dns_names,
        ip_addresses,
        issuer.certificate if issuer else None,
        order.permitted_dns,
    ):
        builder = builder.add_extension(extension, critical)
    signing_key = issuer.key if issuer else key
    return builder.sign(signing_key, signature_hash(signing_key))


def _pair(
    certificate: x509.Certificate, key: IssuingKey, issuer: Issuer | None
) -> CertificateWithKey:
    return CertificateWithKey(
        certificate_pem(certificate), private_key_pem(key), issuer.chain_pem if issuer else b""
    )


def with_own_subject(order: CertificateOrder, ca: CertificateWithKey) -> CertificateOrder:
    """The same order, under another subject where that would be the subject of the CA.

    Issued under its own name, a certificate would be taken for a root (RFC 5280 section 6.1).

    Args:
        order: What is to be issued.
        ca: What is to issue it.

    Raises:
        NameInvalid: The subject becomes too long.
    """
    subject = parse_subject(order.subject)
    if subject != x509.load_pem_x509_certificate(ca.certificate_pem).subject:
        return order
    return replace(order, subject=extend_common_name(subject, f" {order.profile}").rfc4514_string())


def _subject(
    order: CertificateOrder, profile: CertificateProfile, issuer: Issuer | None
) -> x509.Name:
    subject = parse_subject(order.subject)
    if profile.is_ca:
        return extend_common_name(subject, f" {os.urandom(_SUFFIX_BYTES).hex()}")
    if issuer is not None and subject == issuer.certificate.subject:
        raise ProfileViolation(
            f"{order.subject} is the subject of the CA itself",
            hint="give the certificate a subject of its own, such as --subject O=milvus",
        )
    return subject


def _validity(days: int, issuer: Issuer | None, now: datetime) -> tuple[datetime, datetime]:
    """Start and end in whole seconds of UTC, within the issuer's own."""
    try:
        start = now.astimezone(UTC).replace(microsecond=0) - BACKDATE
        end = start + timedelta(days=days) - INCLUSIVE_END
    except OverflowError:
        raise _no_such_time(now) from None
    if issuer is None:
        return start, end
    return (
        max(start, issuer.certificate.not_valid_before_utc),
        min(end, issuer.not_after),
    )


def _no_such_time(now: datetime) -> ProfileViolation:
    return ProfileViolation(
        f"no certificate can be issued on {now.date()}: X.509 has the years {_FIRST_YEAR} to {MAXYEAR}",
        hint="set the clock of this machine, then run the command again",
    )


def _keys(orders: Sequence[CertificateOrder]) -> list[IssuingKey]:
    """A key for each order; RSA keys are searched for side by side."""
    if sum(order.key_type.startswith("rsa") for order in orders) <= 1:
        return [generate_key(order.key_type) for order in orders]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - not needed for EC keys

    with ThreadPoolExecutor(min(len(orders), os.cpu_count() or 1)) as pool:
        return list(pool.map(generate_key, [order.key_type for order in orders]))
