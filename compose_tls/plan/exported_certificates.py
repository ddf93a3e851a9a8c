"""What is to be said of the certificates that ``export`` has issued for servers elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError
from compose_tls.layout import CERTIFICATE, EXPORTS_DIRECTORY
from compose_tls.observation import Observation
from compose_tls.pki.load import certificate_facts
from compose_tls.plan.lifetimes import RENEW_BEFORE
from compose_tls.vocabulary import TlsWarning, has_ended


def exports_aged(
    observation: Observation, config: TlsConfig, now: datetime
) -> Iterator[TlsWarning]:
    """That certificates of servers elsewhere have expired, or will soon.

    Args:
        observation: The project as it is, with what other commands left in the PKI directory.
        config: The settings; they say where that is.
        now: The time to judge by.
    """
    place = observation.directory / config.pki_dir / EXPORTS_DIRECTORY
    for path, file in sorted(observation.files.items()):
        if file is None or path.parent != place or path.suffix != CERTIFICATE:
            continue
        name = relative(path, observation.directory)
        try:
            end = certificate_facts(file.content or b"", path=name).not_after
        except CertificateError:
            continue  # issued anew by the next export
        if end - now < RENEW_BEFORE:
            yield TlsWarning(
                "export-expires-soon",
                f"{name} {'expired' if has_ended(end, now) else 'expires'} on {end:%Y-%m-%d}",
                name,
                "run compose-tls export again and deploy what it makes, or remove the file where it is "
                "in use no more",
            )
