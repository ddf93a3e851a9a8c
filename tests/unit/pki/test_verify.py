"""Judging certificates that a user brings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from compose_tls.errors import (
    CertificateError,
    CertificateExpired,
    CertificateNotYetValid,
    DemoCertificate,
    IssuerMismatch,
    NameInvalid,
    NameNotCovered,
    ProfileViolation,
)
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.pem import certificate_pem
from compose_tls.pki.verify import check_ca, check_client, check_server
from tests.moment import NOW
from tests.unit.pki.minting import CLIENT, DAY, SERVER, mint, parsed

_PATH = "my/server.pem"


def _check_server(
    pair: CertificateWithKey, ca: CertificateWithKey, names: Sequence[str] = ("localhost",)
) -> None:
    check_server(pair, ca.certificate_pem, names=names, now=NOW, path=_PATH)


def _check_client(pair: CertificateWithKey, ca: CertificateWithKey) -> None:
    check_client(pair, ca.certificate_pem, now=NOW, path="my/client.pem")


def _violation(pair: CertificateWithKey, ca: CertificateWithKey) -> CertificateError:
    with pytest.raises(CertificateError) as caught:
        _check_server(pair, ca)
    assert caught.value.path == _PATH
    assert caught.value.hint
    return caught.value


def test_what_we_issue_passes_our_own_judgement(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    ca = issued["ca"]
    check_ca(ca.certificate_pem, now=NOW, path="ca.pem")
    _check_server(
        issued["server"],
        ca,
        ["localhost", "milvus_standalone", "LOCALHOST", "a.milvus.example", "127.0.0.1", "0::1"],
    )
    _check_client(issued["client"], ca)


def test_a_chain_through_intermediates_is_followed(ca: CertificateWithKey) -> None:
    server = mint(issuer=mint("lower", ca=True, issuer=mint("upper", ca=True, issuer=ca)))
    _check_server(server, ca)


def test_the_order_of_intermediates_does_not_matter_but_a_missing_one_does(
    ca: CertificateWithKey,
) -> None:
    upper = mint("upper", ca=True, issuer=ca)
    lower = mint("lower", ca=True, issuer=upper)
    server = mint(issuer=lower)
    _check_server(
        CertificateWithKey(
            server.certificate_pem,
            server.private_key_pem,
            upper.certificate_pem + lower.certificate_pem,
        ),
        ca,
    )
    without_upper = CertificateWithKey(
        server.certificate_pem, server.private_key_pem, lower.certificate_pem
    )
    error = _violation(without_upper, ca)
    assert isinstance(error, IssuerMismatch)
    assert "leads to the CA CN=upper, which is not the given one" in error.message
    assert "append the missing intermediate" in error.hint


def test_trust_may_begin_at_an_intermediate_or_at_one_of_several(ca: CertificateWithKey) -> None:
    lower = mint("lower", ca=True, issuer=ca)
    bundle = mint("other", ca=True).certificate_pem + lower.certificate_pem
    check_server(mint(issuer=lower), bundle, names=["localhost"], now=NOW, path=_PATH)


def test_certificates_may_sign_each_other_in_a_circle_without_end(ca: CertificateWithKey) -> None:
    first = mint("first", ca=True)
    second = mint("second", ca=True, issuer=first)
    circle = mint(
        "first",
        ca=True,
        issuer=second,
        public_key=parsed(first.certificate_pem).public_key(),
    )
    server = mint(issuer=second)
    pair = CertificateWithKey(
        server.certificate_pem,
        server.private_key_pem,
        second.certificate_pem + circle.certificate_pem,
    )
    assert isinstance(_violation(pair, ca), IssuerMismatch)


def test_a_ca_in_der_is_taken_too(ca: CertificateWithKey) -> None:
    der = parsed(ca.certificate_pem).public_bytes(Encoding.DER)
    check_ca(der, now=NOW, path="ca.der")
    check_server(mint(issuer=ca), der, names=["localhost"], now=NOW, path=_PATH)


def test_a_certificate_of_another_ca_is_refused(ca: CertificateWithKey) -> None:
    error = _violation(mint(issuer=mint("foreign CA", ca=True)), ca)
    assert isinstance(error, IssuerMismatch)
    assert error.message == (
        "my/server.pem leads to the CA CN=foreign CA, which is not the given one"
    )


def test_a_certificate_of_another_ca_by_the_same_name_is_refused_as_that(
    ca: CertificateWithKey,
) -> None:
    error = _violation(mint(issuer=mint("brought CA", ca=True)), ca)
    assert isinstance(error, IssuerMismatch)
    assert "was issued by a different CA with the name of the given one" in error.message


def test_a_chain_that_ends_in_a_foreign_root_is_refused(ca: CertificateWithKey) -> None:
    root = mint("foreign CA", ca=True)
    server = mint(issuer=root)
    pair = CertificateWithKey(server.certificate_pem, server.private_key_pem, root.certificate_pem)
    assert isinstance(_violation(pair, ca), IssuerMismatch)


def test_a_self_signed_server_certificate_is_taken_by_those_who_trust_it_alone(
    ca: CertificateWithKey,
) -> None:
    server = mint()
    _check_server(server, server)
    check_ca(server.certificate_pem, now=NOW, path="ca.pem", server=server)
    assert isinstance(_violation(server, ca), IssuerMismatch)
    with pytest.raises(ProfileViolation, match="is not a CA certificate"):
        check_ca(server.certificate_pem, now=NOW, path="ca.pem", server=mint(issuer=ca))


def test_an_expired_certificate_is_refused_with_its_date(ca: CertificateWithKey) -> None:
    end = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    error = _violation(mint(issuer=ca, start=end - DAY, end=end), ca)
    assert isinstance(error, CertificateExpired)
    assert error.message == "my/server.pem expired on 2026-01-02 03:04 UTC"


def test_a_certificate_of_tomorrow_is_refused_with_its_date(ca: CertificateWithKey) -> None:
    start = datetime(2099, 1, 2, 3, 4, tzinfo=UTC)
    error = _violation(mint(issuer=ca, start=start, end=start + DAY), ca)
    assert isinstance(error, CertificateNotYetValid)
    assert error.message == "my/server.pem is valid only from 2099-01-02 03:04 UTC on"


def test_an_expired_intermediate_is_refused_by_its_name(ca: CertificateWithKey) -> None:
    lower = mint("lower", ca=True, issuer=ca, start=NOW - 9 * DAY, end=NOW - DAY)
    error = _violation(mint(issuer=lower), ca)
    assert isinstance(error, CertificateExpired)
    assert error.message.startswith("the intermediate CN=lower of my/server.pem expired on")


def test_an_expired_ca_is_refused_even_where_only_the_server_is_judged() -> None:
    ca = mint("old CA", ca=True, start=NOW - 9 * DAY, end=NOW - DAY)
    error = _violation(mint(issuer=ca), ca)
    assert isinstance(error, CertificateExpired)
    assert error.message.startswith("the CA CN=old CA of my/server.pem expired on")


@pytest.mark.parametrize("purposes", [(SERVER,), (SERVER, CLIENT), ()])
def test_a_server_certificate_needs_its_purpose_or_none(
    purposes: Sequence[x509.ObjectIdentifier], ca: CertificateWithKey
) -> None:
    _check_server(mint(issuer=ca, purposes=purposes), ca)


@pytest.mark.parametrize("purposes", [(CLIENT,), (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)])
def test_a_server_certificate_for_another_purpose_is_refused(
    purposes: Sequence[x509.ObjectIdentifier], ca: CertificateWithKey
) -> None:
    error = _violation(mint(issuer=ca, purposes=purposes), ca)
    assert isinstance(error, ProfileViolation)
    assert error.message == "my/server.pem lacks the extended key usage serverAuth"


def test_a_client_certificate_for_servers_is_refused(ca: CertificateWithKey) -> None:
    _check_client(mint(issuer=ca, purposes=(CLIENT,)), ca)
    with pytest.raises(ProfileViolation, match="lacks the extended key usage clientAuth") as caught:
        _check_client(mint(issuer=ca, purposes=(SERVER,)), ca)
    assert caught.value.path == "my/client.pem"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda ca: mint(issuer=ca, digital_signature=False),
            "lacks the key usage digitalSignature",
        ),
        (
            lambda ca: mint(issuer=ca, ca=True),
            "is a CA certificate: with its key, the container could issue for any name",
        ),
    ],
)
def test_a_server_certificate_that_clients_refuse_is_refused(
    make: Callable[[CertificateWithKey], CertificateWithKey], message: str, ca: CertificateWithKey
) -> None:
    error = _violation(make(ca), ca)
    assert isinstance(error, ProfileViolation)
    assert message in error.message


@pytest.mark.parametrize("extension", [x509.KeyUsage, x509.BasicConstraints])
def test_extensions_that_only_a_ca_needs_may_lack(
    extension: type[x509.ExtensionType], ca: CertificateWithKey
) -> None:
    _check_server(mint(issuer=ca, without=[extension]), ca)


def test_names_that_are_not_covered_are_listed_beside_those_that_are(
    ca: CertificateWithKey,
) -> None:
    server = mint(issuer=ca, dns=("localhost", "*.example.com"), ips=("127.0.0.1",))
    with pytest.raises(NameNotCovered) as caught:
        _check_server(server, ca, ["localhost", "milvus", "a.example.com", "10.0.0.1"])
    assert caught.value.message == (
        "my/server.pem is not valid for milvus, 10.0.0.1; "
        "it is for localhost, *.example.com, 127.0.0.1"
    )
    assert "--server-name" in caught.value.hint


def test_a_certificate_with_a_common_name_alone_covers_nothing(ca: CertificateWithKey) -> None:
    with pytest.raises(NameNotCovered, match="its common name does not count"):
        _check_server(mint("localhost", issuer=ca, dns=(), ips=()), ca)


def test_a_name_that_is_none_is_refused_as_such(ca: CertificateWithKey) -> None:
    with pytest.raises(NameInvalid):
        _check_server(mint(issuer=ca), ca, ["a b"])


def test_a_client_certificate_needs_no_names(ca: CertificateWithKey) -> None:
    _check_client(mint("jane", issuer=ca, dns=(), ips=(), purposes=(CLIENT,)), ca)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (
            ed25519.Ed25519PrivateKey.generate(),
            "has a key ed25519, a kind that gRPC, or Java before 15, does not",
        ),
        (ec.generate_private_key(ec.SECP521R1()), "has a key ecdsa-p521, a kind that gRPC"),
        (
            rsa.generate_private_key(65537, 1024),  # noqa: S505 - the weak key is the point
            "has an RSA key of 1024 bits, too weak",
        ),
    ],
)
def test_a_key_that_is_weak_or_not_supported_is_refused(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    message: str,
    ca: CertificateWithKey,
) -> None:
    error = _violation(mint(issuer=ca, key=key), ca)
    assert isinstance(error, ProfileViolation)
    assert message in error.message
    assert "P-256" in error.hint
    odd = mint("odd CA", ca=True, key=key).certificate_pem
    if "p521" in message:
        # Who only verifies with it takes it: so do gRPC, Go, Java, Node and rustls.
        check_ca(odd, now=NOW, path="ca.pem")
        return
    with pytest.raises(ProfileViolation, match=message):
        check_ca(odd, now=NOW, path="ca.pem")


def test_a_key_that_go_finds_too_large_is_refused(ca: CertificateWithKey) -> None:
    huge = rsa.RSAPublicNumbers(65537, (1 << 8200) + 1).public_key()
    error = _violation(mint(issuer=ca, public_key=huge), ca)
    assert "has an RSA key of 8201 bits, too large" in error.message


def test_keys_of_every_kind_that_is_issued_are_taken(
    ca: CertificateWithKey, rsa_key: rsa.RSAPrivateKey
) -> None:
    for key in (rsa_key, ec.generate_private_key(ec.SECP384R1())):
        _check_server(mint(issuer=ca, key=key), ca)


def _resigned(pair: CertificateWithKey, last_octet: int) -> CertificateWithKey:
    """The certificate with sha256WithRSAEncryption rewritten to a neighbour (RFC 8017 appendix C)."""
    family = bytes.fromhex("06092a864886f70d0101")
    der = parsed(pair.certificate_pem).public_bytes(Encoding.DER)
    assert der.count(family + b"\x0b") == 2
    changed = der.replace(family + b"\x0b", family + bytes([last_octet]))
    pem = certificate_pem(x509.load_der_x509_certificate(changed))
    return CertificateWithKey(pem, pair.private_key_pem)


@pytest.mark.parametrize(
    ("last_octet", "name", "of_root"),
    [
        (4, "MD5", nullcontext()),
        (5, "SHA1", nullcontext()),
        (
            99,
            "an algorithm that gRPC",
            pytest.raises(ProfileViolation, match="with an algorithm that Node does not support"),
        ),
    ],
)
def test_a_broken_signature_is_refused_but_a_root_may_sign_itself_with_it(
    last_octet: int, name: str, of_root: AbstractContextManager[object], rsa_key: rsa.RSAPrivateKey
) -> None:
    ca = mint("old CA", ca=True, key=rsa_key)
    error = _violation(_resigned(mint(issuer=ca), last_octet), ca)
    assert isinstance(error, ProfileViolation)
    assert f"my/server.pem is signed with {name}" in error.message
    with of_root:
        check_ca(_resigned(ca, last_octet).certificate_pem, now=NOW, path="ca.pem")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (mint(), "is not a CA certificate"),
        (mint(ca=True, without=[x509.BasicConstraints]), "is not a CA certificate"),
        (mint(ca=True, key_cert_sign=False), "may not sign certificates"),
    ],
)
def test_what_is_no_ca_for_everyone_is_refused(bad: CertificateWithKey, message: str) -> None:
    with pytest.raises(ProfileViolation) as caught:
        check_ca(bad.certificate_pem, now=NOW, path="my/ca.pem")
    assert caught.value.message.startswith("my/ca.pem ")
    assert message in caught.value.message


def test_each_certificate_of_a_ca_file_is_judged(ca: CertificateWithKey) -> None:
    old = mint("old CA", ca=True, start=NOW - 9 * DAY, end=NOW - DAY)
    with pytest.raises(CertificateExpired, match=r"^the CA CN=old CA in my/ca\.pem expired on"):
        check_ca(ca.certificate_pem + old.certificate_pem, now=NOW, path="my/ca.pem")


_GUIDE_NAMES = ("localhost", "*.ronething.cn", "*.ronething.com")

# The modulus of configs/cert/server.pem in the Milvus repository: a public key.
_DEMO_MODULUS = int(
    "b223b77f9e2e45c59c5d31c949b633082f62a3c76e174c719c720491eeec998380166343b07ae2ff"
    "de34e5436dcdca5a9cc7da49c93571ffce3398f31d90f20ef2b75ac4a8eae1edc67c374fc7fc1703"
    "687a745918f50fc7bfad62718d0127273e430e89d5d97f660a1309ff5500fdff79e6b2ff826c0f98"
    "6872dcaaf1979fb6aa0dbe948fa25af04e8eee3f44d2b6f88cd0b493be8997cfb74641d94e6e397c"
    "da97c949972ad58ccb53a0631348d3d634ca8e0681313c2aa4ed8d3fafba0fe742fdd1c163cff77c"
    "9cf421c74796689f5d23d02359fc2c9bd998b44819daca88d6f26b4bf0c932bdfa4316926028f0b9"
    "9bb92082e854375f7794450f3552e863",
    16,
)


def test_the_demo_key_is_known_under_any_certificate(ca: CertificateWithKey) -> None:
    demo = rsa.RSAPublicNumbers(65537, _DEMO_MODULUS).public_key()
    error = _violation(mint("mine", issuer=ca, public_key=demo), ca)
    assert isinstance(error, DemoCertificate)
    assert "whose private key is public" in error.message


def test_the_demo_certificate_is_known_by_its_facts(ca: CertificateWithKey) -> None:
    demo = mint(
        "localhost",
        issuer=ca,
        dns=_GUIDE_NAMES,
        ips=(),
        end=datetime(2032, 4, 28, 8, 57, 34, tzinfo=UTC),
    )
    assert isinstance(_violation(demo, ca), DemoCertificate)


@pytest.mark.parametrize(
    ("common_name", "dns", "last_day"),
    [
        ("milvus", _GUIDE_NAMES, date(2032, 4, 28)),
        ("localhost", ("localhost",), date(2032, 4, 28)),
        ("localhost", _GUIDE_NAMES, date(2032, 4, 29)),
    ],
)
def test_a_certificate_made_with_the_old_guide_is_not_taken_for_the_demo(
    common_name: str, dns: Sequence[str], last_day: date, ca: CertificateWithKey
) -> None:
    end = datetime.combine(last_day, time(8, 57, 34), UTC)
    server = mint(common_name, issuer=ca, dns=dns, end=end)
    _check_server(server, ca)
