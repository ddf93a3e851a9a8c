"""The certificates of further clients, as they lie in the PKI directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.facts import CLIENTS_DIRECTORY, CertificateFacts, Observation
from compose_tls.pki.load import certificate_facts

_NAMED = 3


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """The certificates of further clients by their file, and the clients whose files are damaged."""

    by_path: Mapping[Path, CertificateFacts]
    damaged: tuple[str, ...]


def client_certificates(observation: Observation, config: TlsConfig) -> ClientCertificates:
    """Read the certificates of further clients.

    Args:
        observation: The project as it is.
        config: The settings; they say where the certificates are.
    """
    directory = observation.directory / config.pki_dir / CLIENTS_DIRECTORY
    found: dict[Path, CertificateFacts] = {}
    damaged: list[str] = []
    for path, file in sorted(observation.files.items()):
        if file is None or path.parent != directory or path.suffix != ".pem":
            continue
        try:
            found[path] = certificate_facts(file.content or b"", path=path.name)
        except CertificateError:
            damaged.append(path.stem)
    return ClientCertificates(found, tuple(damaged))


def listed(names: Sequence[str]) -> str:
    """A few of the names, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
