"""Server certificates with one fault each, and the judges that have to find it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.e2e.conftest import missing
from tests.judges.certificates import Presented
from tests.judges.programs import command
from tests.moment import NOW
from tests.unit.pki.minting import CLIENT, DAY, mint

_VERIFIERS: Final = frozenset({"openssl", "GnuTLS", "Go", "Python", "cryptography"})
# Go and GnuTLS take what no attacker could use; the others hold to the letter of RFC 5280.
_STRICT: Final = frozenset({"openssl", "Python", "cryptography"})
_LINTERS: Final = frozenset({"pkilint", "zlint"})

_EXTENSIONS: Final = (
    "subjectAltName=DNS:localhost",
    "extendedKeyUsage=serverAuth",
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
)


def sound_but(ca: CertificateWithKey | None = None, **different: Any) -> Presented:
    """A server certificate that is sound but for what is asked to be different."""
    ca = ca or mint("some CA", ca=True)
    pair = mint("some server", issuer=ca, **different)
    return Presented("server", pair, ca.certificate_pem, ("localhost",))


def _under_a_ca_without(extension: type[x509.ExtensionType]) -> Presented:
    return sound_but(mint("some CA", ca=True, without=[extension]))


def _signed_with_sha1() -> Presented:
    """By openssl: cryptography does not sign so any more."""
    reason = command("openssl")()
    if reason:
        missing(reason)
    ca = mint("some CA", ca=True)
    key = mint().private_key_pem
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file, content in (
            ("ca.pem", ca.certificate_pem), ("ca.key", ca.private_key_pem), ("key", key)
        ):  # fmt: skip
            (directory / file).write_bytes(content)
        files = ("-CA", "ca.pem", "-CAkey", "ca.key", "-key", "key")
        added = [part for extension in _EXTENSIONS for part in ("-addext", extension)]
        request = (
            "openssl",
            "req",
            "-x509",
            "-sha1",
            "-config",
            "/dev/null",
            "-subj",
            "/CN=server",
        )
        done = subprocess.run(
            [*request, *files, *added], cwd=directory, capture_output=True, check=True
        )
    return Presented(
        "server", CertificateWithKey(done.stdout, key), ca.certificate_pem, ("localhost",)
    )


FAULTS: Final[Mapping[str, tuple[Callable[[], Presented], frozenset[str]]]] = {
    "no alternative name": (lambda: sound_but(dns=(), ips=()), _VERIFIERS),
    "purpose of a client": (lambda: sound_but(purposes=(CLIENT,)), _VERIFIERS),
    "expired": (lambda: sound_but(start=NOW - 2 * DAY, end=NOW - DAY), _VERIFIERS),
    "not yet valid": (lambda: sound_but(start=NOW + DAY), _VERIFIERS),
    "signed with SHA-1": (_signed_with_sha1, _VERIFIERS),
    "key encipherment on an EC key": (lambda: sound_but(digital_signature=False), _LINTERS),
    "CA without key usage": (
        lambda: _under_a_ca_without(x509.KeyUsage),
        _STRICT | {"pkilint"},
    ),
    "CA without basic constraints": (
        lambda: _under_a_ca_without(x509.BasicConstraints),
        _STRICT | _LINTERS | {"Go"},
    ),
    "CA whose basic constraints are not critical": (
        lambda: sound_but(mint("some CA", ca=True, critical_constraints=False)),
        _STRICT | _LINTERS,
    ),
    "no authority key identifier": (
        lambda: sound_but(without=[x509.AuthorityKeyIdentifier]),
        _STRICT | _LINTERS,
    ),
    "server that may sign certificates": (
        lambda: sound_but(key_cert_sign=True),
        _STRICT | _LINTERS,
    ),
}
