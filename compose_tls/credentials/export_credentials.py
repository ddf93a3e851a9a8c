"""The certificates and keys that leave with an export: at hand, or issued now, and rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from compose_tls.changes import ServerSource
from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import KeyFiles
from compose_tls.layout import CA, CA_CERTIFICATE, CERTIFICATE, CLIENT, KEY
from compose_tls.observation import CertificateFacts
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.issue import issue_clients
from compose_tls.pki.load import certificate_facts
from compose_tls.vocabulary import TlsMode


@dataclass(frozen=True, slots=True)
class Exported:
    """What leaves with an export.

    Attributes:
        contents: The files, by their name in the PKI directory.
        paths: Where they are, or will be.
        pending: What is new, by the name of its file.
        facts: The certificates of the servers, by their file.
    """

    contents: dict[str, bytes] = field(repr=False)
    paths: dict[str, Path]
    pending: dict[str, bytes] = field(repr=False)
    facts: dict[Path, CertificateFacts]


def exported(
    plans: Sequence[ServerSource],
    others: Iterable[str],
    directory: Path,
    config: TlsConfig,
    now: datetime,
) -> Exported:
    """Read what is at hand and issue what is ordered; nothing is written.

    Args:
        plans: The servers.
        others: The names of further identities that are taken along as they are.
        directory: The project.
        config: The settings.
        now: The time that validity starts from.

    Raises:
        CertificateError: A certificate cannot be used or issued, or does not pass the rehearsal.
    """
    files = KeyFiles(directory, config)
    pki = directory / config.pki_dir
    ca_pem, _ = files.trusted(provided=False)
    found = Exported({CA_CERTIFICATE: ca_pem}, {CA_CERTIFICATE: pki / CA_CERTIFICATE}, {}, {})
    for plan in plans:
        held = _held(plan, files, config, now)
        _rehearse(plan, held, ca_pem, files, config)
        _add(found, plan.identity.name, held, plan.stem)
        if plan.order is not None:
            found.pending[f"{plan.stem.name}{CERTIFICATE}"] = held.full_chain_pem
            found.pending[f"{plan.stem.name}{KEY}"] = held.private_key_pem
        path = plan.stem.parent / f"{plan.stem.name}{CERTIFICATE}"
        found.facts[path] = certificate_facts(held.certificate_pem, path=path.name)
    for name in others:
        if name != CA:
            _add(found, name, files.existing(name), pki / name)
    return found


def _held(
    plan: ServerSource, files: KeyFiles, config: TlsConfig, now: datetime
) -> CertificateWithKey:
    if plan.order is None:
        return files.at(plan.stem.parent / f"{plan.stem.name}{CERTIFICATE}")
    issuer = files.issuer(provided=config.ca_cert is not None)
    return next(issue_clients([plan.order], issuer, now))


def _rehearse(
    plan: ServerSource, held: CertificateWithKey, ca_pem: bytes, files: KeyFiles, config: TlsConfig
) -> None:
    from compose_tls.pki.rehearse import rehearse  # noqa: PLC0415 - pulls ssl in

    mutual = config.tls_mode is TlsMode.MUTUAL
    there = (files.directory / config.pki_dir / f"{CLIENT}{KEY}").exists()
    rehearse(
        held,
        ca_pem,
        files.existing(CLIENT) if mutual and there else None,
        server_names=[*plan.identity.dns_names, *plan.identity.ip_addresses]
        if plan.order
        else list(plan.identity.dns_names[:1]),
        mode=config.tls_mode,
    )


def _add(found: Exported, name: str, held: CertificateWithKey, stem: Path) -> None:
    for suffix, content in ((CERTIFICATE, held.full_chain_pem), (KEY, held.private_key_pem)):
        found.contents[f"{name}{suffix}"] = content
        found.paths[f"{name}{suffix}"] = stem.parent / f"{stem.name}{suffix}"
