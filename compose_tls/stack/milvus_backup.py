"""milvus-backup as a service of the project: backup.yaml in both of its formats, and the environment.

Format 1 (0.5.0 and newer) has ``milvus.tlsMode``. A file with ``configVersion: v2`` has ``milvus.grpc``;
it refuses the variables of format 1, and has none except for credentials.
Source: https://github.com/zilliztech/milvus-backup (configs/backup.yaml and core/paramtable of v0.5.0 and
v0.5.16; docs/user_guide/env_variables.md, internal/cfg/cfg.go and internal/cfg/v2 of August 2026). Up to
0.4.30 it speaks TLS only with a password, and has no setting for a client certificate
(core/backup_context.go). Its client of object stores takes CAs from SSL_CERT_FILE besides the public
roots: https://github.com/minio/minio-go (transport.go)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from compose_tls.stack.client_tls import ClientTls
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.milvus_version import MilvusVersion
from compose_tls.yamlpatch.intent import Route
from compose_tls.yamlpatch.query import Found

ADDRESS: Final = "MILVUS_ADDRESS"
"""The variable of format 1 that names Milvus; format 2 has none."""
_FIRST_WITH_CERTIFICATES: Final = MilvusVersion(0, 5)
_FIRST: Final[Route] = ("milvus",)
_SECOND: Final[Route] = ("milvus", "grpc")
IMAGE: Final = "milvus-backup"
_STORES: Final[tuple[tuple[Route, str, str, str], ...]] = (
    (("minio",), "address", "port", "useSSL"),
    (("minio",), "backupAddress", "backupPort", "backupUseSSL"),
    (("milvus", "storage"), "address", "port", "useSSL"),
    (("backup", "storage"), "address", "port", "useSSL"),
)
_WORDS: Final = {False: "server", True: "mutual"}
_NUMBERS: Final = {False: "1", True: "2"}
# Format 2 has no such variables.
_PREFIXES: Final[Mapping[Route, str]] = {
    ("minio", "address"): "MINIO",
    ("minio", "backupAddress"): "MINIO_BACKUP",
}


def is_configuration(document: Found | None) -> bool:
    """Whether a file is a backup.yaml."""
    return document is not None and address_of(document) is not None


def address_of(document: Found) -> str | None:
    """The host of Milvus in a backup.yaml; ``None`` in any other file."""
    return document.text(*_SECOND, "address") or document.text(*_FIRST, "address")


def stores(document: Found) -> Iterator[tuple[str, str]]:
    """Host and port of the object stores that a backup.yaml names, in either format."""
    for route, address, port, _ in _STORES:
        host = document.text(*route, address)
        if host is not None:
            yield host, document.text(*route, port) or ""


def store_settings(
    document: Found | None, variables: Mapping[str, str | None], hosts: Collection[str], port: int
) -> tuple[dict[Route, str], dict[str, str]]:
    """What is to be said of an object store that speaks TLS: by places of backup.yaml, and in variables.

    Args:
        document: The file; ``None`` for none.
        variables: Its environment, which wins over the file.
        hosts: The names of the object store.
        port: Its port.
    """
    places: dict[Route, str] = {}
    told: dict[str, str] = {}
    for route, address, number_, switch in _STORES:
        prefix = _PREFIXES.get((*route, address), "")
        host, number = (
            variables.get(f"{prefix}_{name}") or (document and document.text(*route, key))
            for name, key in (("ADDRESS", address), ("PORT", number_))
        )
        if host not in hosts or number not in {None, "", str(port)}:
            continue
        by_variable = f"{prefix}_ADDRESS" in variables or f"{prefix}_USE_SSL" in variables
        if prefix and (document is None or by_variable):
            told[f"{prefix}_USE_SSL"] = "true"
        else:
            places[*route, switch] = "true"
    return places, told


def route_of(document: Found) -> Route:
    """Where a backup.yaml speaks of the connection."""
    second = document.text("configVersion") == "v2" or document.query(*_SECOND) is not None
    return _SECOND if second else _FIRST


def takes_certificates(image: str | None) -> bool:
    """Whether it can be configured for TLS, as far as its tag says."""
    version = MilvusVersion.of_tag(repository_and_tag(image or "")[1])
    return version is None or version >= _FIRST_WITH_CERTIFICATES


def decides(variables: Mapping[str, str | None]) -> bool:
    """Whether the environment says how to connect, and so wins over the file."""
    return variables.get("MILVUS_TLS_MODE") is not None


def settings(document: Found, tls: ClientTls) -> dict[Route, str]:
    """The settings of a backup.yaml, by their places."""
    route = route_of(document)
    second = route == _SECOND
    told = _told(tls, second=second)
    found = {(*route, name): value for name, value in told.items()}
    if second and tls.rest is not None:
        found["milvus", "rest", "endpoint"] = tls.rest
    return found


def variables(tls: ClientTls) -> dict[str, str]:
    """The environment variables of format 1."""
    names = {
        "tlsMode": "TLS_MODE",
        "caCertPath": "CA_CERT_PATH",
        "serverName": "SERVER_NAME",
        "mtlsCertPath": "MTLS_CERT_PATH",
        "mtlsKeyPath": "MTLS_KEY_PATH",
    }
    return {f"MILVUS_{names[name]}": value for name, value in _told(tls, second=False).items()}


def _told(tls: ClientTls, *, second: bool) -> dict[str, str]:
    mode = (_WORDS if second else _NUMBERS)[tls.mutual]
    told = {"tlsMode": mode, "caCertPath": tls.ca, "serverName": tls.server_name}
    if tls.mutual:
        told |= {"mtlsCertPath": tls.certificate, "mtlsKeyPath": tls.key}
    return told
