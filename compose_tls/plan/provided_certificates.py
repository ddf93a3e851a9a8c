"""How certificates that were provided are provided again, or with a client CA next to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.layout import CA, CERTIFICATE, CLIENT, CLIENT_CA, KEY, SERVER
from compose_tls.observation import Observation
from compose_tls.shell import joined


def bring_again(config: TlsConfig, root: Path) -> str:
    """The whole command that takes what lies where they came from.

    Args:
        config: The settings; they name the files that were provided.
        root: The project directory.
    """
    words, outside = _words(config, root)
    # Only a command that names them reads them there.
    up = ["--up"] if outside else []
    enable = ["compose-tls", "enable", "--mode", str(config.mode), *words, *up]
    return joined(enable) if words else "compose-tls renew"


def lying_in(name: str, observation: Observation) -> list[str]:
    """The options that take what is in a directory; none where no server is there with its CA.

    Args:
        name: The directory, relative to the project.
        observation: The files of the project.
    """
    roles = ((SERVER, (CERTIFICATE, KEY)), (CA, (CERTIFICATE,)), (CLIENT, (CERTIFICATE, KEY)))
    options: dict[str, list[str]] = {}
    for role, ends in roles:
        files = [f"{name}/{role}{end}" for end in ends]
        if all(observation.files.get(observation.directory / file) for file in files):
            kinds = ("cert", "key")[: len(ends)]
            pairs = zip(kinds, files, strict=True)
            options[role] = [word for kind, file in pairs for word in (f"--{role}-{kind}", file)]
    return [w for words in options.values() for w in words] if {SERVER, CA} <= {*options} else []


def with_client_ca(config: TlsConfig, root: Path) -> str:
    """The whole command that has clients issued by a CA of theirs, next to what was provided.

    Args:
        config: The settings; they name the files that were provided.
        root: The project directory.
    """
    of_clients = {
        "client_cert": None,
        "client_key": None,
        "client_ca_cert": config.client_ca_cert or _CLIENT_CA_PLACE,
        "client_ca_key": config.client_ca_key or f"{_CLIENT_CA_PLACE.removesuffix('.pem')}.key",
    }
    words, _ = _words(config.model_copy(update=of_clients), root)
    return joined(["compose-tls", "enable", "--mode", str(config.mode), *words])


_CLIENT_CA_PLACE: Final = "client-ca.pem"


def _words(config: TlsConfig, root: Path) -> tuple[list[str], bool]:
    """The options that name what was provided, and whether any of it is outside the project."""
    given: list[tuple[str, str | None]] = [
        (f"--{role}-{kind}", getattr(config, f"{role}_{kind}".replace("-", "_")))
        for role in (SERVER, CLIENT, CA, CLIENT_CA)
        for kind in ("cert", "key")
    ]
    places = [Path(os.path.normpath(root / name)) for _, name in given if name]
    outside = any(not place.is_relative_to(root) for place in places)
    if outside:
        # It has to work from wherever it is typed.
        given = [(option, name and os.path.normpath(root / name)) for option, name in given]
    return [word for option, name in given if name for word in (option, name)], outside
