"""milvus-backup as a service of the project: backup.yaml in both of its formats, and the environment.

Format 1 (0.5.0 and newer) has ``milvus.tlsMode``; a file with ``configVersion: v2`` has ``milvus.grpc``,
variables of other names, and refuses those of format 1.
Source: https://github.com/zilliztech/milvus-backup (configs/backup.yaml, the environment variable tables
in docs, and cfg/v2, whose table of migrated names pairs the two)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compose_tls.stack.client_tls import ClientTls
from compose_tls.yamlpatch.intent import Route
from compose_tls.yamlpatch.query import Found

_FIRST: Final[Route] = ("milvus",)
_SECOND: Final[Route] = ("milvus", "grpc")
_WORDS: Final = {False: "server", True: "mutual"}
_NUMBERS: Final = {False: "1", True: "2"}


def is_configuration(document: Found | None) -> bool:
    """Whether a file is a backup.yaml."""
    return document is not None and address_of(document) is not None


def address_of(document: Found) -> str | None:
    """The host of Milvus in a backup.yaml; ``None`` in any other file."""
    return document.text(*_SECOND, "address") or document.text(*_FIRST, "address")


def route_of(document: Found) -> Route:
    """Where a backup.yaml speaks of the connection."""
    second = document.text("configVersion") == "v2" or document.query(*_SECOND) is not None
    return _SECOND if second else _FIRST


def decides(variables: Mapping[str, str | None]) -> bool:
    """Whether the environment says how to connect, and so wins over the file."""
    return any(variables.get(f"MILVUS_{part}TLS_MODE") is not None for part in ("", "GRPC_"))


def settings(document: Found, tls: ClientTls) -> dict[Route, str]:
    """The settings of a backup.yaml, by their places."""
    route = route_of(document)
    second = route == _SECOND
    told = _told(tls, second=second)
    found = {(*route, name): value for name, value in told.items()}
    if second and tls.rest is not None:
        found["milvus", "rest", "endpoint"] = tls.rest
    return found


def variables(there: Mapping[str, str | None], tls: ClientTls) -> dict[str, str]:
    """The environment variables, in the format of those that are there."""
    second = any(name.startswith("MILVUS_GRPC_") for name in there)
    prefix = "MILVUS_GRPC_" if second else "MILVUS_"
    names = {
        "tlsMode": "TLS_MODE",
        "caCertPath": "CA_CERT_PATH",
        "serverName": "SERVER_NAME",
        "mtlsCertPath": "MTLS_CERT_PATH",
        "mtlsKeyPath": "MTLS_KEY_PATH",
    }
    found = {f"{prefix}{names[name]}": v for name, v in _told(tls, second=second).items()}
    if second and tls.rest is not None:
        found["MILVUS_REST_ENDPOINT"] = tls.rest
    return found


def _told(tls: ClientTls, *, second: bool) -> dict[str, str]:
    mode = (_WORDS if second else _NUMBERS)[tls.mutual]
    told = {"tlsMode": mode, "caCertPath": tls.ca, "serverName": tls.server_name}
    if tls.mutual:
        told |= {"mtlsCertPath": tls.certificate, "mtlsKeyPath": tls.key}
    return told
