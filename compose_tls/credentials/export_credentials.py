"""The certificates and keys that leave with an export: available, or issued now, and rehearsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import ServerSource
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyFiles, read
from compose_tls.layout import CERTIFICATE, CLIENT, CLIENT_OF, KEY, SERVER, STACK_CA
from compose_tls.observation import CertificateFacts
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_clients
from compose_tls.pki.load import certificate_facts
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

_RESTORE = "run compose-tls enable, which restores it"


@dataclass(frozen=True, slots=True)
class Exported:
    """What leaves with an export.

    Attributes:
        contents: The files, by their name in the PKI directory.
        paths: Where they are, or will be.
        pending: What is new, by the name of its file.
        facts: The certificates of servers, by file: that which clients meet first; none where none is
            taken along.
        fingerprints: SHA-256 of each certificate that is taken along, by its identity.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    paths: Mapping[str, Path] = field(default_factory=dict)
    pending: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    facts: Mapping[Path, CertificateFacts] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)


def exported(
    sources: Sequence[ServerSource],
    files: Mapping[str, Path],
    directory: Path,
    config: TlsConfig,
    now: datetime,
) -> Exported:
    """Read what is available and issue what is ordered; nothing is written.

    Args:
        sources: Where the certificates of servers come from, that which clients meet first.
        files: Where the other files are that are taken along, by their name in the PKI directory.
        directory: The project.
        config: The settings.
        now: The time that validity starts from.

    Raises:
        CertificateError: A certificate cannot be used or issued, or does not pass the rehearsal.
    """
    keys = KeyFiles(directory, config)
    paths: dict[str, Path] = {}
    contents: dict[str, bytes] = {}
    pending: dict[str, bytes] = {}
    facts: dict[Path, CertificateFacts] = {}
    for source in sources:
        certificate, key = (
            source.stem.parent / f"{source.stem.name}{suffix}" for suffix in (CERTIFICATE, KEY)
        )
        held = _held(source, certificate, keys, now)
        _rehearse(source, held, keys)
        for path, content in ((certificate, held.full_chain_pem), (key, held.private_key_pem)):
            name = f"{source.identity.name}{path.suffix}"
            paths[name], contents[name] = path, content
            pending |= {path.name: content} if source.order else {}
        facts[certificate] = certificate_facts(held.certificate_pem, path=certificate.name)
    for name, path in files.items():
        if name not in paths:
            paths[name], contents[name] = path, read(path, directory, _RESTORE)
    fingerprints = {
        name.removesuffix(CERTIFICATE): certificate_facts(content, path=name).sha256
        for name, content in contents.items()
        if name.endswith(CERTIFICATE)
    }
    return Exported(contents, paths, pending, facts, fingerprints)


def _held(
    source: ServerSource, certificate: Path, keys: KeyFiles, now: datetime
) -> CertificateWithKey:
    if source.order is None:
        return keys.at(certificate)
    if source.identity.name == SERVER:
        issuer = keys.issuer(provided=keys.config.ca_cert is not None)
    else:
        issuer = keys.existing(STACK_CA)
    return next(issue_clients([source.order], issuer, now))


def _rehearse(source: ServerSource, held: CertificateWithKey, keys: KeyFiles) -> None:
    from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

    identity, config = source.identity, keys.config
    client, accepted, mode = None, None, TlsMode.ONE_WAY
    if identity.name == SERVER:
        trusted, accepted, mode = keys.trusted(provided=False)[0], keys.accepted(), config.tls_mode
        own_client = (keys.directory / config.pki_dir / f"{CLIENT}{KEY}").exists()
        if mode is TlsMode.MUTUAL and own_client:
            client = keys.existing(CLIENT)
    else:
        trusted = keys.existing(STACK_CA).certificate_pem
        if identity.name in CLIENT_OF:
            client, mode = keys.existing(CLIENT_OF[identity.name]), TlsMode.MUTUAL
    names = (
        [*identity.dns_names, *identity.ip_addresses] if source.order else identity.dns_names[:1]
    )
    rehearse(held, trusted, client, server_names=names, mode=mode, client_ca_pem=accepted)
