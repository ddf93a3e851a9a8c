"""Chains that users bring: their order, their root, and how long what they issue is good for."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from compose_tls.changes import CertificateOrder
from compose_tls.errors import IssuerMismatch, ProfileViolation
from compose_tls.pki import inspection
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_all, issue_clients
from compose_tls.pki.load import load_key_pair
from compose_tls.pki.verify import check_ca, check_server
from tests.moment import NOW
from tests.unit.pki.minting import DAY, mint, parsed

_ROOT = mint("root", ca=True, end=NOW + 50 * DAY)
_UPPER = mint("upper", ca=True, issuer=_ROOT)
_LOWER = mint("lower", ca=True, issuer=_UPPER)
_STRANGER = mint("stranger", ca=True)


def _subjects(pem: bytes) -> list[str]:
    return [one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(pem)]


@pytest.mark.parametrize("order", [*itertools.permutations([_ROOT, _UPPER, _LOWER, _STRANGER])])
def test_a_chain_is_sent_in_its_order_whatever_that_of_the_file(
    order: tuple[CertificateWithKey, ...],
) -> None:
    server = mint(issuer=_LOWER)
    content = server.certificate_pem + b"".join(one.certificate_pem for one in order)
    pair = load_key_pair(
        content, server.private_key_pem, certificate_path="s.pem", key_path="s.key"
    )
    assert _subjects(pair.chain_pem) == ["CN=lower", "CN=upper", "CN=root", "CN=stranger"]


def test_a_long_chain_is_put_in_order_in_as_many_steps_as_it_has_certificates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = [_ROOT]
    for number in range(60):
        chain.append(mint(f"lower {number}", ca=True, issuer=chain[-1]))
    looked: list[x509.Certificate] = []
    leads_to = inspection._leads_to

    def counted(one: x509.Certificate, issuer: x509.Certificate) -> bool:
        looked.append(issuer)
        return leads_to(one, issuer)

    monkeypatch.setattr(inspection, "_leads_to", counted)
    leaf, *others = [parsed(one.certificate_pem) for one in reversed(chain)]
    assert inspection.in_order(leaf, others[::-1]) == tuple(others)
    assert len(looked) <= 3 * len(chain)


@pytest.mark.parametrize(
    ("pairs", "missing"),
    [
        ([_LOWER], "CN=upper"),
        ([_LOWER, _UPPER], "CN=root"),
        ([_STRANGER, _UPPER], "CN=root"),
    ],
)
def test_a_ca_file_that_does_not_reach_its_root_is_refused(
    pairs: list[CertificateWithKey], missing: str
) -> None:
    content = b"".join(pair.certificate_pem for pair in pairs)
    with pytest.raises(IssuerMismatch) as caught:
        check_ca(content, now=NOW, path="my/ca.pem")
    assert caught.value.path == "my/ca.pem"
    assert f"the root {missing} is missing" in caught.value.message


def test_a_ca_file_with_every_root_is_taken() -> None:
    content = b"".join(one.certificate_pem for one in (_LOWER, _UPPER, _ROOT, _STRANGER))
    check_ca(content, now=NOW, path="my/ca.pem")


def test_what_is_issued_ends_with_the_first_certificate_above_it() -> None:
    ca = CertificateWithKey(
        _LOWER.certificate_pem,
        _LOWER.private_key_pem,
        _UPPER.certificate_pem + _ROOT.certificate_pem,
    )
    order = CertificateOrder("client", "CN=reader", "ecdsa-p256", 825, ("reader.example.com",))
    for pair in (issue_all([order], ca, NOW)["client"], *issue_clients([order], ca, NOW)):
        certificate = parsed(pair.certificate_pem)
        assert certificate.not_valid_after_utc == parsed(_ROOT.certificate_pem).not_valid_after_utc
        assert _subjects(pair.chain_pem) == ["CN=lower", "CN=upper"]


def _restricted(issuer: CertificateWithKey, extension: x509.ExtensionType) -> CertificateWithKey:
    """A CA like ``upper``, with one extension of another value."""
    pair = mint("restricted", ca=True, issuer=issuer)
    key = load_pem_private_key(pair.private_key_pem, None)
    above = load_pem_private_key(issuer.private_key_pem, None)
    old = parsed(pair.certificate_pem)
    builder = x509.CertificateBuilder(
        old.issuer,
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "restricted")]),
        key.public_key(),  # type: ignore[arg-type] # of any kind that a certificate can have
        old.serial_number,
        old.not_valid_before_utc,
        old.not_valid_after_utc,
    )
    for one in old.extensions:
        if one.oid != extension.oid:
            builder = builder.add_extension(one.value, one.critical)
    certificate = builder.add_extension(extension, critical=True).sign(above, hashes.SHA256())  # type: ignore[arg-type] # likewise
    return CertificateWithKey(certificate.public_bytes(Encoding.PEM), pair.private_key_pem)


def test_a_ca_that_stands_over_more_than_it_may_is_refused() -> None:
    limited = _restricted(_ROOT, x509.BasicConstraints(ca=True, path_length=0))
    below = mint("below", ca=True, issuer=limited)
    content = b"".join(one.certificate_pem for one in (below, limited, _ROOT))
    with pytest.raises(ProfileViolation, match="may have 0 CAs below it, and has 1"):
        check_ca(content, now=NOW, path="my/ca.pem")
    check_ca(limited.certificate_pem + _ROOT.certificate_pem, now=NOW, path="my/ca.pem")


@pytest.mark.parametrize("permitted", [True, False])
def test_constraints_on_addresses_matter_where_an_address_is_certified_since_grpc_refuses_it(
    *, permitted: bool
) -> None:
    subtrees = [x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))]
    constraints = x509.NameConstraints(
        permitted_subtrees=subtrees if permitted else None,
        excluded_subtrees=None if permitted else subtrees,
    )
    ca = _restricted(_ROOT, constraints)
    check_ca(ca.certificate_pem + _ROOT.certificate_pem, now=NOW, path="my/ca.pem")

    def check(server: CertificateWithKey) -> None:
        pair = CertificateWithKey(
            server.certificate_pem, server.private_key_pem, ca.certificate_pem
        )
        check_server(pair, _ROOT.certificate_pem, names=["localhost"], now=NOW, path="s.pem")

    check(mint(issuer=ca, ips=()))
    with pytest.raises(ProfileViolation, match=r"name constraints on IP addresses.* gRPC refuses"):
        check(mint(issuer=ca))
    order = CertificateOrder("server", "CN=s", "ecdsa-p256", 9, ("localhost",))
    issue_all([order], ca, NOW)
    with pytest.raises(ProfileViolation, match="name constraints on IP addresses"):
        issue_all([replace(order, ip_addresses=("127.0.0.1",))], ca, NOW)
