"""Certificates that people bring: those that every SDK's stack accepts, and those that one refuses."""

from __future__ import annotations

import ipaddress
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from ssl import DER_cert_to_PEM_cert
from tempfile import TemporaryDirectory
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import parts_of
from tests.moment import NOW

Extensions = Mapping[str, tuple[x509.ExtensionType, bool] | str | None]
_Hash = hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | hashes.SHA3_256
_AUTO: Final = "its own"


@dataclass(frozen=True, slots=True)
class Brought:
    """A server's certificate, and the CA file that clients trust."""

    server: CertificateWithKey
    ca_pem: bytes


class Made:
    """A certificate with its key, whatever extensions it has."""

    def __init__(
        self,
        name: str,
        extensions: Extensions,
        issuer: Made | None = None,
        *,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
        algorithm: _Hash | None = None,
        days: float = 90,
        sha1: bool = False,
        rsa_padding: PSS | None = None,
        start: datetime | None = None,
        rewritten: Callable[[bytes], bytes] | None = None,
        signed_by: str | None = None,
        subject: x509.Name | None = None,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
        self.name = subject or self.name
        above = issuer or self
        builder = x509.CertificateBuilder(
            above.name,
            self.name,
            self.key.public_key(),
            x509.random_serial_number(),
            start or NOW - timedelta(days=9),
            NOW + timedelta(days=days),
        )
        for kind, one in extensions.items():
            if one is None:
                continue
            if isinstance(one, str):
                public = self.key.public_key() if kind == "ski" else above.key.public_key()
                value: x509.ExtensionType = (
                    x509.SubjectKeyIdentifier.from_public_key(public)
                    if kind == "ski"
                    else x509.AuthorityKeyIdentifier.from_issuer_public_key(public)
                )
                builder = builder.add_extension(value, critical=False)
            else:
                builder = builder.add_extension(*one)
        certificate = builder.sign(above.key, algorithm or hashes.SHA256(), rsa_padding=rsa_padding)
        self.der = certificate.public_bytes(Encoding.DER)
        if sha1:
            self.der = _with_sha1(certificate, above)
        if rewritten is not None:
            self.der = _signed_again(rewritten(certificate.tbs_certificate_bytes), above)
        if signed_by is not None:
            self.der = _said_to_be_signed_by(self.der, bytes.fromhex(signed_by))

    @property
    def pem(self) -> bytes:
        return DER_cert_to_PEM_cert(self.der).encode()

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signed_again(inner: bytes, above: Made) -> bytes:
    """What no library makes, under a signature that is sound: ECDSA with SHA-256."""
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    assert isinstance(above.key, ec.EllipticCurvePrivateKey)
    signature = above.key.sign(inner, ec.ECDSA(hashes.SHA256()))
    return _tagged(0x30, inner + algorithm + _tagged(0x03, b"\0" + signature))


def _said_to_be_signed_by(certificate: bytes, algorithm: bytes) -> bytes:
    inner, _, signature = parts_of(certificate)
    held, named = parts_of(inner), _tagged(0x30, algorithm)
    held[2] = named
    return _tagged(0x30, _tagged(0x30, b"".join(held)) + named + signature)


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    long = size.to_bytes(2) if size > 255 else size.to_bytes()
    return bytes([tag, *([0x80 + len(long)] if size > 127 else []), *long]) + content


def _of_version_1(sequence: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts_of(sequence)[1:]))


def _with_compressed_key(sequence: bytes) -> bytes:
    """As SEC 1 section 2.3.3 has it; of P-256."""
    held = b"".join(parts_of(sequence))
    curve = bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107")
    before, rest = held.split(bytes.fromhex("3059") + curve + bytes.fromhex("03420004"))
    point = bytes([2 + rest[63] % 2]) + rest[:32]
    key = _tagged(0x30, curve + _tagged(0x03, bytes(1) + point))
    return _tagged(0x30, before + key + rest[64:])


def _without_null(sequence: bytes) -> bytes:
    """The algorithm of an RSA key without its parameters, which RFC 3279 section 2.3.1 demands."""
    held = parts_of(sequence)
    algorithm, key = parts_of(held[6])
    held[6] = _tagged(0x30, _tagged(0x30, parts_of(algorithm)[0]) + key)
    return _tagged(0x30, b"".join(held))


def _with_sha1(certificate: x509.Certificate, above: Made) -> bytes:
    """Signed with SHA-1 by RSA, which the library does not do any more (RFC 8017 appendix C)."""
    family = bytes.fromhex("06092a864886f70d0101")
    inner = certificate.tbs_certificate_bytes.replace(family + b"\x0b", family + b"\x05")
    outer = certificate.public_bytes(Encoding.DER).replace(family + b"\x0b", family + b"\x05")
    with TemporaryDirectory() as directory:
        key = Path(directory) / "key"
        key.write_bytes(above.key_pem)
        done = subprocess.run(
            ["openssl", "dgst", "-sha1", "-sign", key], input=inner, capture_output=True, check=True
        )
    return outer[: -len(done.stdout)] + done.stdout


def _usage(*bits: str) -> x509.KeyUsage:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in bits for name in names})


def _names(*names: str) -> tuple[x509.ExtensionType, bool]:
    held: list[x509.GeneralName] = []
    for name in names:
        try:
            held.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            held.append(x509.DNSName(name))
    return x509.SubjectAlternativeName(held), False


def _purposes(*purposes: x509.ObjectIdentifier) -> tuple[x509.ExtensionType, bool]:
    return x509.ExtendedKeyUsage(purposes), False


def _constraints(
    permitted: Sequence[x509.GeneralName] | None, excluded: Sequence[x509.GeneralName] | None = None
) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints(permitted, excluded), True


_CA: Final[Extensions] = {
    "bc": (x509.BasicConstraints(ca=True, path_length=None), True),
    "ku": (_usage("key_cert_sign", "crl_sign"), True),
    "ski": _AUTO,
}
_SERVER: Final[Extensions] = {
    "bc": (x509.BasicConstraints(ca=False, path_length=None), True),
    "ku": (_usage("digital_signature", "key_encipherment"), True),
    "ski": _AUTO,
    "aki": _AUTO,
    "eku": _purposes(ExtendedKeyUsageOID.SERVER_AUTH),
    "san": _names("localhost", "127.0.0.1"),
}


def _brought(server: Made, ca: Made, *chain: Made) -> Brought:
    above = b"".join(one.pem for one in chain)
    return Brought(CertificateWithKey(server.pem, server.key_pem, above), ca.pem)


def _under(ca: Made, *chain: Made, **different: Any) -> Brought:
    """A sound server under a CA, but for what is different."""
    return _brought(Made("server", {**_SERVER, **different}, chain[0] if chain else ca), ca, *chain)


def _ca(**different: Any) -> Made:
    return Made("brought CA", {**_CA, **different})


@cache
def _rsa_ca() -> Made:
    return Made("RSA CA", _CA, key=rsa.generate_private_key(65537, 2048))


def _openssl_req(*options: str) -> Brought:
    """As half the guides on the web have it."""
    with TemporaryDirectory() as place:
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365"]
        command += ["-keyout", f"{place}/key", "-out", f"{place}/pem", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", *options]
        subprocess.run(command, check=True, capture_output=True)
        pem, key = (Path(place, name).read_bytes() for name in ("pem", "key"))
    return Brought(CertificateWithKey(pem, key), pem)


def _easy_rsa() -> Brought:
    """Up to 3.1: no critical constraints; both identifiers, that of the authority with its name."""
    return _under(_ca(bc=(x509.BasicConstraints(ca=True, path_length=None), False)))


def _self_issued() -> Brought:
    root = _ca()
    below = Made("brought CA", {**_CA, "aki": _AUTO}, root)
    return _under(root, below)


def _pss_key() -> Brought:
    ca = _ca()
    with TemporaryDirectory() as place:
        for name, content in (("ca", ca.pem), ("ca.key", ca.key_pem)):
            Path(place, name).write_bytes(content)
        Path(place, "ext").write_text(
            "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
            "subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid\n"
        )
        request = "openssl req -new -newkey rsa-pss -pkeyopt rsa_keygen_bits:2048 -nodes"
        sign = "openssl x509 -req -in req -days 90 -CA ca -CAkey ca.key -CAcreateserial"
        for command in (
            f"{request} -keyout key -subj /CN=server -out req",
            f"{sign} -extfile ext -out pem",
        ):
            subprocess.run(command.split(), cwd=place, check=True, capture_output=True)
        pem, key = (Path(place, name).read_bytes() for name in ("pem", "key"))
    return Brought(CertificateWithKey(pem, key), ca.pem)


def _sha1_intermediate() -> Brought:
    root = _rsa_ca()
    key = rsa.generate_private_key(65537, 2048)
    return _under(root, Made("lower", {**_CA, "aki": _AUTO}, root, key=key, sha1=True))


def _path_length() -> Brought:
    root = _ca(bc=(x509.BasicConstraints(ca=True, path_length=0), True))
    return _under(root, Made("brought CA", {**_CA, "aki": _AUTO}, root))


def _unrelated_ca() -> Brought:
    found = _under(_ca())
    return replace(found, ca_pem=found.ca_pem + Made("unrelated CA", {**_CA, "odd": _ODD}).pem)


def _by_serial(ca: Made, further: int = 0) -> x509.AuthorityKeyIdentifier:
    """As easy-rsa has it: the key, and serial number and issuer of the certificate."""
    one = x509.load_der_x509_certificate(ca.der)
    key = x509.SubjectKeyIdentifier.from_public_key(ca.key.public_key()).digest
    serial = one.serial_number + further
    return x509.AuthorityKeyIdentifier(key, [x509.DirectoryName(one.issuer)], serial)


def _serial_of_another() -> x509.AuthorityKeyIdentifier:
    other = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])
    return x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(other)], 1234)


def _intermediate_for(name: str) -> Brought:
    root = _ca(nc=_constraints([x509.DNSName("localhost")]))
    lower = Made("lower", {**_CA, "aki": _AUTO, "san": _names(name)}, root)
    return _under(root, lower, san=_names("localhost"))


def _two_lower(*, first: bool) -> Brought:
    """One key, certified twice by its CA: one of them may not issue for the server."""
    root, key = _ca(), ec.generate_private_key(ec.SECP256R1())
    sound = Made("lower", {**_CA, "aki": _AUTO}, root, key=key)
    wrong = {**_CA, "aki": _AUTO, "nc": _constraints([_FORBIDDEN])}
    limited = Made("lower", wrong, root, key=key)
    found = _under(root, sound)
    chain = [limited, sound] if first else [sound, limited]
    pem = b"".join(one.pem for one in chain)
    return replace(found, server=replace(found.server, chain_pem=pem))


def _long_chain(intermediates: int) -> Brought:
    root = _ca()
    chain = [root]
    for number in range(intermediates):
        chain.insert(0, Made(f"lower {number}", {**_CA, "aki": _AUTO}, chain[0]))
    return _under(root, *chain[:-1])


def _with_many_others() -> Brought:
    found = _under(_ca())
    others = b"".join(Made(f"other {number}", _CA).pem for number in range(10))
    return replace(found, server=replace(found.server, chain_pem=others))


def _named(name: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName([x509.DNSName("localhost"), name]), False


def _two_ways() -> Brought:
    root, key = _ca(), ec.generate_private_key(ec.SECP256R1())
    limited = Made("limited", {**_CA, "nc": _constraints(None, [_FORBIDDEN]), "aki": _AUTO}, root)
    san = _names("forbidden.example.com")
    under_it = Made("lower", {**_CA, "aki": _AUTO, "san": san}, limited, key=key)
    beside = Made("lower", {**_CA, "aki": _AUTO}, root, key=key)
    found = _under(root, beside)
    chain = limited.pem + under_it.pem + beside.pem
    return replace(found, server=replace(found.server, chain_pem=chain))


def _with_expired(*, first: bool) -> Brought:
    """An intermediate with two certificates for one key, of which one has expired."""
    root, key = _ca(), ec.generate_private_key(ec.SECP256R1())
    good, old = (
        Made("lower", {**_CA, "aki": _AUTO}, root, key=key, days=days) for days in (90, -1)
    )
    found = _under(root, good)
    sent = [old, good] if first else [good, old]
    return replace(found, server=replace(found.server, chain_pem=b"".join(one.pem for one in sent)))


def _pss_signed(salt_length: int, within: hashes.HashAlgorithm | None = None) -> Brought:
    root = _rsa_ca()
    padding = PSS(MGF1(within or hashes.SHA256()), salt_length)
    signed = Made("server", _SERVER, root, rsa_padding=padding)
    return _brought(signed, root)


def _cross_signed() -> Brought:
    """As Let's Encrypt had it in 2021: the new root, also under one that has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    found = _under(Made("new root", _CA, key=key))
    old = Made("old root", _CA, days=-1)
    cross = Made("new root", {**_CA, "aki": _AUTO}, old, key=key)
    return replace(found, server=replace(found.server, chain_pem=cross.pem))


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _with_root(other: Made, key: ec.EllipticCurvePrivateKey | None = None) -> Brought:
    """A sound server, and another root behind its own in the file."""
    found = _under(Made("brought CA", _CA, key=key))
    return replace(found, ca_pem=found.ca_pem + other.pem)


def retyped(title: str, tag: int, *, server: str = "server") -> Brought:
    """A name in the server's certificate as another type of string: UTF8String it is else."""

    def rewritten(inner: bytes) -> bytes:
        text = title.encode()
        held = b"".join(parts_of(inner))
        return _tagged(0x30, held.replace(_tagged(0x0C, text), _tagged(tag, text), 1))

    ca = _ca()
    return _brought(Made(server, _SERVER, ca, rewritten=rewritten), ca)


def _with_identifier(sequence: bytes) -> bytes:
    """Of its subject, as RFC 5280 section 4.1.2.8 has it."""
    *held, extensions = parts_of(sequence)
    return _tagged(0x30, b"".join([*held, _tagged(0x82, b"\0id"), extensions]))


def _with_another_algorithm(sequence: bytes) -> bytes:
    """ECDSA with SHA-384, and the signature says SHA-256."""
    version, serial, algorithm, *rest = parts_of(sequence)
    other = algorithm[:-1] + b"\x03"
    return _tagged(0x30, b"".join([version, serial, other, *rest]))


def _server(**different: Any) -> Brought:
    """A server under a CA, made in another way."""
    return _brought(Made("server", _SERVER, (ca := _ca()), **different), ca)


def _sent_along(*, of_ca: bool) -> Brought:
    found = _under(_ca())
    more = found.ca_pem if of_ca else found.server.certificate_pem
    return replace(found, server=replace(found.server, chain_pem=more))


def _swapped() -> Brought:
    root = _ca()
    lower = Made("lower", {**_CA, "aki": _AUTO}, root)
    found = _under(root, lower)
    return Brought(replace(found.server, chain_pem=root.pem), lower.pem)


def _with_key(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, **different: Any) -> Brought:
    return _server(key=key, **different)


def _other(**made: Any) -> Made:
    return Made(**{"name": "other", "extensions": _CA, **made})


def _along(**made: Any) -> Brought:
    """Another root, made in some way, is sent along."""
    found, other = _under(_ca()), _other(**made)
    return replace(found, server=replace(found.server, chain_pem=other.pem))


def _in_the_file(**made: Any) -> Brought:
    return _with_root(_other(**made))


def _mail_in_subject(address: str) -> Brought:
    """As openssl req asks for one, under a CA for one domain's."""
    name = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)])
    ca = _ca(nc=_constraints([x509.RFC822Name("example.org")]))
    return _brought(Made("server", _SERVER, ca, subject=name), ca)


def _raw(kind: str, value: str) -> tuple[x509.ExtensionType, bool]:
    oid = x509.ObjectIdentifier(kind)
    return x509.UnrecognizedExtension(oid, bytes.fromhex(value)), False


def _lower(**different: Any) -> Brought:
    root = _ca()
    return _under(root, Made("lower", {**_CA, "aki": _AUTO, **different}, root))


def _directory(name: str) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))


def _many(names: int, trees: int) -> Brought:
    permitted = [x509.DNSName("localhost"), *(x509.DNSName(f"{n}.test") for n in range(trees))]
    san = _names("localhost", *(f"{n}.test" for n in range(names)))
    return _under(_ca(nc=_constraints(permitted)), san=san)


_OF_CLIENT: Final = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("2.16.840.1.113730.1.1"), bytes.fromhex("03020780")
)
_ODD: Final = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True
_ALL: Final = ("gRPC", "Go", "Java", "Node", "rustls")
_FORBIDDEN: Final = x509.DNSName("forbidden.example.com")
_STRICT: Final = frozenset({"strict-clients-refuse"})
_SELF: Final = frozenset({"self-signed-certificate"})
_RUSTLS: Final = frozenset({"rustls-clients-refuse"})
_1950: Final = datetime(1950, 1, 1)  # noqa: DTZ001 - the builder's own limit, without a zone
_POLICY: Final = x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)
_RELATIVE: Final = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COMMON_NAME, "list")])
_REGISTERED: Final = x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))
_TEN: Final = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))

_SCHEME: Final = _constraints([x509.UniformResourceIdentifier("https://example.com")])
_UNREAD_ALONG: Final[Mapping[str, tuple[Mapping[str, Any], tuple[str, ...], str]]] = {
    "two algorithms": (
        {"rewritten": _with_another_algorithm},
        ("Go", "Java"),
        "names two algorithms of its signature",
    ),
    "version 1 with extensions": (
        {"rewritten": _of_version_1}, ("gRPC", "Java"), "is of version 1 and has extensions"
    ),
    "compressed key": (
        {"rewritten": _with_compressed_key}, ("Go", "Java"), "has a compressed key"
    ),
    "Brainpool key": (
        {"key": ec.generate_private_key(ec.BrainpoolP256R1())},
        ("Go",),
        "has a key ecdsa-brainpoolP256r1, which Go does not read",
    ),
    "constraint on URIs by their scheme": (
        {"extensions": {**_CA, "nc": _SCHEME}}, ("Java",), "has the name constraint"
    ),
    "IPv4-mapped address": (
        {"extensions": {**_CA, "san": _names("::ffff:10.0.0.1")}},
        ("Go",),
        "holds the IPv4-mapped address",
    ),
    "policy twice": (
        {
            "extensions": {
                **_CA, "policy": (x509.CertificatePolicies([_POLICY, _POLICY]), False)
            }
        },
        ("Go",),
        "has no certificate policy in their list, or one twice",
    ),
    "no name": ({"name": ""}, ("Java",), "names no issuer"),
}  # fmt: skip
_UNREAD_BY_JAVA: Final = (
    "two algorithms", "version 1 with extensions", "compressed key",
    "constraint on URIs by their scheme", "no name",
)  # fmt: skip

ACCEPTED: Final[Mapping[str, tuple[Callable[[], Brought], frozenset[str]]]] = {
    "sound": (lambda: _under(_ca()), frozenset()),
    "CA without key usage, as of easy-rsa": (lambda: _under(_ca(ku=None)), _STRICT),
    "constraints that are not critical, as of easy-rsa and the guide": (_easy_rsa, _STRICT),
    "CA without key identifier": (lambda: _under(_ca(ski=None), aki=None), _STRICT),
    "server without authority key identifier": (lambda: _under(_ca(), aki=None), _STRICT),
    "CA of openssl req -x509": (lambda: _under(_ca(ku=None, aki=_AUTO)), _STRICT),
    "server of openssl req -x509, its own CA": (_openssl_req, _SELF),
    "self-signed server": (
        lambda: _openssl_req("-addext", "basicConstraints=critical,CA:FALSE"),
        _SELF,
    ),
    "self-issued intermediate": (_self_issued, frozenset()),
    "address constraints, no address": (
        lambda: _under(_ca(nc=_constraints([_TEN])), san=_names("localhost")),
        frozenset(),
    ),
    "permitted names, wildcard among them": (
        lambda: _under(
            _ca(nc=_constraints([x509.DNSName("localhost"), x509.DNSName("example.com")])),
            san=_names("localhost", "*.example.com"),
        ),
        frozenset(),
    ),
    "excluded name that no wildcard reaches": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName("a.b.example.com")])),
            san=_names("localhost", "*.example.com"),
        ),
        frozenset(),
    ),
    "CA with a P-521 key": (
        lambda: _under(Made("big CA", _CA, key=ec.generate_private_key(ec.SECP521R1()))),
        _RUSTLS,
    ),
    "root that signed itself with SHA-1": (
        lambda: _under(
            Made("old CA", _CA, key=rsa.generate_private_key(65537, 2048), sha1=True)
        ),
        frozenset(),
    ),
    "CA of others with an unknown critical extension, in the same file": (
        _unrelated_ca,
        frozenset(),
    ),
    "two certificates of one CA, the first of which may issue for the server": (
        lambda: _two_lower(first=False),
        frozenset(),
    ),
    "six intermediates": (lambda: _long_chain(6), frozenset()),
    "seven intermediates": (lambda: _long_chain(7), _RUSTLS),
    "identifier of the authority with its serial number": (
        lambda: _under(ca := _ca(), aki=(_by_serial(ca), False)),
        frozenset(),
    ),
    "server without purposes": (lambda: _under(_ca(), eku=None), frozenset()),
    "purposes that are critical": (
        lambda: _under(
            _ca(), eku=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), True)
        ),
        frozenset(),
    ),
    "an expired certificate of the intermediate behind the valid one": (
        lambda: _with_expired(first=False),
        frozenset(),
    ),
    "a root that an expired one has signed as well": (_cross_signed, frozenset()),
    "RSA-PSS signature": (lambda: _pss_signed(32), frozenset()),
    "server sent twice": (lambda: _sent_along(of_ca=False), frozenset()),
    "root sent along": (lambda: _sent_along(of_ca=True), frozenset()),
    "expired root of the same name and key behind the valid one": (
        lambda: _with_root(Made("brought CA", _CA, key=(key := _key()), days=-1), key),
        frozenset(),
    ),
    "roots of others that have expired or may not sign": (
        lambda: _with_root(Made("old CA", {**_CA, "ku": (_usage("crl_sign"), True)}, days=-1)),
        frozenset(),
    ),
    "root of version 1": (
        lambda: _under(Made("old CA", {}, rewritten=_of_version_1), aki=None), _STRICT
    ),
    "certificate that is valid since 1950": (
        lambda: _server(start=_1950), _RUSTLS
    ),
    "policy that is critical": (
        lambda: _under(_ca(), policy=(x509.CertificatePolicies([_POLICY]), True)), _RUSTLS
    ),
    "path length of more than an octet": (
        lambda: _lower(bc=(x509.BasicConstraints(ca=True, path_length=300), True)), _RUSTLS
    ),
    "ECDSA with SHA-512": (
        lambda: _server(algorithm=hashes.SHA512()),
        _RUSTLS,
    ),
    "root on P-384 that signed itself with SHA-384": (
        lambda: _under(
            Made("CA", _CA, key=ec.generate_private_key(ec.SECP384R1()), algorithm=hashes.SHA384())
        ),
        frozenset(),
    ),
    "RSA key of 2047 bits": (
        lambda: _with_key(rsa.generate_private_key(65537, 2047)),  # noqa: S505 - as strong
        frozenset(),
    ),
    "unique identifier": (
        lambda: _server(rewritten=_with_identifier), _RUSTLS
    ),
    "root with a unique identifier": (
        lambda: _under(Made("brought CA", _CA, rewritten=_with_identifier)), _RUSTLS
    ),
    "constraints of directory names that are not critical": (
        lambda: _under(_ca(nc=(x509.NameConstraints([_directory("server")], None), False))), _RUSTLS
    ),
    "e-mail address in its subject that its CA may issue for": (
        lambda: _mail_in_subject("jane@example.org"), frozenset()
    ),
    "wildcard of a top-level domain, under constraints": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName("example.com")])),
            san=_names("localhost", "*.test"),
        ),
        _RUSTLS,
    ),
    "more names and constraints than rustls compares": (lambda: _many(500, 600), _RUSTLS),
    "self-signed server that its own constraints exclude": (
        lambda: _openssl_req(
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-addext", "nameConstraints=critical,excluded;DNS:localhost"),
        ),
        _SELF | _RUSTLS,
    ),
    "CA that ends before the server": (
        lambda: _under(Made("short CA", _CA, days=40)),
        frozenset({"certificate-ends-soon"}),
    ),
}  # fmt: skip
"""By name: how it is made, and the codes of the warnings about it."""

RUSTLS_REFUSES: Final = frozenset(
    {
        "server of openssl req -x509, its own CA",
        "CA with a P-521 key",
        "seven intermediates",
        "certificate that is valid since 1950",
        "policy that is critical",
        "path length of more than an octet",
        "ECDSA with SHA-512",
        "unique identifier",
        "root with a unique identifier",
        "constraints of directory names that are not critical",
        "wildcard of a top-level domain, under constraints",
        "more names and constraints than rustls compares",
        "self-signed server that its own constraints exclude",
    }
)
"""Those of them that rustls does not take, as the warnings about them say."""

REFUSED: Final[Mapping[str, tuple[Callable[[], Brought], tuple[str, ...], str]]] = {
    "CA without basic constraints": (
        lambda: _under(_ca(bc=None)), ("Go", "Java"), "is not a CA certificate"
    ),
    "CA that may not sign": (
        lambda: _under(_ca(ku=(_usage("crl_sign"), True))),
        ("gRPC", "Go", "Java", "Node"),
        "may not sign certificates",
    ),
    "CA for clients alone": (
        lambda: _under(_ca(eku=_purposes(ExtendedKeyUsageOID.CLIENT_AUTH))),
        ("Go", "Node"),
        "lacks the extended key usage serverAuth",
    ),
    "CA for any purpose": (
        lambda: _under(_ca(eku=_purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))),
        ("Node",),
        "lacks the extended key usage serverAuth",
    ),
    "server for any purpose": (
        lambda: _under(_ca(), eku=_purposes(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)),
        ("gRPC", "Node", "rustls"),
        "lacks the extended key usage serverAuth",
    ),
    "server for clients alone": (
        lambda: _under(_ca(), eku=_purposes(ExtendedKeyUsageOID.CLIENT_AUTH)),
        _ALL,
        "lacks the extended key usage serverAuth",
    ),
    "no names": (lambda: _under(_ca(), san=None), _ALL, "has no subject alternative name"),
    "name outside of what is permitted": (
        lambda: _under(_ca(nc=_constraints([_FORBIDDEN])), san=_names("localhost")),
        ("gRPC", "Go", "Node", "rustls"),
        "is for localhost, for which its CA",
    ),
    "excluded name": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName("localhost")])), san=_names("localhost")
        ),
        ("gRPC", "Go", "Node", "rustls"),
        "is for localhost, for which its CA",
    ),
    "root with an unknown critical extension": (
        lambda: _under(_ca(odd=_ODD)), ("Go", "Node"), "has the critical extension 1.2.3.4"
    ),
    "intermediate with an unknown critical extension": (
        lambda: _lower(odd=_ODD), _ALL, "has the critical extension 1.2.3.4"
    ),
    "intermediate that is not a CA": (
        lambda: _lower(bc=(x509.BasicConstraints(ca=False, path_length=None), True)),
        _ALL,
        "is not a CA certificate",
    ),
    "intermediate for clients alone": (
        lambda: _lower(eku=_purposes(ExtendedKeyUsageOID.CLIENT_AUTH)),
        ("gRPC", "Go", "Node", "rustls"),
        "lacks the extended key usage serverAuth",
    ),
    "server that is a CA": (
        lambda: _under(_ca(), bc=(x509.BasicConstraints(ca=True, path_length=None), True)),
        ("rustls",),
        "is a CA certificate: with its key",
    ),
    "RSA key of 1024 bits": (
        lambda: _with_key(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - to be refused
        ("rustls",),
        "has an RSA key of 1024 bits, too weak",
    ),
    "P-521 key": (
        lambda: _with_key(ec.generate_private_key(ec.SECP521R1())),
        ("gRPC", "rustls"),
        "has a key ecdsa-p521",
    ),
    "Brainpool key": (
        lambda: _with_key(ec.generate_private_key(ec.BrainpoolP256R1())),
        _ALL,
        "has a key ecdsa-brainpoolP256r1",
    ),
    "root and intermediate in each other's place": (
        _swapped, ("Node",), "the root CN=brought CA is missing"
    ),
    "an expired certificate of the intermediate before the valid one": (
        lambda: _with_expired(first=True), ("gRPC",), "the intermediate CN=lower"
    ),
    "address constraints that do not apply": (
        lambda: _under(_ca(nc=_constraints(None, [_TEN]))),
        ("gRPC",),
        "name constraints on IP addresses, with which gRPC refuses",
    ),
    "excluded name that a wildcard could stand for": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName("host.example.com")])),
            san=_names("localhost", "*.example.com"),
        ),
        ("gRPC", "Go", "rustls"),
        "is for *.example.com, for which its CA CN=brought CA may not issue",
    ),
    "wildcard wider than what is permitted": (
        lambda: _under(
            _ca(nc=_constraints([x509.DNSName("localhost"), x509.DNSName("host.example.com")])),
            san=_names("localhost", "*.example.com"),
        ),
        ("gRPC", "Go", "Node", "rustls"),
        "is for *.example.com, for which its CA CN=brought CA may not issue",
    ),
    "constraints on directory names": (
        lambda: _under(
            _ca(
                nc=_constraints(
                    None,
                    [
                        x509.DirectoryName(
                            x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x")])
                        )
                    ],
                )
            )
        ),
        ("Go", "rustls"),
        "name constraints of a kind that Go does not know",
    ),
    "SHA-224": (
        lambda: _brought(
            Made("server", _SERVER, (ca := _ca()), algorithm=hashes.SHA224()), ca
        ),
        ("Go", "rustls"),
        "is signed with SHA224, which clients in Go",
    ),
    "SHA-1": (
        lambda: _brought(Made("server", _SERVER, _rsa_ca(), sha1=True), _rsa_ca()),
        ("Go", "Node", "rustls"),
        "s.pem is signed with SHA1, which clients in Go",
    ),
    "RSA-PSS signature with a long salt": (
        lambda: _pss_signed(222), ("gRPC", "Go", "rustls"), "or a salt of another length"
    ),
    "SHA-1 intermediate": (
        _sha1_intermediate,
        ("Go", "Node", "rustls"),
        "the intermediate CN=lower of s.pem is signed with SHA1",
    ),
    "RSA-PSS key": (_pss_key, ("gRPC", "rustls"), "has an RSA-PSS key, which gRPC clients"),
    "IPv4-mapped address": (
        lambda: _under(_ca(), san=_names("localhost", "::ffff:10.0.0.1")),
        ("Go",),
        "holds the IPv4-mapped address ::ffff:",
    ),
    "unknown critical extension": (
        lambda: _under(
            _ca(),
            odd=_ODD,
        ),
        ("gRPC", "Go", "Java", "Node", "rustls"),
        "has the critical extension 1.2.3.4",
    ),
    "critical key identifier": (
        lambda: _under(_ca(), ski=(x509.SubjectKeyIdentifier(b"1" * 20), True)),
        ("gRPC", "Go", "Java", "Node", "rustls"),
        "has the critical extension 2.5.29.14",
    ),
    "identifier of another authority key": (
        lambda: _under(_ca(), aki=(x509.AuthorityKeyIdentifier(b"x" * 20, None, None), False)),
        ("gRPC", "Java", "Node"),
        "was issued by a different CA with the name of the given one",
    ),
    "no subject, and names that are not critical": (
        lambda: _brought(Made("", _SERVER, (ca := _ca())), ca),
        ("Java",),
        "has no subject, and names that are not critical",
    ),
    "CA without subject": (
        lambda: _under(Made("", _CA)), ("Java",), "names no issuer, and Java refuses it"
    ),
    "self-issued intermediate under path length 0": (
        _path_length, ("Go",), "may have 0 CAs below it, and has 1"
    ),
    "identifier of the authority with another serial number": (
        lambda: _under(ca := _ca(), aki=(_by_serial(ca, 1), False)),
        ("gRPC", "Java", "Node"),
        "has serial number and issuer of another certificate than its CA",
    ),
    "root that names another one's serial number": (
        lambda: _under(_ca(aki=(_serial_of_another(), False))),
        ("Node",),
        "has serial number and issuer of another certificate than its CA",
    ),
    "intermediate that is for a name its root may not issue for": (
        lambda: _intermediate_for("forbidden.example.com"),
        ("gRPC", "Go", "Node", "rustls"),
        "the intermediate CN=lower of s.pem is for forbidden.example.com, for which its CA",
    ),
    "name that Go cannot read, under constraints": (
        lambda: _under(
            _ca(nc=_constraints([x509.DNSName("localhost")])),
            san=_names("localhost", "..localhost"),
        ),
        ("Go", "rustls"),
        "is for ..localhost, for which its CA CN=brought CA may not issue",
    ),
    "subject that its CA may not issue for, by constraints that are not critical": (
        lambda: _under(_ca(nc=(x509.NameConstraints(None, [_directory("server")]), False))),
        ("gRPC", "Node", "rustls"),
        "has the subject CN=server, for which its CA CN=brought CA may not issue",
    ),
    "too many names and constraints to compare": (
        lambda: _many(1000, 1100),
        ("gRPC", "Node", "rustls"),
        "gRPC and Node compare no more than 1048576 pairs",
    ),
    "more than Java reads in a handshake": (
        lambda: _under(_ca(), san=_names("localhost", *(f"{n:060}.example.com" for n in range(500)))),
        ("Java",),
        "Java accepts 32768 at most",
    ),
    "two certificates of one CA, the first of which may not issue for the server": (
        lambda: _two_lower(first=True),
        ("gRPC", "Node"),
        "is for localhost, for which its CA CN=lower may not issue",
    ),
    "more certificates than Java reads": (
        _with_many_others,
        ("Java",),
        "has 11 certificates: Java accepts 10 at most",
    ),
    "e-mail address that its CA may issue for": (
        lambda: _under(
            _ca(nc=_constraints([x509.RFC822Name("example.org")])),
            san=_named(x509.RFC822Name("a@example.org")),
        ),
        ("rustls",),
        "has name constraints on e-mail addresses, with which rustls and others refuse",
    ),
    "e-mail address that its CA may not issue for": (
        lambda: _under(
            _ca(nc=_constraints([x509.RFC822Name("example.org")])),
            san=_named(x509.RFC822Name("a@example.com")),
        ),
        ("gRPC", "Go", "Node", "rustls"),
        "has name constraints on e-mail addresses, with which rustls and others refuse",
    ),
    "URI that its CA may not issue for": (
        lambda: _under(
            _ca(nc=_constraints([x509.UniformResourceIdentifier(".example.org")])),
            san=_named(x509.UniformResourceIdentifier("spiffe://example.com/milvus")),
        ),
        ("gRPC", "Go", "Node", "rustls"),
        "has name constraints on URIs, with which rustls and others refuse",
    ),
    "one of two ways up may not issue for an intermediate": (
        _two_ways,
        ("gRPC", "Node"),
        "is for forbidden.example.com, for which its CA",
    ),
    "URI that is none": (
        lambda: _under(_ca(), san=_named(x509.UniformResourceIdentifier("http://[::1"))),
        ("Go", "Java"),
        "holds the name http://[::1, and Go or Java cannot read such a certificate",
    ),
    "URI without a scheme": (
        lambda: _under(_ca(), san=_named(x509.UniformResourceIdentifier("milvus.example.com"))),
        ("Java",),
        "holds the name milvus.example.com, and Go or Java cannot read such a certificate",
    ),
    "URI with an empty label": (
        lambda: _under(_ca(), san=_named(x509.UniformResourceIdentifier("https://a..example.com"))),
        ("Go",),
        "holds the name https://a..example.com, and Go or Java cannot read such a certificate",
    ),
    "addresses of a network as a name": (
        lambda: _under(_ca(), san=_named(_TEN)), ("gRPC", "Go"), "holds the name 10.0.0.0/8"
    ),
    "constraint on URIs by their scheme": (
        lambda: _under(_ca(nc=_constraints([x509.UniformResourceIdentifier("https://example.com")]))),
        ("Java",),
        "has the name constraint 'https://example.com', which Go or Java does not read",
    ),
    "excluded name that Go does not read": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName("a..example.com")])), san=_names("localhost")
        ),
        ("Go", "rustls"),
        "has the name constraint 'a..example.com', which Go or Java does not read",
    ),
    "stapling that is demanded, and critical": (
        lambda: _under(_ca(), tls=(x509.TLSFeature([x509.TLSFeatureType.status_request]), True)),
        _ALL,
        "has the critical extension 1.3.6.1.5.5.7.1.24",
    ),
    "policy twice": (
        lambda: _under(_ca(), policy=(x509.CertificatePolicies([_POLICY, _POLICY]), False)),
        ("gRPC", "Go"),
        "has no certificate policy in their list, or one twice",
    ),
    "policy that its CA demands, and is not there": (
        lambda: _lower(policy=(x509.PolicyConstraints(0, None), False)),
        ("gRPC", "Go", "Java"),
        "has no certificate policy that its CAs share",
    ),
    "Netscape type of a client": (
        lambda: _under(_ca(), netscape=(_OF_CLIENT, False)),
        ("Java", "Node"),
        "is not for servers by its Netscape certificate type",
    ),
    "issuer by another type of string": (
        lambda: retyped("brought CA", 0x13),
        ("Go", "rustls"),
        "was issued by a different CA with the name of the given one",
    ),
    "registered identifier, and constraints on those": (
        lambda: _under(
            _ca(nc=(x509.NameConstraints([_REGISTERED], None), False)), san=_named(_REGISTERED)
        ),
        ("gRPC", "Node", "rustls"),
        "has name constraints on registered identifiers, with which rustls and others refuse",
    ),
    "directory name that its CA may not issue for": (
        lambda: _under(
            _ca(nc=(x509.NameConstraints([_directory("server")], None), False)),
            san=_named(_directory("other")),
        ),
        ("gRPC", "Node", "rustls"),
        "has name constraints on directory names, with which rustls and others refuse",
    ),
    "wildcard, and an excluded name with a leading dot": (
        lambda: _under(
            _ca(nc=_constraints(None, [x509.DNSName(".host.example.com")])),
            san=_names("localhost", "*.example.com"),
        ),
        ("rustls",),
        "is for *.example.com, for which its CA CN=brought CA may not issue",
    ),
    "another CA of the root's name sent along": (
        lambda: _along(name="brought CA"),
        ("Java",),
        "s.pem holds another CA CN=brought CA than the one that issued what stands before it",
    ),
    "root that names two algorithms of its signature": (
        lambda: _under(Made("brought CA", _CA, rewritten=_with_another_algorithm)),
        ("Go", "Java", "rustls"),
        "names two algorithms of its signature",
    ),
    "server that names two algorithms of its signature": (
        lambda: _server(rewritten=_with_another_algorithm),
        _ALL,
        "names two algorithms of its signature",
    ),
    "CRL distribution point relative to its issuer": (
        lambda: _under(
            _ca(),
            crl=(
                x509.CRLDistributionPoints(
                    [x509.DistributionPoint(None, _RELATIVE, None, None)]
                ),
                False,
            ),
        ),
        ("Go",),
        "has a CRL distribution point relative to its issuer",
    ),
    "root with a Netscape type that is none": (
        lambda: _under(_ca(netscape=_raw("2.16.840.1.113730.1.1", "0500"))),
        ("Node",),
        "has an invalid Netscape certificate type",
    ),
    "Netscape type of nothing": (
        lambda: _under(_ca(), netscape=_raw("2.16.840.1.113730.1.1", "030100")),
        ("Java", "Node"),
        "is not for servers by its Netscape certificate type",
    ),
    "any policy, mapped to another": (
        lambda: _lower(policy=_raw("2.5.29.33", "300d300b0604551d200006032a0305")),
        ("gRPC",),
        "an empty policyMappings extension, or one with anyPolicy",
    ),
    "name constraint with a maximum": (
        lambda: _under(
            _ca(nc=_raw("2.5.29.30", "3012a010300e82096c6f63616c686f7374810105")),
            san=_names("localhost"),
        ),
        ("gRPC", "Node", "rustls"),
        "has name constraints with a minimum or maximum",
    ),
    "constraint on URIs with an underscore": (
        lambda: _under(_ca(nc=_constraints([x509.UniformResourceIdentifier("a_b.example")]))),
        ("Java",),
        "has the name constraint 'a_b.example', which Go or Java does not read",
    ),
    "e-mail address in its subject that its CA may not issue for": (
        lambda: _mail_in_subject("jane@example.com"),
        ("gRPC", "Node"),
        "s.pem has jane@example.com in a subject, for which its CA",
    ),
    "RSA key without NULL": (
        lambda: _with_key(
            rsa.generate_private_key(65537, 2048), rewritten=_without_null
        ),
        ("gRPC", "Go", "rustls"),
        "has an RSA key without the NULL before it",
    ),
    "RSA-PSS signature with another hash within": (
        lambda: _pss_signed(32, hashes.SHA384()),
        ("gRPC", "Go", "rustls"),
        "is signed by RSA-PSS with another hash within",
    ),
    "root that signed itself by ECDSA with SHA3": (
        lambda: _under(Made("new CA", _CA, algorithm=hashes.SHA3_256())),
        ("Node",),
        "is self-signed with an algorithm that Node does not support",
    ),
    "root that signed itself by what no one knows": (
        lambda: _under(Made("odd CA", _CA, signed_by="06032a0304")),
        ("Node",),
        "is self-signed with an algorithm that Node does not support",
    ),
    **{
        f"sent along: {title}": (
            partial(_along, **made),
            stacks,
            reason,
        )
        for title, (made, stacks, reason) in _UNREAD_ALONG.items()
    },
    **{
        f"in the CA file: {title}": (
            partial(_in_the_file, **_UNREAD_ALONG[title][0]),
            ("Java",),
            _UNREAD_ALONG[title][2],
        )
        for title in _UNREAD_BY_JAVA
    },
    "version 1 with extensions": (
        lambda: _server(rewritten=_of_version_1),
        ("gRPC", "Go", "Java", "rustls"),
        "is of version 1 and has extensions",
    ),
    "compressed key": (
        lambda: _server(rewritten=_with_compressed_key),
        ("Go", "Java", "rustls"),
        "has a compressed key",
    ),
    "self-signed server that may only sign certificates": (
        lambda: _openssl_req("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        ("gRPC", "Node", "rustls"),
        "lacks the key usage digitalSignature",
    ),
}  # fmt: skip
"""By name: how it is made, the stacks that refuse it, and how it is said here."""
