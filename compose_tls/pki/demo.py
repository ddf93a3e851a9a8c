"""The demo certificates of Milvus images, whose private keys are public."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from compose_tls.pki.inspection import names_of
from compose_tls.pki.keys import public_key_der

# The demo certificates in Milvus images protect nothing, since their keys are public: SHA-256 of the
# public keys of ca.pem, server.pem and client.pem in configs/cert of the Milvus
# repository, since version 2.1; the private keys lie next to them there and in every image.
_DEMO_PUBLIC_KEYS: Final = frozenset(
    {
        "0910eccda921ace7fbb64961f976a2dca359e95e4dbecf02d47ca2d3b0e0fc05",
        "94226eaf3a8acb733dafa214dc91fbee87b787a94c9ba147c6b2f314f59cc9d7",
        "08415416c5c5af5504e3a27ec383b8baf238d3595db39e5a292079d3d49baa9a",
    }
)

# What else they have in common. The names prove nothing: the guide of Milvus 2.1 and 2.2 put
# them into every certificate that was made with it.
_DEMO_COMMON_NAME: Final = "localhost"
_DEMO_NAMES: Final = frozenset({"localhost", "*.ronething.cn", "*.ronething.com"})
_DEMO_LAST_DAY: Final = date(2032, 4, 28)


def is_demo(certificate: x509.Certificate) -> bool:
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
