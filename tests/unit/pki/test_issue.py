"""Issuing."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from compose_tls.changes import CertificateOrder
from compose_tls.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    NameInvalid,
    ProfileViolation,
)
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import facts_of
from compose_tls.pki.issue import issue_all, issue_clients
from compose_tls.pki.keys import generate_key, key_type_of
from compose_tls.vocabulary import KeyType
from tests.moment import NOW
from tests.unit.pki.minting import DAY, SUBJECT, mint, parsed
from tests.unit.pki.profile import (
    assert_ca_profile,
    assert_client_profile,
    assert_server_profile,
)

_THEN = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)

_CA = CertificateOrder("ca", f"CN=compose-tls CA,{SUBJECT}", "ecdsa-p256", 3650)
_SERVER = CertificateOrder(
    "server",
    f"CN=localhost,{SUBJECT}",
    "ecdsa-p256",
    825,
    ("localhost", "milvus_standalone", "xn--bcher-kva.example", "*.milvus.example"),
    ("127.0.0.1", "::1"),
)
_CLIENT = CertificateOrder(
    "client", f"CN=client,{SUBJECT}", "ecdsa-p256", 825, ("client.milvus.internal",)
)


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "ecdsa-p384", "rsa-2048"])
def test_what_is_issued_follows_the_profile_of_its_role(key_type: KeyType) -> None:
    orders = [dataclasses.replace(order, key_type=key_type) for order in (_CLIENT, _SERVER, _CA)]
    issued = issue_all(orders, None, _THEN)
    ca, server, client = (
        parsed(issued[role].certificate_pem) for role in ("ca", "server", "client")
    )
    assert_ca_profile(ca, _THEN, 3650)
    assert_server_profile(server, ca, [*_SERVER.dns_names, *_SERVER.ip_addresses], _THEN, 825)
    assert_client_profile(client, ca, _CLIENT.dns_names, _THEN, 825)
    assert {key_type_of(one.public_key()) for one in (ca, server, client)} == {key_type}
    assert list(issued) == ["ca", "server", "client"]


@pytest.mark.parametrize(("key_type", "bits"), [("rsa-3072", 3072), ("rsa-4096", 4096)])
def test_larger_rsa_keys_are_searched_for_with_the_size_that_was_ordered(
    key_type: KeyType, bits: int, rsa_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def search(public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        asked.append((public_exponent, key_size))  # the search itself takes up to seconds
        return rsa_key

    monkeypatch.setattr(rsa, "generate_private_key", search)
    assert generate_key(key_type) is rsa_key
    assert asked == [(65537, bits)]


def test_the_private_key_is_unencrypted_pkcs8_and_belongs_to_the_certificate(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    for pair in issued.values():
        assert pair.private_key_pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
        assert pair.private_key_pem.endswith(b"-----END PRIVATE KEY-----\n")
        assert pair.certificate_pem.endswith(b"-----END CERTIFICATE-----\n")
        key = load_pem_private_key(pair.private_key_pem, None)
        assert key.public_key() == parsed(pair.certificate_pem).public_key()


def test_a_private_key_is_in_no_repr(issued: Mapping[str, CertificateWithKey]) -> None:
    assert "PRIVATE" not in repr(issued)
    assert "BEGIN CERTIFICATE" in repr(issued)


def test_no_two_certificates_share_a_key_or_a_serial_number() -> None:
    several = [issue_all([_CA], None, _THEN)["ca"] for _ in range(5)]
    several += [issue_all([_SERVER], several[0], _THEN)["server"] for _ in range(5)]
    certificates = [parsed(pair.certificate_pem) for pair in several]
    assert len({certificate.serial_number for certificate in certificates}) == 10
    assert len({pair.private_key_pem for pair in several}) == 10


def test_two_cas_from_one_order_have_different_subjects() -> None:
    first, second = (
        parsed(issue_all([_CA], None, _THEN)["ca"].certificate_pem).subject.rfc4514_string()
        for _ in range(2)
    )
    assert first != second
    assert first.startswith("CN=compose-tls CA ")
    assert first.partition(",")[2] == second.partition(",")[2] == SUBJECT


def test_the_validity_is_counted_in_utc_whatever_the_zone_of_now() -> None:
    there = _THEN.astimezone(timezone(timedelta(hours=8)))
    certificate = parsed(issue_all([_CA], None, there)["ca"].certificate_pem)
    assert certificate.not_valid_before_utc == datetime(2026, 2, 3, 4, 0, 6, tzinfo=UTC)


def test_a_certificate_can_be_valid_beyond_2050() -> None:
    ca = issue_all([dataclasses.replace(_CA, days=36_500)], None, _THEN)["ca"]
    assert parsed(ca.certificate_pem).not_valid_after_utc.year == 2126


def test_a_certificate_ends_with_its_ca_and_its_facts_show_it() -> None:
    ca = issue_all([dataclasses.replace(_CA, days=30)], None, _THEN)["ca"]
    server = issue_all([_SERVER], ca, _THEN + 20 * DAY)["server"]
    assert_server_profile(
        parsed(server.certificate_pem),
        parsed(ca.certificate_pem),
        [*_SERVER.dns_names, *_SERVER.ip_addresses],
        _THEN + 20 * DAY,
        10,
    )
    facts = facts_of(parsed(server.certificate_pem))
    assert facts.not_after == facts_of(parsed(ca.certificate_pem)).not_after


def test_a_certificate_does_not_begin_before_its_ca() -> None:
    ca = mint("young CA", ca=True, start=NOW - timedelta(seconds=90))
    server = parsed(issue_all([_SERVER], ca, NOW)["server"].certificate_pem)
    assert server.not_valid_before_utc == parsed(ca.certificate_pem).not_valid_before_utc


def test_a_ca_without_key_identifier_is_still_named_by_what_it_issues() -> None:
    ca = mint("plain CA", ca=True, without=[x509.SubjectKeyIdentifier])
    server = parsed(issue_all([_SERVER], ca, NOW)["server"].certificate_pem)
    authority = server.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    key = parsed(ca.certificate_pem).public_key()
    assert authority.key_identifier == x509.SubjectKeyIdentifier.from_public_key(key).digest


def test_a_given_ca_issues_and_is_not_among_what_is_issued(ca: CertificateWithKey) -> None:
    issued = issue_all([_SERVER, _CLIENT], ca, NOW)
    assert list(issued) == ["server", "client"]
    for pair in issued.values():
        parsed(pair.certificate_pem).verify_directly_issued_by(parsed(ca.certificate_pem))
        assert pair.chain_pem == b""


def test_an_ordered_ca_takes_the_place_of_the_given_one(ca: CertificateWithKey) -> None:
    issued = issue_all([_SERVER, _CA], ca, NOW)
    parsed(issued["server"].certificate_pem).verify_directly_issued_by(
        parsed(issued["ca"].certificate_pem)
    )


def test_what_an_intermediate_issues_brings_the_chain_along(ca: CertificateWithKey) -> None:
    upper = mint("upper", ca=True, issuer=ca)
    lower = mint("lower", ca=True, issuer=upper)
    server = issue_all([_SERVER], lower, NOW)["server"]
    assert server.chain_pem == lower.certificate_pem + upper.certificate_pem
    assert server.full_chain_pem.startswith(server.certificate_pem)


def test_names_are_canonical_in_the_certificate() -> None:
    order = dataclasses.replace(
        _SERVER, dns_names=("Bücher.Example", "LOCALHOST", "localhost"), ip_addresses=("0::1",)
    )
    facts = facts_of(parsed(issue_all([_CA, order], None, NOW)["server"].certificate_pem))
    assert facts.dns_names == ("xn--bcher-kva.example", "localhost")
    assert facts.ip_addresses == ("::1",)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (dataclasses.replace(_SERVER, dns_names=("a b",)), NameInvalid),
        (dataclasses.replace(_SERVER, subject="O=milvus"), NameInvalid),
        (dataclasses.replace(_SERVER, dns_names=(), ip_addresses=()), ProfileViolation),
        (dataclasses.replace(_CLIENT, dns_names=()), ProfileViolation),
        # More than Java reads: each name would be tried before it is known that nobody takes them.
        (
            dataclasses.replace(_SERVER, dns_names=tuple(f"h{n}.example" for n in range(4000))),
            ProfileViolation,
        ),
        (dataclasses.replace(_CLIENT, subject="CN=brought CA"), ProfileViolation),
    ],
)
def test_an_order_that_makes_no_good_certificate_is_refused(
    order: CertificateOrder, error: type[Exception], ca: CertificateWithKey
) -> None:
    with pytest.raises(error):
        issue_all([order], ca, NOW)


def test_an_expired_ca_issues_nothing() -> None:
    ca = mint("old CA", ca=True, start=NOW - 9 * DAY, end=NOW - DAY)
    with pytest.raises(CertificateExpired, match=r"the CA CN=old CA expired on \d{4}-"):
        issue_all([_SERVER], ca, NOW)


def test_a_ca_of_tomorrow_issues_nothing_today() -> None:
    ca = mint("new CA", ca=True, start=NOW + DAY)
    with pytest.raises(CertificateNotYetValid, match="the CA CN=new CA is valid only from"):
        issue_all([_SERVER], ca, NOW)


@pytest.mark.parametrize("without", [(), (x509.BasicConstraints,)])
def test_an_end_entity_certificate_issues_nothing(
    without: tuple[type[x509.ExtensionType], ...],
) -> None:
    with pytest.raises(ProfileViolation, match="CN=localhost is not a CA certificate"):
        issue_all([_CLIENT], mint(without=without), NOW)


def test_an_ed25519_ca_issues_nothing_because_grpc_does_not_support_it() -> None:
    ca = mint("new CA", ca=True, key=ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(ProfileViolation, match="gRPC clients do not support"):
        issue_all([_CLIENT], ca, NOW)


def test_role_and_issuer_have_to_fit(ca: CertificateWithKey) -> None:
    with pytest.raises(ValueError, match="a server certificate needs an issuer"):
        issue_all([_SERVER], None, NOW)
    with pytest.raises(ValueError, match="a ca certificate signs itself"):
        list(issue_clients([_CA], ca, NOW))


def test_a_role_is_ordered_once(ca: CertificateWithKey) -> None:
    with pytest.raises(ValueError, match="at most one order"):
        issue_all([_CLIENT, _CLIENT], ca, NOW)


def test_three_certificates_take_single_digit_milliseconds() -> None:
    def once() -> float:
        start = time.process_time()
        issue_all([_CA, _SERVER, _CLIENT], None, NOW)
        return time.process_time() - start

    assert min(once() for _ in range(10)) < 0.01


def test_p384_keys_are_on_their_curve() -> None:
    key = generate_key("ecdsa-p384")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"


@pytest.mark.parametrize("year", [1, 1949, 1950, 9991, 9999])
def test_in_a_year_that_x_509_does_not_know_nothing_is_issued(year: int) -> None:
    with pytest.raises(ProfileViolation, match=r"no certificate can be issued on .*-01-01"):
        issue_all([_CA], None, datetime(year, 1, 1, tzinfo=UTC))
