"""How certificates that were provided are provided again."""

from __future__ import annotations

import os
from pathlib import Path

from compose_tls.config import TlsConfig
from compose_tls.layout import CA, CLIENT, CLIENT_CA, SERVER
from compose_tls.shell import joined


def bring_again(config: TlsConfig, root: Path) -> str:
    """The whole command that takes what lies where they came from.

    Args:
        config: The settings; they name the files that were provided.
        root: The project directory.
    """
    given = [
        (f"--{role}-{kind}", getattr(config, f"{role}_{kind}".replace("-", "_")))
        for role in (SERVER, CLIENT, CA, CLIENT_CA)
        for kind in ("cert", "key")
    ]
    places = [Path(os.path.normpath(root / name)) for _, name in given if name]
    if any(not place.is_relative_to(root) for place in places):
        # Only a command that names them reads them there; it has to work from wherever it is typed.
        given = [(option, name and os.path.normpath(root / name)) for option, name in given]
        given.append(("--up", ""))
    words = [word for option, name in given if name is not None for word in (option, name) if word]
    enable = ["compose-tls", "enable", "--mode", str(config.mode), *words]
    return joined(enable) if words else "compose-tls renew"
