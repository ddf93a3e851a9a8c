"""The settings: one model, and the layers that fill it.

Flags, variables, compose-tls.toml, what the last enable recorded, defaults.
"""

from compose_tls.config.layers import (
    ENVIRONMENT_PREFIX,
    completed,
    merged,
    outermost,
)
from compose_tls.config.objections import SETTINGS_FILE, require_meant
from compose_tls.config.tls_config import DIRECTORIES, FILES, PLACES, TlsConfig

__all__ = [
    "DIRECTORIES",
    "ENVIRONMENT_PREFIX",
    "FILES",
    "PLACES",
    "SETTINGS_FILE",
    "TlsConfig",
    "completed",
    "merged",
    "outermost",
    "require_meant",
]
