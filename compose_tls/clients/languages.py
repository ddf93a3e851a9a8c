"""Client code and settings by language."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compose_tls.clients.pymilvus import connect_arguments
from compose_tls.facts import TlsMode


@dataclass(frozen=True, slots=True)
class Connection:
    """What client code needs to know. Paths are absolute."""

    mode: TlsMode
    uri: str
    server_name: str
    ca_pem: str
    client_pem: str
    client_key: str
    rest_uri: str | None


def snippet(
    lang: str,
    *,
    mode: TlsMode,
    uri: str,
    server_name: str,
    ca_pem: str,
    client_pem: str,
    client_key: str,
    rest_uri: str | None,
) -> str:
    """Code or settings for a language.

    Args:
        lang: One of ``LANGUAGES``.
        mode: The TLS mode.
        uri: Where gRPC is.
        server_name: The name to verify.
        ca_pem: Path of the CA certificate.
        client_pem: Path of the client certificate; used in mode 2.
        client_key: Path of its key; used in mode 2.
        rest_uri: Where REST is; ``None`` where it is off.
    """
    connection = Connection(mode, uri, server_name, ca_pem, client_pem, client_key, rest_uri)
    return _SNIPPETS[lang](connection)


def _python(connection: Connection) -> str:
    arguments = connect_arguments(
        mode=connection.mode,
        uri=connection.uri,
        server_name=connection.server_name,
        ca_pem=connection.ca_pem,
        client_pem=connection.client_pem,
        client_key=connection.client_key,
    )
    lines = [f"    {name}={value!r}," for name, value in arguments.items()]
    return "\n".join(
        ("from pymilvus import MilvusClient", "", "client = MilvusClient(", *lines, ")")
    )


def _env(connection: Connection) -> str:
    values = {
        "MILVUS_URI": connection.uri,
        "MILVUS_SERVER_NAME": connection.server_name,
        "MILVUS_CA_PEM": connection.ca_pem,
    }
    if connection.mode is TlsMode.MUTUAL:
        values["MILVUS_CLIENT_PEM"] = connection.client_pem
        values["MILVUS_CLIENT_KEY"] = connection.client_key
    else:
        # Python gRPC clients without certificate options trust this CA for the whole process.
        values["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = connection.ca_pem
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in values.items())


def _curl(connection: Connection) -> str:
    if connection.rest_uri is None:
        return (
            "# REST is off. Switch it on, on a port of its own: compose-tls enable --rest-port 8080"
        )
    client = ""
    if connection.mode is TlsMode.MUTUAL:
        files = (connection.client_pem, connection.client_key)
        client = " --cert {} --key {}".format(*map(shlex.quote, files))
    return (
        f"curl --cacert {shlex.quote(connection.ca_pem)}{client} \\\n"
        f"  -H 'Content-Type: application/json' -d '{{}}' \\\n"
        f"  {connection.rest_uri}/v2/vectordb/collections/list"
    )


_SNIPPETS: Mapping[str, Callable[[Connection], str]] = {
    "python": _python,
    "env": _env,
    "curl": _curl,
}

LANGUAGES = tuple(_SNIPPETS)
