"""Certificates, keys and passphrases of the user: the files that settings name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from compose_tls.config.tls_config import TlsConfig
from compose_tls.layout import CERTIFICATE, KEY
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class BroughtFiles:
    """A certificate, its key, and what opens them, as the user has them; ``None`` for none."""

    certificate: Path | None
    key: Path | None
    passphrase: Path | None


def brought_files(
    directory: Path, config: TlsConfig, name: str, has_file: Callable[[Path], bool]
) -> BroughtFiles:
    """Where the certificate and key are that the user brings, or provided to an earlier enable.

    A stranger who wrote the record must not make a command read what is outside the project. So a place
    there counts while the user names it; later, as where a file is gone, the copies are in for it.

    Args:
        directory: The project.
        config: The settings; of them, as given counts what is set.
        name: ``ca``, ``server``, ``client`` or ``client-ca``.
        has_file: Whether a path is a file that lies in the project.
    """
    own = name.replace("-", "_")
    names = (f"{own}_cert", f"{own}_key", f"{own}_passphrase_file")
    values: list[str | None] = [getattr(config, one) for one in names]
    given = f"{own}_cert" in config.model_fields_set
    paths = [directory / value if value is not None else None for value in values]
    if given or all(map(has_file, filter(None, paths))):
        return BroughtFiles(*paths)
    pki = directory / config.pki_dir
    key = pki / f"{name}{KEY}" if values[1] is not None else None
    return BroughtFiles(pki / f"{name}{CERTIFICATE}", key, None)
