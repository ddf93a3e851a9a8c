"""The certificates and keys that leave with an export: available, or issued now, and rehearsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import ServerSource
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyFiles, read
from compose_tls.layout import CERTIFICATE, CLIENT, KEY, SERVER
from compose_tls.observation import CertificateFacts
from compose_tls.pki.issue import issue_clients
from compose_tls.pki.load import certificate_facts
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

_RESTORE = "run compose-tls enable, which puts it back"


@dataclass(frozen=True, slots=True)
class Exported:
    """What leaves with an export.

    Attributes:
        contents: The files, by their name in the PKI directory.
        paths: Where they are, or will be.
        pending: What is new, by the name of its file.
        facts: The certificate that clients meet, by its file; none where none is taken along.
    """

    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    paths: Mapping[str, Path] = field(default_factory=dict)
    pending: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    facts: Mapping[Path, CertificateFacts] = field(default_factory=dict)


def exported(
    source: ServerSource,
    files: Mapping[str, Path],
    directory: Path,
    config: TlsConfig,
    now: datetime,
) -> Exported:
    """Read what is available and issue what is ordered; nothing is written.

    Args:
        source: Where the certificate comes from that clients meet.
        files: Where the other files are that are taken along, by their name in the PKI directory.
        directory: The project.
        config: The settings.
        now: The time that validity starts from.

    Raises:
        CertificateError: A certificate cannot be used or issued, or does not pass the rehearsal.
    """
    from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

    keys = KeyFiles(directory, config)
    certificate, key = (
        source.stem.parent / f"{source.stem.name}{suffix}" for suffix in (CERTIFICATE, KEY)
    )
    if source.order is None:
        held = keys.at(certificate)
    else:
        issuer = keys.issuer(provided=config.ca_cert is not None)
        held = next(issue_clients([source.order], issuer, now))
    own_client = (directory / config.pki_dir / f"{CLIENT}{KEY}").exists()
    rehearse(
        held,
        keys.trusted(provided=False)[0],
        keys.existing(CLIENT) if config.tls_mode is TlsMode.MUTUAL and own_client else None,
        server_names=[*source.identity.dns_names, *source.identity.ip_addresses]
        if source.order
        else source.identity.dns_names[:1],
        mode=config.tls_mode,
    )
    new = {certificate: held.full_chain_pem, key: held.private_key_pem}
    server = {f"{SERVER}{CERTIFICATE}": certificate, f"{SERVER}{KEY}": key}
    others = {name: path for name, path in files.items() if name not in server}
    return Exported(
        {name: new[path] for name, path in server.items()}
        | {name: read(path, directory, _RESTORE) for name, path in others.items()},
        server | others,
        {path.name: content for path, content in new.items()} if source.order else {},
        {certificate: certificate_facts(held.certificate_pem, path=certificate.name)},
    )
