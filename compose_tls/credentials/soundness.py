"""Whether certificates and keys in the PKI directory belong together, and how to repair them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.credentials.key_files import ISSUER_HINTS, KeyFiles
from compose_tls.errors import CertificateError
from compose_tls.layout import CA, CERTIFICATE, KEY, NEXT_CA, SERVER, STACK
from compose_tls.observation import Observation
from compose_tls.project.model import (
    in_the_way,
    is_lost,
    not_usable,
    restoring_ca,
    restoring_server,
)
from compose_tls.state.recorded import State
from compose_tls.values import dataclass

ANOTHER_CA: Final = "compose-tls renew --ca"
_ENABLE: Final = "compose-tls enable"


@dataclass(frozen=True, slots=True)
class Unsound:
    """A damaged or incomplete pair of files.

    Attributes:
        name: The name of its identity.
        error: What is wrong with which file, and what to do.
        command: The one command that mends it; empty where something else is first.
    """

    name: str
    error: CertificateError
    command: str = ""

    @property
    def is_key(self) -> bool:
        """Whether it is only the key."""
        return (self.error.path or "").endswith(KEY)

    @property
    def is_ca_key(self) -> bool:
        """Whether it is only the key of the CA, which what is issued already does not need."""
        return self.name == CA and self.is_key


def unsound(observation: Observation, config: TlsConfig, state: State | None) -> Iterator[Unsound]:
    """What of our own is not whole. The key of a CA may be kept elsewhere, and what is provided is.

    Args:
        observation: What is there.
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
    found, at_hand = Unsound(name, error), observation.pki.usable
    command = in_the_way(path, observation)
    if name in {CA, SERVER} and not command:
        restoring = restoring_ca if name == CA else restoring_server
        command = restoring(observation, config, state) or ""
    if command:
        error.hint = command
    elif path.is_file() and not os.access(path, os.R_OK, effective_ids=True):
        error.hint = f"make {error.path} readable for you, or run the command as its owner"
    elif state is None and CA not in at_hand:
        # Without a record there is nothing to renew: the hint of the error stays.
        pass
    elif observation.pki.next_ca and (found.is_ca_key or (name == SERVER and CA not in at_hand)):
        bundle = f"{config.pki_dir}/{CA}{CERTIFICATE}"
        error.hint = f"give {bundle} to every client, then run {ANOTHER_CA} --finish"
    elif found.is_ca_key or name == NEXT_CA or (name == CA and is_lost(observation, config, state)):
        command = ANOTHER_CA
        error.hint = f"restore it from a backup; without one, replace the CA: {command}"
    elif name not in {CA, *STACK} and config.ca_cert is None and CA not in at_hand:
        # Keys of clients that are kept elsewhere are not a defect.
        command = "" if found.is_key and name != SERVER else ANOTHER_CA
        error.hint = f"{ISSUER_HINTS[CA]}; without it, replace the CA: {ANOTHER_CA}"
    elif name != CA:
        error.hint = command = _ENABLE
    return replace(found, command=command)
