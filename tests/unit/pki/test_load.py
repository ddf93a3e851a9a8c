"""Reading certificates and keys."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from base64 import b64encode, encodebytes
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from cryptography.x509.oid import NameOID

from compose_tls.errors import CertificateUnreadable, KeyMismatch
from compose_tls.observation import CertificateFacts, PkiFacts
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.load import (
    certificate_facts,
    load_certificates,
    load_key_pair,
    name_text,
    subjects,
    survey,
)
from compose_tls.pki.pem import read_certificates
from compose_tls.pki.pkcs12 import passphrase_in
from compose_tls.vocabulary import Profile
from tests.moment import NOW
from tests.unit.pki.minting import mint, parsed

_ROLES: tuple[Profile, ...] = ("ca", "server", "client")


def _key(pair: CertificateWithKey) -> PrivateKeyTypes:
    return load_pem_private_key(pair.private_key_pem, None)


def _load(certificate: bytes, key: bytes) -> CertificateWithKey:
    return load_key_pair(
        certificate, key, certificate_path="my/server.pem", key_path="my/server.key"
    )


def _written(
    key: PrivateKeyTypes,
    encoding: Encoding,
    form: PrivateFormat = PrivateFormat.PKCS8,
    passphrase: bytes | None = None,
) -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(encoding, form, encryption)


def test_facts_say_what_the_certificate_says() -> None:
    pair = mint(
        "milvus",
        dns=("localhost", "milvus_standalone"),
        ips=("127.0.0.1", "::1"),
        start=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        end=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    certificate = parsed(pair.certificate_pem)
    facts = certificate_facts(pair.certificate_pem, path="server.pem")
    assert facts == CertificateFacts(
        subject="CN=milvus",
        issuer="CN=milvus",
        serial=facts.serial,
        not_before=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        not_after=datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC),
        key_type="ecdsa-p256",
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        dns_names=("localhost", "milvus_standalone"),
        ip_addresses=("127.0.0.1", "::1"),
        is_ca=False,
        permitted_dns=(),
    )
    assert int(facts.serial, 16) == certificate.serial_number
    assert len(facts.serial) % 2 == 0
    assert facts.serial == facts.serial.lower()


def test_facts_of_a_ca_have_no_names(ca: CertificateWithKey) -> None:
    facts = certificate_facts(ca.certificate_pem, path="ca.pem")
    assert facts.is_ca
    assert facts.dns_names == facts.ip_addresses == ()


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ecdsa-p384"),
        (ec.generate_private_key(ec.SECP521R1()), "ecdsa-p521"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "ecdsa-brainpoolP256r1"),
        (ed25519.Ed25519PrivateKey.generate(), "ed25519"),
    ],
)
def test_facts_name_the_kind_of_key(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey, expected: str
) -> None:
    pair = mint(key=key)
    assert certificate_facts(pair.certificate_pem, path="server.pem").key_type == expected


def test_facts_are_those_of_the_first_certificate_of_a_chain(ca: CertificateWithKey) -> None:
    server = mint(issuer=ca)
    facts = certificate_facts(server.certificate_pem + ca.certificate_pem, path="server.pem")
    assert facts == certificate_facts(server.certificate_pem, path="server.pem")


def test_a_pair_comes_out_in_our_form_whatever_form_it_has(rsa_key: rsa.RSAPrivateKey) -> None:
    ours = mint(key=rsa_key)
    certificate = parsed(ours.certificate_pem)
    certificates = [
        ours.certificate_pem,
        ours.certificate_pem.replace(b"\n", b"\r\n"),
        b"Certificate:\n    Data: as openssl x509 -text has it\n" + ours.certificate_pem,
        certificate.public_bytes(Encoding.DER),
        ours.private_key_pem + ours.certificate_pem,
        ours.certificate_pem.rstrip(),
    ]
    keys = [
        ours.private_key_pem,
        ours.private_key_pem.replace(b"\n", b"\r\n"),
        _written(rsa_key, Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
        _written(rsa_key, Encoding.DER),
        _written(rsa_key, Encoding.DER, PrivateFormat.TraditionalOpenSSL),
        ours.certificate_pem + ours.private_key_pem,
    ]
    for one, other in zip(certificates, keys, strict=True):
        assert _load(one, other) == ours


def test_an_ec_key_may_follow_its_parameters() -> None:
    ours = mint()
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    key = parameters + _written(_key(ours), Encoding.PEM, PrivateFormat.TraditionalOpenSSL)
    assert _load(ours.certificate_pem, key) == ours


def test_the_rest_of_a_chain_is_kept_in_order(ca: CertificateWithKey) -> None:
    upper = mint("upper", ca=True, issuer=ca)
    server = mint(issuer=mint("lower", ca=True, issuer=upper))
    loaded = _load(server.full_chain_pem, server.private_key_pem)
    assert loaded == server
    assert loaded.chain_pem.endswith(upper.certificate_pem)


def test_a_bundle_keeps_its_certificates_and_leaves_a_key_out(ca: CertificateWithKey) -> None:
    other = mint("other", ca=True)
    content = ca.certificate_pem + ca.private_key_pem + b"# note\n" + other.certificate_pem
    expected = ca.certificate_pem + other.certificate_pem
    assert load_certificates(content, path="ca.pem") == expected
    der = parsed(ca.certificate_pem).public_bytes(Encoding.DER)
    assert load_certificates(der, path="ca.der") == ca.certificate_pem


_PAIR = mint()
_CERTIFICATE = parsed(_PAIR.certificate_pem)
_REQUEST = (
    x509.CertificateSigningRequestBuilder()
    .subject_name(_CERTIFICATE.subject)
    .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
)
_PUBLIC_KEY = _key(_PAIR).public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)  # fmt: skip
_SPOILED = _PAIR.certificate_pem.replace(b"\nMII", b"\nAAA")
_CUT = _PAIR.certificate_pem[:200]


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "is empty", "PEM, DER or PKCS #12"),
        (b" \n", "is empty", "PEM, DER or PKCS #12"),
        (b"hello", "holds no certificate in PEM, DER or PKCS #12", "PEM, DER or PKCS #12"),
        (b"\x30\x82\x01", "holds no certificate in PEM, DER or PKCS #12", "PEM, DER or PKCS #12"),
        (_CUT, "cut short, damaged", "PEM, DER or PKCS #12"),
        (b"\xfe\xed\xfe\xed\x00\x00\x00\x02", "is a Java key store", "keytool -importkeystore"),
        (_SPOILED, "cut short, damaged", "PEM, DER or PKCS #12"),
        (_PAIR.private_key_pem, "holds a private key, not a certificate", "wrong way round"),
        (_written(_key(_PAIR), Encoding.DER), "holds a private key", "wrong way round"),
        (
            _written(_key(_PAIR), Encoding.DER, passphrase=b"x"),
            "holds a private key",
            "wrong way round",
        ),
        (
            _written(_key(_PAIR), Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
            "holds a private key",
            "wrong way round",
        ),
        (_PUBLIC_KEY, "holds a public key", "belongs here"),
        (_REQUEST.public_bytes(Encoding.PEM), "holds a signing request", "the CA made of it"),
        (
            serialize_certificates([_CERTIFICATE], Encoding.PEM),
            "holds a PKCS #7 bundle",
            "openssl pkcs7 -print_certs -in my/server.pem",
        ),
        (
            _PAIR.certificate_pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
            "OpenSSL's own form",
            "openssl x509 -in my/server.pem",
        ),
        (
            b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
            "holds a block 'X509 CRL'",
            "PEM, DER or PKCS #12",
        ),
    ],
)
def test_a_file_without_certificate_is_refused_with_what_it_holds(
    content: bytes, message: str, hint: str
) -> None:
    with pytest.raises(CertificateUnreadable) as caught:
        _load(content, _PAIR.private_key_pem)
    assert caught.value.message.startswith("my/server.pem ")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.path == "my/server.pem"
    with pytest.raises(CertificateUnreadable):
        certificate_facts(content, path="my/server.pem")
    with pytest.raises(CertificateUnreadable):
        load_certificates(content, path="my/server.pem")


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "is empty", "PEM, DER or PKCS #12"),
        (b"hello", "holds no private key in PEM, DER or PKCS #12", "PEM, DER or PKCS #12"),
        (_PAIR.private_key_pem[:100], "cut short, damaged", "PEM, DER or PKCS #12"),
        (
            _PAIR.private_key_pem.replace(b"MIG", b"AAA"),
            "cut short, damaged",
            "PEM, DER or PKCS #12",
        ),
        (_PAIR.certificate_pem, "holds a certificate, not a private key", "wrong way round"),
        (_CERTIFICATE.public_bytes(Encoding.DER), "holds a certificate", "wrong way round"),
        (_PUBLIC_KEY, "holds a public key", "belongs here"),
        (
            _written(_key(_PAIR), Encoding.PEM, PrivateFormat.OpenSSH),
            "holds an OpenSSH key",
            "ssh-keygen -p -m PKCS8 -f my/server.key",
        ),
        (
            _written(_key(_PAIR), Encoding.PEM, passphrase=b"secret"),
            "is encrypted",
            "openssl pkey -in my/server.key",
        ),
        (
            _written(_key(_PAIR), Encoding.PEM, PrivateFormat.TraditionalOpenSSL, b"secret"),
            "is encrypted",
            "openssl pkey -in my/server.key",
        ),
        (
            _written(_key(_PAIR), Encoding.DER, passphrase=b"secret"),
            "is encrypted",
            "openssl pkey -in my/server.key",
        ),
    ],
    # No bytes of a key in a name: they differ from run to run.
    ids=lambda value: value if isinstance(value, str) else "file",
)
def test_a_file_without_usable_key_is_refused_with_what_it_holds(
    content: bytes, message: str, hint: str
) -> None:
    with pytest.raises(CertificateUnreadable) as caught:
        _load(_PAIR.certificate_pem, content)
    assert "my/server.key" in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.path == "my/server.key"


def test_a_certificate_whose_inner_parts_are_damaged_is_refused() -> None:
    der = _CERTIFICATE.public_bytes(Encoding.DER)
    spoiled = der.replace(b"\x06\x03\x55\x1d\x13", b"\x06\x03\x55\x1d\x0f")  # two key usages
    with pytest.raises(CertificateUnreadable, match="holds no certificate in PEM, DER or PKCS #12"):
        certificate_facts(spoiled, path="server.der")


@pytest.mark.parametrize("number", ["p", "q", "d", "dmp1", "dmq1", "iqmp"])
def test_a_damaged_rsa_key_is_refused(number: str, rsa_key: rsa.RSAPrivateKey) -> None:
    value: int = getattr(rsa_key.private_numbers(), number)
    octets = value.to_bytes((value.bit_length() + 7) // 8)
    der = _written(rsa_key, Encoding.DER)
    assert der.count(octets) == 1
    damaged = der.replace(octets, octets[:-1] + bytes([octets[-1] ^ 2]))
    with pytest.raises(CertificateUnreadable, match="holds no private key in PEM, DER or PKCS #12"):
        _load(mint(key=rsa_key).certificate_pem, damaged)


def _with_serial(octets: bytes) -> bytes:
    der = _CERTIFICATE.public_bytes(Encoding.DER)
    length = der[der.index(b"\xa0\x03\x02\x01\x02\x02") + 6]
    start = der.index(b"\xa0\x03\x02\x01\x02\x02") + 7
    return der[:start] + octets.ljust(length, octets[-1:]) + der[start + length :]


def test_a_negative_serial_number_is_refused_because_go_reads_no_such_certificate() -> None:
    with pytest.raises(CertificateUnreadable):
        certificate_facts(_with_serial(b"\x80\x01"), path="server.der")


def test_an_unusual_serial_number_of_an_old_root_raises_no_warning() -> None:
    facts = certificate_facts(_with_serial(b"\x00\x80\x01"), path="ca.der")
    assert int(facts.serial, 16) > 0


def test_a_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(KeyMismatch) as caught:
        _load(_PAIR.certificate_pem, mint().private_key_pem)
    assert "my/server.key does not belong to the certificate my/server.pem" in caught.value.message
    assert "requested with" in caught.value.hint


def test_a_chain_in_the_wrong_order_is_refused_with_the_right_one(ca: CertificateWithKey) -> None:
    server = mint(issuer=ca)
    with pytest.raises(KeyMismatch) as caught:
        _load(ca.certificate_pem + server.certificate_pem, server.private_key_pem)
    assert caught.value.hint == "put the certificate of the key first in my/server.pem"


def _survey(
    pairs: Mapping[str, CertificateWithKey],
    **replaced: tuple[bytes | None, bytes | None],
) -> PkiFacts:
    files: dict[str, tuple[bytes | None, bytes | None]] = {
        role: replaced.get(role, (pairs[role].certificate_pem, pairs[role].private_key_pem))
        for role in _ROLES
    }
    return survey(files)


def test_what_was_issued_is_found_usable(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    found = _survey(issued)
    assert found.usable == {"ca", "server", "client"}
    assert found.certificates == {
        role: certificate_facts(issued[role].certificate_pem, path="") for role in _ROLES
    }


_FOREIGN = mint(issuer=mint("foreign", ca=True))


@pytest.mark.parametrize(
    ("certificate", "key", "readable"),
    [
        (None, _PAIR.private_key_pem, False),
        (b"", _PAIR.private_key_pem, False),
        (_CUT, _PAIR.private_key_pem, False),
        (_PAIR.private_key_pem, _PAIR.certificate_pem, False),
        (_FOREIGN.certificate_pem, _FOREIGN.private_key_pem, True),
    ],
)
def test_a_damaged_or_foreign_pair_is_just_not_usable(
    certificate: bytes | None,
    key: bytes | None,
    *,
    readable: bool,
    issued: Mapping[str, CertificateWithKey],
) -> None:
    found = _survey(issued, server=(certificate, key))
    assert found.usable == {"ca", "client"}
    assert ("server" in found.certificates) is readable


@pytest.mark.parametrize("key", [None, b"damaged", _FOREIGN.private_key_pem])
def test_a_certificate_without_its_key_is_known_but_not_usable(
    key: bytes | None, issued: Mapping[str, CertificateWithKey]
) -> None:
    found = _survey(issued, server=(issued["server"].certificate_pem, key))
    assert found.usable == {"ca", "client"}
    assert set(found.certificates) == {"ca", "server", "client"}


def test_without_its_ca_nothing_is_usable(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    assert _survey(issued, ca=(None, None)).usable == frozenset()


def test_with_the_ca_key_missing_the_rest_is_still_usable(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    found = _survey(issued, ca=(issued["ca"].certificate_pem, None))
    assert found.usable == {"server", "client"}


def test_an_end_entity_certificate_is_no_usable_ca(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    server = issued["server"]
    found = _survey(issued, ca=(server.certificate_pem, server.private_key_pem))
    assert found.usable == frozenset()


@pytest.mark.parametrize("ca", [True, False])
def test_a_server_that_signed_itself_is_usable_where_it_is_trusted(*, ca: bool) -> None:
    server = mint("localhost", ca=ca)
    pair = (server.certificate_pem, server.private_key_pem)
    found = survey({"ca": (server.certificate_pem, None), "server": pair})
    assert found.usable == {"server"}
    other = survey({"ca": (mint(ca=True).certificate_pem, None), "server": pair})
    assert other.usable == frozenset()


def test_an_empty_directory_is_surveyed_too() -> None:
    assert survey({}) == PkiFacts({}, frozenset())


def test_time_left_is_counted_from_now(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    facts = certificate_facts(issued["server"].certificate_pem, path="server.pem")
    assert facts.remaining(NOW).days == 824


def test_a_name_in_der_is_told_as_text_and_what_is_none_in_hex() -> None:
    long = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o" * 64),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 64),
            x509.NameAttribute(NameOID.COMMON_NAME, "Größe, Söhne"),
        ]
    )
    for name in (long, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA")]), x509.Name([])):
        assert name_text(name.public_bytes()) == name.rfc4514_string()
    assert name_text(b"\x30\x05no") == "30056e6f"


def test_subjects_are_named_as_tls_names_cas(ca: CertificateWithKey) -> None:
    both = ca.certificate_pem + mint("other CA", ca=True).certificate_pem
    assert list(subjects(both, path="ca.pem").values()) == ["CN=brought CA", "CN=other CA"]
    assert parsed(ca.certificate_pem).subject.public_bytes() in subjects(both, path="ca.pem")


_BUNDLE = serialize_certificates([_CERTIFICATE], Encoding.DER)
_DISGUISED = {
    "UTF-16, as of PowerShell": _PAIR.certificate_pem.decode().encode("utf-16"),
    "UTF-16 in the other order": b"\xfe\xff" + _PAIR.certificate_pem.decode().encode("utf-16-be"),
    "a value of a Kubernetes Secret": b64encode(_PAIR.certificate_pem),
    "PKCS #7 in DER, as of Windows": _BUNDLE,
    "PKCS #7 that calls itself a certificate, as of AD CS": b"-----BEGIN CERTIFICATE-----\n"
    + encodebytes(_BUNDLE)
    + b"-----END CERTIFICATE-----\n",
    "an older label": _PAIR.certificate_pem.replace(b" CERTIFICATE", b" X509 CERTIFICATE"),
    "OpenSSL's own label": _PAIR.certificate_pem.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"),
}


@pytest.mark.parametrize("kind", _DISGUISED)
def test_what_is_told_to_convert_a_file_converts_it_whatever_its_name(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "$(touch pwned) a;b" / "x.pem"
    path.parent.mkdir()
    path.write_bytes(_DISGUISED[kind])
    with pytest.raises(CertificateUnreadable) as caught:
        read_certificates(path.read_bytes(), str(path))
    words, _, command = caught.value.hint.partition(": ")
    if shutil.which(command.split()[0]) is None:
        pytest.skip(f"{command.split()[0]} is not installed")
    converted = subprocess.run(
        ["sh", "-c", command], check=True, capture_output=True, cwd=tmp_path
    ).stdout
    assert words == "convert it"
    assert read_certificates(converted, "converted") == (_CERTIFICATE,)
    assert not list(tmp_path.rglob("pwned"))


def test_a_key_store_with_a_hostile_name_is_one_word_of_the_next_step() -> None:
    name = "$(touch pwned) a"
    with pytest.raises(CertificateUnreadable) as caught:
        read_certificates(b"\xfe\xed\xfe\xed\x00\x00\x00\x02", name)
    words = shlex.split(caught.value.hint.partition(": ")[2])
    assert words[:5] == ["keytool", "-importkeystore", "-srckeystore", name, "-destkeystore"]
    assert words[5] == f"{name}.p12"


def test_a_byte_order_mark_is_no_part_of_a_passphrase() -> None:
    assert passphrase_in(b"\xef\xbb\xbfcorrect horse\r\n") == b"correct horse"
