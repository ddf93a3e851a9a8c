"""Programs of others that judge certificates. Each says in its own words what is wrong, or nothing."""

from __future__ import annotations

import ipaddress
import json
import ssl
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.judges.certificates import Files, Presented, written
from tests.judges.ignored import PUBLIC_TRUST, without_ignored
from tests.judges.programs import command, go, go_peer, package, run

_PURPOSES: Final[Mapping[str, str]] = {
    "server": "1.3.6.1.5.5.7.3.1",  # RFC 5280 section 4.2.1.12
    "client": "1.3.6.1.5.5.7.3.2",
}


@dataclass(frozen=True, slots=True)
class Linter:
    """Reads one certificate.

    Attributes:
        missing: Why it cannot be asked here; ``None`` when it can.
        findings: Errors and warnings about a certificate file.
    """

    name: str
    missing: Callable[[], str | None]
    findings: Callable[[Path], list[str]]

    def counted(self, certificate: Path) -> list[str]:
        """The findings that are not ignored."""
        return without_ignored(self.name, self.findings(certificate))


@dataclass(frozen=True, slots=True)
class Verifier:
    """Builds the chain, and judges purpose and names as its users do at each connection."""

    name: str
    missing: Callable[[], str | None]
    refusals: Callable[[Presented, Path], list[str]]

    def counted(self, shown: Presented, directory: Path) -> list[str]:
        """The refusals that are not ignored."""
        return without_ignored(self.name, self.refusals(shown, directory))


def _pkilint(certificate: Path) -> list[str]:
    from pkilint import loader  # noqa: PLC0415 - may be missing
    from pkilint.pkix import certificate as rules  # noqa: PLC0415 - as above
    from pkilint.pkix import extension, name  # noqa: PLC0415 - as above
    from pkilint.validation import (  # noqa: PLC0415 - as above
        ValidationFindingSeverity as Severity,
    )

    # As its command lint_pkix_cert does, which takes half a second for each certificate.
    validator = rules.create_pkix_certificate_validator_container(
        rules.create_decoding_validators(
            name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS
        ),
        [
            rules.create_issuer_validator_container([]),
            rules.create_validity_validator_container(),
            rules.create_subject_validator_container([]),
            rules.create_extensions_validator_container([]),
            rules.create_spki_validator_container([]),
        ],
    )
    document = loader.load_pem_certificate(certificate.read_text(), certificate.name)
    return [
        f"{found.finding.code} {found.message or ''}".strip()
        for result in validator.validate(document.root)
        for found in result.finding_descriptions
        if found.finding.severity <= Severity.WARNING
    ]


def _zlint(certificate: Path) -> list[str]:
    done = run("zlint", "-excludeSources", ",".join(PUBLIC_TRUST), certificate)
    assert done.returncode == 0, done.stderr
    return [
        f"{name} {found.get('details', '')}".strip()
        for name, found in json.loads(done.stdout).items()
        if found["result"] not in {"pass", "NA", "NE", "info"}
    ]


def _openssl(shown: Presented, directory: Path) -> list[str]:
    files = written(shown, directory)
    # Level 2 is what its TLS asks for on Debian and Ubuntu, and Python's everywhere.
    trust: list[str | Path] = ["-x509_strict", "-auth_level", "2", "-CAfile", files.ca]
    trust += ["-purpose", f"ssl{shown.role}"]
    if shown.pair.chain_pem:
        trust += ["-untrusted", files.intermediates]
    return _said(
        run("openssl", "verify", *trust, *_openssl_name(name), files.leaf) for name in shown.asked
    )


def _openssl_name(name: str | None) -> list[str | Path]:
    if name is None:
        return []
    return ["-verify_ip" if _is_address(name) else "-verify_hostname", name]


def _gnutls(shown: Presented, directory: Path) -> list[str]:
    files = written(shown, directory)
    trust: list[str | Path] = ["--verify", "--load-ca-certificate", files.ca]
    trust += ["--infile", files.chain]
    trust += ["--verify-purpose", _PURPOSES[shown.role], "--verify-profile", "medium"]
    return _said(
        run("certtool", *trust, *(f"--verify-hostname={name}" for name in names))
        for names in [[name] for name in shown.names] or [[]]
    )


def _go(shown: Presented, directory: Path) -> list[str]:
    files = written(shown, directory)
    done = run(go_peer(), "verify", shown.role, files.ca, files.chain, *shown.names)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def _python(shown: Presented, directory: Path) -> list[str]:
    """Handshakes in memory, with the flags that Python has by default from 3.13 on."""
    files = written(shown, directory)
    refusals = []
    for name in shown.names or ["localhost"]:
        try:
            _shake_hands(*_python_ends(shown, files), name)
        except ssl.SSLError as error:
            refusals.append(str(error))
    return refusals


def _python_ends(shown: Presented, files: Files) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.chain, files.key)
    judge = client
    if shown.role == "client":
        client.load_cert_chain(files.chain, files.key)
        # Only the server judges here, and what it shows itself does not matter.
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        judge = server
    judge.load_verify_locations(files.ca)
    judge.verify_mode = ssl.CERT_REQUIRED
    judge.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return client, server


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(5):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    for end in ends:
        end.do_handshake()  # does nothing more, or is refused for want of data


def _cryptography(shown: Presented, directory: Path) -> list[str]:
    leaf, *above = x509.load_pem_x509_certificates(shown.pair.full_chain_pem)
    policy = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(shown.ca_pem)))
    refusals = []
    for name in shown.asked:
        if name is not None and "_" in name:
            continue  # it refuses to be asked for such a name, whatever the certificate
        try:
            if name is None:
                policy.build_client_verifier().verify(leaf, above)
            else:
                policy.build_server_verifier(_general_name(name)).verify(leaf, above)
        except VerificationError as error:
            refusals.append(str(error))
    return refusals


def _general_name(name: str) -> x509.DNSName | x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_address(name)) if _is_address(name) else x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _said(runs: Iterator[subprocess.CompletedProcess[str]]) -> list[str]:
    return [f"{done.stdout}{done.stderr}" for done in runs if done.returncode]


LINTERS: Final = (
    Linter("pkilint", package("pkilint"), _pkilint),
    Linter("zlint", command("zlint"), _zlint),
)

VERIFIERS: Final = (
    Verifier("openssl", command("openssl"), _openssl),
    Verifier("GnuTLS", command("certtool"), _gnutls),
    Verifier("Go", go, _go),
    Verifier("Python", lambda: None, _python),
    Verifier("cryptography", lambda: None, _cryptography),
)
