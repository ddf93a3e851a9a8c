"""Secrets of a new project that are not keys: made at random, written into files of mode 0600."""

from __future__ import annotations

import secrets

from compose_tls.targets.new_project.services import ACCESS_KEY, SECRET_KEY

# Milvus takes 6 to 72 characters (proxy.maxPasswordLength), MinIO 3 to 20 and 8 to 40.
_PASSWORD_BYTES = 24
_ACCESS_BYTES = 8
_SECRET_BYTES = 30


def password() -> bytes:
    """A password, on a line of its own."""
    return f"{secrets.token_urlsafe(_PASSWORD_BYTES)}\n".encode()


def object_store_credentials() -> bytes:
    """An environment file with the credentials of an object store."""
    return (
        "# The credentials of the object store, only for it and for Milvus. Made at random.\n"
        f"{ACCESS_KEY}={secrets.token_hex(_ACCESS_BYTES)}\n"
        f"{SECRET_KEY}={secrets.token_urlsafe(_SECRET_BYTES)}\n"
    ).encode()
