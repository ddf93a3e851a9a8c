"""A CA made here that gives way to one that the user brings: its certificate and key are kept."""

from __future__ import annotations

import re
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.observation import Observation
from compose_tls.vocabulary import TlsWarning

RETIRED: Final = re.compile(r"ca-[0-9a-f]{8}\.(?:pem|key)")
"""How files of the PKI directory that hold such a CA are named: after its fingerprint."""


def retired_ca(observation: Observation, config: TlsConfig) -> str | None:
    """The name under which the CA at hand is kept, without suffix; ``None`` when none gives way."""
    ca = observation.pki.certificates.get("ca")
    gives_way = config.ca_cert is not None and "ca" not in observation.pki.brought
    if ca is None or "ca" not in observation.pki.usable or not gives_way:
        return None
    return f"ca-{ca.sha256[:8]}"


def retirement_warning(config: TlsConfig, retired: str) -> TlsWarning:
    """That clients have to learn of the other CA."""
    bundle = f"{config.pki_dir}/ca.pem"
    return TlsWarning(
        "ca-replaced",
        f"{bundle} is another CA from now on: every client needs it; the key of the one before is "
        f"kept as {config.pki_dir}/{retired}.key",
        bundle,
        "give it to every client",
    )
