"""Whether certificates and keys in the PKI directory belong together, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import ISSUER_HINTS, KeyFiles
from compose_tls.errors import CertificateError
from compose_tls.files import in_the_way
from compose_tls.layout import CA, CERTIFICATE, CLIENT, KEY, NEXT_CA, SERVER
from compose_tls.observation import Observation
from compose_tls.project.model import not_usable, restoring_ca
from compose_tls.state.recorded import State
from compose_tls.values import dataclass

_ANOTHER = "compose-tls renew --ca"
_ENABLE = "compose-tls enable"


@dataclass(frozen=True, slots=True)
class Unsound:
    """A pair of files that is not whole.

    Attributes:
        name: The name of its identity.
        error: What is wrong with which file, and what to do.
        command: The one command that mends it; empty where something else is first.
    """

    name: str
    error: CertificateError
    command: str = ""

    @property
    def is_ca_key(self) -> bool:
        """Whether it is only the key of the CA, which what is issued already does not need."""
        return self.name == CA and (self.error.path or "").endswith(KEY)


def unsound(observation: Observation, config: TlsConfig, state: State | None) -> Iterator[Unsound]:
    """What of our own is not whole. The key of a CA may be kept elsewhere, and what is provided is.

    Args:
        observation: What lies there.
        config: The settings; they say where.
        state: What is recorded: a copy of a CA that is gone is as good.
    """
    for name in not_usable(observation, config, state):
        try:
            KeyFiles(observation.directory, config).existing(name)
        except CertificateError as error:
            yield _mended(name, error, observation, config, state)


def _mended(
    name: str,
    error: CertificateError,
    observation: Observation,
    config: TlsConfig,
    state: State | None,
) -> Unsound:
    """With what mends it."""
    path = observation.directory / (error.path or "")
    if command := in_the_way(path, observation.directory):
        error.hint = command
        return Unsound(name, error, command)
    found = Unsound(name, error)
    if name == CA and (command := restoring_ca(observation, config, state) or ""):
        error.hint = command
        return Unsound(name, error, command)
    if found.is_ca_key and observation.pki.next_ca:
        bundle = f"{config.pki_dir}/{CA}{CERTIFICATE}"
        error.hint = f"give {bundle} to every client, then run {_ANOTHER} --finish"
    elif found.is_ca_key or name == NEXT_CA:
        error.hint = f"restore it from a backup; without one, another CA takes over: {_ANOTHER}"
        return Unsound(name, error, _ANOTHER)
    elif name in {SERVER, CLIENT} and config.ca_cert is None and CA not in observation.pki.usable:
        error.hint = ISSUER_HINTS[CA]
    elif name != CA:
        error.hint = _ENABLE
        return Unsound(name, error, _ENABLE)
    return found
