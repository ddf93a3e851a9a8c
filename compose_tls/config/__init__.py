"""The settings: one model, and the layers that fill it (flags, variables, compose-tls.toml, defaults)."""

from compose_tls.config.layers import ENVIRONMENT_PREFIX, SETTINGS_FILE, load, named_places
from compose_tls.config.tls_config import TlsConfig

__all__ = ["ENVIRONMENT_PREFIX", "SETTINGS_FILE", "TlsConfig", "load", "named_places"]
