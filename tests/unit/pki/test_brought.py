"""What users bring and real clients take, or do not: each as gRPC, Go, Java, Node and rustls judge it.

tests/judges/test_brought.py shows the same cases to those stacks themselves.
"""

from __future__ import annotations

import time
import warnings
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from compose_tls.errors import (
    CertificateError,
    CertificateUnreadable,
    ProfileViolation,
    RehearsalFailed,
)
from compose_tls.pki import system_trust
from compose_tls.pki.certificate_rules import CLIENT_AUTH
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.load import certificate_facts, load_certificates, load_key_pair
from compose_tls.pki.names import covers, split_names
from compose_tls.pki.pem import MOST_BYTES, pem_blocks, read_certificates, read_private_key
from compose_tls.pki.pkcs12 import MOST_ITERATIONS, pkcs12_of
from compose_tls.pki.rehearse import rehearse
from compose_tls.pki.verify import check_ca, check_server, concerns
from compose_tls.vocabulary import TlsMode
from tests.judges.brought import ACCEPTED, REFUSED, RUSTLS_REFUSES, Brought, retyped
from tests.moment import NOW
from tests.unit.pki.minting import CLIENT, DAY, mint, parsed


def _check(brought: Brought) -> None:
    now = datetime.now(UTC)
    check_ca(brought.ca_pem, now=now, path="ca.pem", server=brought.server)
    check_server(brought.server, brought.ca_pem, names=["localhost"], now=now, path="s.pem")


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_every_stack_accepts_is_taken(name: str) -> None:
    make, codes = ACCEPTED[name]
    brought = make()
    _check(brought)
    found = concerns(brought.server, brought.ca_pem, now=NOW, path="s.pem")
    assert {warning.code for warning in found} == codes
    assert all(warning.hint and warning.path == "s.pem" for warning in found)


@pytest.mark.parametrize(
    ("names", "codes"),
    [(["milvus_standalone"], {"java-clients-refuse"}), (["milvus_standalone", "localhost"], set())],
)
def test_names_by_which_java_cannot_connect_are_told(names: list[str], codes: set[str]) -> None:
    ca = mint("CA", ca=True)
    server = mint("server", issuer=ca, dns=names, ips=())
    found = concerns(server, ca.certificate_pem, now=NOW, path="s.pem")
    assert {warning.code for warning in found} == codes


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_stack_refuses_is_refused_with_the_reason(name: str) -> None:
    make, _, reason = REFUSED[name]
    with pytest.raises(CertificateError) as caught:
        _check(make())
    assert reason in caught.value.message
    assert caught.value.hint


def test_what_openssl_does_not_read_is_refused_in_words() -> None:
    brought = retyped("server", 0x1A)  # VisibleString
    (warning,) = concerns(brought.server, brought.ca_pem, now=NOW, path="s.pem")
    assert "OpenSSL does not read it" in warning.message
    with pytest.raises(RehearsalFailed, match="OpenSSL does not accept certificate and key"):
        rehearse(
            brought.server, brought.ca_pem, None, server_names=["localhost"], mode=TlsMode.ONE_WAY
        )


def test_a_name_that_the_library_does_not_read_is_told() -> None:
    with pytest.raises(CertificateUnreadable, match="such as & or") as caught:
        _check(retyped("A & B", 0x13, server="A & B"))
    assert "UTF8String" in caught.value.hint


def test_strict_clients_are_named_with_their_reason() -> None:
    make, _ = ACCEPTED["CA without key usage, as of easy-rsa"]
    brought = make()
    (warning,) = concerns(brought.server, brought.ca_pem, now=NOW, path="s.pem")
    assert "Python's ssl from 3.13 on and OpenSSL with -x509_strict do not" in warning.message
    assert "CA cert does not include key usage extension" in warning.message


@pytest.mark.parametrize("name", sorted(RUSTLS_REFUSES))
def test_what_rustls_alone_refuses_is_told_with_a_way_out(name: str) -> None:
    brought = ACCEPTED[name][0]()
    found = concerns(brought.server, brought.ca_pem, now=NOW, path="s.pem")
    (warning,) = [one for one in found if "rustls (the SDK for Rust)" in one.message]
    assert warning.hint


def test_a_client_certificate_is_shown_to_strict_servers() -> None:
    lax = mint("lax CA", ca=True, critical_constraints=False)
    client = mint("jane", issuer=lax, purposes=(CLIENT,))
    (warning,) = concerns(client, lax.certificate_pem, now=NOW, path="c.pem", purpose=CLIENT_AUTH)
    assert warning.code == "strict-clients-refuse"
    sound = mint("CA", ca=True)
    client = mint("jane", issuer=sound, purposes=(CLIENT,))
    assert concerns(client, sound.certificate_pem, now=NOW, path="c.pem", purpose=CLIENT_AUTH) == ()


@pytest.mark.parametrize(
    ("left", "text"),
    [(timedelta(hours=1, minutes=5), "1 hours"), (timedelta(days=29, hours=1), "29 days")],
)
def test_a_certificate_that_ends_soon_is_told(
    ca: CertificateWithKey, left: timedelta, text: str
) -> None:
    server = mint(issuer=ca, end=NOW + left)
    (warning,) = concerns(server, ca.certificate_pem, now=NOW, path="s.pem")
    assert (warning.code, text in warning.message) == ("certificate-ends-soon", True)
    assert concerns(mint(issuer=ca), ca.certificate_pem, now=NOW, path="s.pem") == ()


def test_a_certificate_that_outlives_its_chain_is_good_until_the_chain_ends(
    ca: CertificateWithKey,
) -> None:
    lower = mint("lower", ca=True, issuer=ca, end=NOW + 40 * DAY)
    server = mint(issuer=lower, end=NOW + 80 * DAY)
    (warning,) = concerns(server, ca.certificate_pem, now=NOW, path="s.pem")
    assert "its CA CN=lower ends on" in warning.message
    facts = certificate_facts(server.full_chain_pem, path="s.pem")
    assert facts.not_after == parsed(lower.certificate_pem).not_valid_after_utc
    alone = certificate_facts(server.certificate_pem, path="s.pem")
    assert alone.not_after == parsed(server.certificate_pem).not_valid_after_utc


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trust store of this system."""
    path = tmp_path / "roots.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    system_trust._roots.cache_clear()
    return path


def test_the_root_of_chain_pem_comes_from_the_trust_store_of_the_system(
    store: Path, ca: CertificateWithKey
) -> None:
    # certbot's chain.pem holds the intermediate alone, and Node trusts whole chains only.
    lower = mint("R10", ca=True, issuer=ca)
    store.write_bytes(
        mint("other root", ca=True).certificate_pem + b"# text\n" + ca.certificate_pem
    )
    content = load_certificates(lower.certificate_pem, path="chain.pem")
    assert content == lower.certificate_pem + ca.certificate_pem
    check_ca(content, now=NOW, path="chain.pem")
    assert load_certificates(ca.certificate_pem, path="ca.pem") == ca.certificate_pem


def test_what_a_ca_of_the_file_issued_stays_out_of_it(ca: CertificateWithKey) -> None:
    lower = mint("R10", ca=True, issuer=ca)
    server, other = mint("server", issuer=lower), mint("other")
    chain = lower.certificate_pem + ca.certificate_pem
    for given in (server.certificate_pem + chain, chain + server.certificate_pem):
        assert load_certificates(given, path="fullchain.pem", whole=False) == chain
    # What none of them issued is told of.
    odd = other.certificate_pem + chain
    assert load_certificates(odd, path="ca.pem", whole=False) == odd


def test_a_root_that_is_nowhere_is_named(store: Path, ca: CertificateWithKey) -> None:
    lower = mint("R10", ca=True, issuer=ca)
    content = load_certificates(lower.certificate_pem, path="chain.pem")  # and there is no store
    with pytest.raises(CertificateError, match="the root CN=brought CA is missing"):
        check_ca(content, now=NOW, path="chain.pem")


def test_a_client_ca_that_everybody_trusts_is_told(store: Path, ca: CertificateWithKey) -> None:
    store.write_bytes(ca.certificate_pem)
    client = mint("app", issuer=ca, purposes=(CLIENT,))
    (warning,) = concerns(client, ca.certificate_pem, now=NOW, path="c.pem", purpose=CLIENT_AUTH)
    assert warning.code == "public-client-ca"
    assert "every holder of a certificate from it is accepted" in warning.message
    assert concerns(mint(issuer=ca), ca.certificate_pem, now=NOW, path="s.pem") == ()


def test_an_ipv4_mapped_address_is_issued_as_ipv4() -> None:
    assert split_names(["::ffff:10.0.0.1", "10.0.0.1"]) == ((), ("10.0.0.1",))
    assert covers("::ffff:10.0.0.1", (), ("10.0.0.1",))


def _damaged(pem: bytes, old: bytes, new: bytes) -> bytes:
    der = parsed(pem).public_bytes(Encoding.DER)
    assert old in der
    return der.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # keyUsage, a BIT STRING, under the identifiers of other extensions (2.5.29.x).
        (b"\x55\x1d\x0f", b"\x55\x1d\x1e"),
        (b"\x55\x1d\x0f", b"\x55\x1d\x13"),
        (b"\x55\x1d\x0f", b"\x55\x1d\x25"),
    ],
)
def test_an_extension_that_is_none_is_refused_in_words(
    old: bytes, new: bytes, ca: CertificateWithKey
) -> None:
    with pytest.raises(CertificateUnreadable):
        read_certificates(_damaged(mint(issuer=ca).certificate_pem, old, new), "s.pem")


def test_a_malformed_address_constraint_is_refused_in_words() -> None:
    value = bytes.fromhex("300ba00930078705") + b"\x0a\x00\x00\x00\xff"
    key = ec.generate_private_key(ec.SECP256R1())
    plain = parsed(mint("CA", ca=True, key=key).certificate_pem)
    builder = x509.CertificateBuilder(
        plain.issuer, plain.subject, key.public_key(), 5, NOW - DAY, NOW + DAY
    )
    builder = builder.add_extension(
        x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.30"), value), critical=True
    )
    pem = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    with pytest.raises(CertificateUnreadable):
        read_certificates(pem, "ca.pem")


def test_blocks_without_end_are_looked_through_once() -> None:
    began = time.process_time()
    with pytest.raises(CertificateUnreadable):
        read_certificates(b"-----BEGIN A-----\n" * 8_000, "ca.pem")
    with pytest.raises(CertificateUnreadable):
        read_private_key(b"".join(b"-----BEGIN A%d-----\n" % n for n in range(40_000)), "ca.key")
    assert time.process_time() - began < 1


def test_a_block_that_is_cut_short_hides_none_of_the_others(ca: CertificateWithKey) -> None:
    cut = mint().certificate_pem[:200]
    assert pem_blocks(cut + b"\n" + ca.certificate_pem) == [
        ("CERTIFICATE", ca.certificate_pem.strip() + b"\n")
    ]


@pytest.mark.parametrize("read", [read_certificates, read_private_key])
def test_a_file_has_a_largest_size(read: Callable[[bytes, str], object]) -> None:
    with pytest.raises(CertificateUnreadable, match=r"s\.pem is larger than 1024 KiB"):
        read(b"\n" * (MOST_BYTES + 1), "s.pem")


def _expensive(rounds: int) -> bytes:
    pair = mint()
    key = load_pem_private_key(pair.private_key_pem, None)
    protection = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(rounds)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .build(b"x")
    )
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"s", key, parsed(pair.certificate_pem), None, protection
    )


def test_a_passphrase_that_takes_too_long_is_not_tried() -> None:
    content = _expensive(10_000)
    load_key_pair(content, content, certificate_path="a", key_path="a", passphrase=b"x")
    # Of the key and of the certificates.
    dear = _expensive(MOST_ITERATIONS // 2 + 1)
    began = time.process_time()
    for read in (read_certificates, read_private_key):
        with pytest.raises(
            CertificateUnreadable, match=rf"more than {MOST_ITERATIONS:,}"
        ) as caught:
            read(dear, "s.p12", b"x")
        assert "-iter 600000" in caught.value.hint
    assert time.process_time() - began < 1


def _tlv(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([tag, len(body)]) + body


_SALT, _MANY = b"salt" * 2, (20_000_000).to_bytes(4, "big")
_ROUNDS = _tlv(0x02, _MANY)
_DATA_KIND = bytes.fromhex("06092a864886f70d010701")


def _in_pieces(content: bytes) -> bytes:
    return (
        b"\x24\x80" + b"".join(_tlv(4, content[n : n + 1]) for n in range(len(content))) + b"\0\0"
    )


def _pfx(
    salt: bytes, rounds: bytes = _ROUNDS, digest: int = 32, safe: bytes = b"\x30\x00"
) -> bytes:
    """A PKCS #12 file without a key, and a checksum that takes so many rounds (RFC 7292 section 4)."""
    sha256 = _tlv(0x30, bytes.fromhex("0609608648016503040201"), b"\x05\x00")
    mac = _tlv(0x30, _tlv(0x30, sha256, _tlv(4, bytes(digest))), salt, rounds)
    content = _tlv(0x30, _DATA_KIND, _tlv(0xA0, _tlv(4, safe)))
    return _tlv(0x30, b"\x02\x01\x03", content, mac)


@pytest.mark.parametrize(
    "content",
    [
        _pfx(_tlv(4, _SALT)),
        _pfx(b"\x04\x83\0\0\x08" + _SALT),
        _pfx(_tlv(0x24, _tlv(4, _SALT))),
        _pfx(_in_pieces(_SALT)),
        _pfx(_tlv(4, _SALT), b"\x02\x81\x04" + _MANY),
        _pfx(_tlv(4, _SALT), b"\x02\x84\0\0\0\x04" + _MANY),
        _pfx(_tlv(4, _SALT), digest=33),
    ],
    ids=["usual", "long length", "constructed", "pieces", "long number", "longer", "digest"],
)
def test_rounds_are_counted_in_every_spelling(content: bytes) -> None:
    began = time.process_time()
    with pytest.raises(CertificateUnreadable, match=r"asks for 20,000,000 rounds"):
        read_certificates(content, "s.p12", b"x")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "content",
    [
        _pfx(b"\x1f\x04\x08" + _SALT),
        _pfx(_tlv(4, _SALT), b"\x1f\x02\x04" + _MANY),
        _pfx(_tlv(4, _SALT), safe=_tlv(0x30, *[_tlv(0x30, _DATA_KIND, _tlv(0xA0, b"\x04\x00"))])),
        _tlv(0x30, b"\x02\x01\x03", b"\x30\x80" * 40),
        b"\x30\x84\0\x0f\0\0\x02\x01\x03" + b"\x05\0" * 491_518,
    ],
    ids=["salt", "number", "empty", "deep", "many"],
)
def test_a_form_that_no_program_writes_is_not_tried(content: bytes) -> None:
    began = time.process_time()
    with pytest.raises(CertificateUnreadable, match="in a form that cannot be read"):
        read_certificates(content, "s.p12", b"x")
    assert time.process_time() - began < 1


def test_older_programs_write_lengths_of_no_end() -> None:
    pair = mint()
    content = pkcs12_of(pair, pair.certificate_pem, name="s", passphrase=b"x")
    assert content[:2] == b"\x30\x82"
    endless = b"\x30\x80" + content[4:] + b"\0\0"
    assert read_certificates(endless, "s.p12", b"x") == read_certificates(content, "s.p12", b"x")


@pytest.mark.parametrize("between", ["", "\r", " \n", "\n\nNote: x\n\n", "Note: x\n\n"])
def test_an_encrypted_key_in_any_lines_is_as_expensive(between: str) -> None:
    label = "ENCRYPTED PRIVATE KEY"
    body = b64encode(_dear_key()).decode()
    pem = f"-----BEGIN {label}-----{between}{body}-----END {label}-----\n"
    began = time.process_time()
    with pytest.raises(CertificateUnreadable, match=r"asks for 20,000,000 rounds|cannot be read"):
        read_private_key(pem.encode(), "s.key", b"x")
    assert time.process_time() - began < 1


def _dear_key() -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958 section 3) with PBES2 (RFC 8018 appendix A.4), without a key."""
    derivation = _tlv(
        0x30, bytes.fromhex("06092a864886f70d01050c"), _tlv(0x30, _tlv(0x04, _SALT), _ROUNDS)
    )
    cipher = _tlv(0x30, bytes.fromhex("060960864801650304012a"), _tlv(0x04, bytes(16)))
    scheme = _tlv(0x30, bytes.fromhex("06092a864886f70d01050d"), _tlv(0x30, derivation, cipher))
    return _tlv(0x30, scheme, _tlv(0x04, bytes(16)))


def test_an_encrypted_key_that_takes_too_long_is_not_tried() -> None:
    der = _dear_key()
    label = "ENCRYPTED PRIVATE KEY"
    pem = f"-----BEGIN {label}-----\n{b64encode(der).decode()}\n-----END {label}-----\n"
    began = time.process_time()
    for content in (pem.encode(), der):
        with pytest.raises(CertificateUnreadable, match="asks for 20,000,000 rounds"):
            read_private_key(content, "s.key", b"x")
    assert time.process_time() - began < 1


def test_a_passphrase_that_is_no_text_is_refused_in_words() -> None:
    pair = mint()
    content = pkcs12_of(pair, pair.certificate_pem, name="s", passphrase=b"x")
    with pytest.raises(CertificateUnreadable, match=r"the passphrase for s\.p12 is not UTF-8"):
        read_certificates(content, "s.p12", b"\xff\xfe")


def test_a_pkcs12_file_with_trailing_bytes_raises_no_warning() -> None:
    pair = mint()
    content = pkcs12_of(pair, pair.certificate_pem, name="s", passphrase=b"x") + b"\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (first, *_) = read_certificates(content, "s.p12", b"x")
    assert first == parsed(pair.certificate_pem)


def test_a_ca_key_of_another_kind_is_named() -> None:
    odd = mint("odd", ca=True, key=ec.generate_private_key(ec.SECP256K1()))
    with pytest.raises(ProfileViolation, match="has a key ecdsa-secp256k1"):
        check_ca(odd.certificate_pem, now=NOW, path="ca.pem")
