"""Creates, describes and writes private keys."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import (
    PrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from compose_tls.vocabulary import KeyType

IssuingKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""What gRPC takes: BoringSSL refuses Ed25519 and P-521 in a handshake."""

# FIPS 186-5 section A.1.1 and BR 6.1.6; the library refuses nearly all others.
_PUBLIC_EXPONENT: Final = 65537

# NIST SP 800-186: P-384 has 192 bits of strength, which SHA-384 does not lower. BR 7.1.3.2.2 pairs
# each curve with its hash too.
_P384_BITS: Final = 384

_CURVES: Final = {"secp256r1": "p256", "secp384r1": "p384", "secp521r1": "p521"}


def generate_key(key_type: KeyType) -> IssuingKey:
    """Make a private key.

    A key on a curve takes well under a millisecond; RSA is a search for primes of 0.05 to 2 seconds,
    during which other threads run.
    """
    match key_type:
        case "ecdsa-p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ecdsa-p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "rsa-2048":
            return rsa.generate_private_key(_PUBLIC_EXPONENT, 2048)
        case "rsa-3072":
            return rsa.generate_private_key(_PUBLIC_EXPONENT, 3072)
        case "rsa-4096":
            return rsa.generate_private_key(_PUBLIC_EXPONENT, 4096)
        case _:
            assert_never(key_type)


def key_type_of(key: PublicKeyTypes) -> str:
    """The kind of a key as facts name it: ``ecdsa-p256``, ``rsa-2048``, ``ed25519``."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ecdsa-{_CURVES.get(key.curve.name, key.curve.name)}"
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    return type(key).__name__.removesuffix("PublicKey").lower()


def signature_hash(key: IssuingKey) -> hashes.SHA256 | hashes.SHA384:
    """The hash to sign with."""
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == _P384_BITS:
        return hashes.SHA384()
    return hashes.SHA256()


def private_key_pem(key: PrivateKeyTypes) -> bytes:
    """Unencrypted PKCS #8 (RFC 5958) in PEM, the one form that Milvus and all its clients read."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_private_key(content: bytes, passphrase: bytes | None = None) -> PrivateKeyTypes:
    """Read a private key, PEM or DER.

    The library's test of RSA keys, mostly of whether their factors are prime, is left out: it takes 50
    to 300 milliseconds a key, at every command. That the numbers fit each other is seen at once.

    Raises:
        ValueError: The content is not a key, a damaged one, or the passphrase is wrong.
        TypeError: The key is encrypted and no passphrase is given, or the other way round.
        UnsupportedAlgorithm: The key is of an unknown kind.
    """
    read = load_pem_private_key if b"-----BEGIN" in content else load_der_private_key
    key = read(content, passphrase, unsafe_skip_rsa_key_validation=True)
    if isinstance(key, rsa.RSAPrivateKey) and not _is_consistent(key.private_numbers()):
        msg = "the numbers of the RSA key do not fit each other"
        raise ValueError(msg)
    return key


def _is_consistent(numbers: rsa.RSAPrivateNumbers) -> bool:
    """Whether the numbers of a key fit each other: RFC 8017 section 3.2."""
    p, q, d = numbers.p, numbers.q, numbers.d
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    return (
        min(p, q) > 1
        and p * q == n
        and e * d % (p - 1) == e * d % (q - 1) == 1
        and (numbers.dmp1, numbers.dmq1) == (d % (p - 1), d % (q - 1))
        and q * numbers.iqmp % p == 1
    )


def public_key_der(key: PublicKeyTypes) -> bytes:
    """The SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): equal for equal keys."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
