"""The settings that encrypt connections between Milvus components.

Source: https://milvus.io/docs/v2.5.x/tls.md
"""

from __future__ import annotations

import posixpath
from typing import Final

from compose_tls.layout import CA_CERTIFICATE, CERTIFICATE, INTERNAL, KEY
from compose_tls.setup import Setting

NAME: Final = "milvus.internal"
"""The one name by which every part verifies every other one: it has to be in their certificate."""


def internal_settings(directory: str) -> tuple[Setting, ...]:
    """The settings.

    Args:
        directory: Where CA, certificate and key are in the container.
    """
    return (
        Setting(("common", "security", "internaltlsEnabled"), "true"),
        Setting(
            ("internaltls", "serverPemPath"),
            posixpath.join(directory, f"{INTERNAL}{CERTIFICATE}"),
        ),
        Setting(("internaltls", "serverKeyPath"), posixpath.join(directory, f"{INTERNAL}{KEY}")),
        Setting(("internaltls", "caPemPath"), posixpath.join(directory, CA_CERTIFICATE)),
        Setting(("internaltls", "sni"), NAME),
    )
