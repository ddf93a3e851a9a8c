"""Client code and settings by language."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

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
    """Lines for a shell or an ``env_file``; both take single quotes."""
    values = {
        "MILVUS_URI": connection.uri,
        "MILVUS_SERVER_NAME": connection.server_name,
        "MILVUS_CA_PEM": connection.ca_pem,
    }
    if connection.mode is TlsMode.MUTUAL:
        values["MILVUS_CLIENT_PEM"] = connection.client_pem
        values["MILVUS_CLIENT_KEY"] = connection.client_key
    lines = _assignments(values)
    if connection.mode is TlsMode.ONE_WAY:
        # https://grpc.github.io/grpc/core/md_doc_environment_variables.html
        lines += [
            "# For gRPC applications without certificate options: the only CA of the whole process.",
            *_assignments({"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": connection.ca_pem}),
        ]
    return "\n".join(lines)


def _assignments(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={shlex.quote(value)}" for name, value in values.items()]


def _curl(connection: Connection) -> str:
    """A REST call; where REST is off, the one gRPC call that curl can make by itself."""
    if connection.rest_uri is None:
        return "\n".join(
            (
                "# REST is off. To have it, on a port of its own: compose-tls enable --rest-port 8080",
                "# This asks for the version over gRPC (an empty message; curl with HTTP/2):",
                r"printf '\000\000\000\000\000' | " + _command(connection, connection.uri),
                "  --http2 -H 'Content-Type: application/grpc' -H 'TE: trailers' \\",
                "  --data-binary @- --output - \\",
                f"  {_url(connection, connection.uri)}/milvus.proto.milvus.MilvusService/GetVersion",
            )
        )
    return "\n".join(
        (
            "# Milvus 2.4 and newer; 2.3 has GET /v1/vector/collections instead.",
            _command(connection, connection.rest_uri),
            "  -H 'Content-Type: application/json' -d '{}' \\",
            f"  {_url(connection, connection.rest_uri)}/v2/vectordb/collections/list",
        )
    )


def _command(connection: Connection, uri: str) -> str:
    """Curl with the files of a client, to the right place under the right name."""
    lines = [f"curl --cacert {shlex.quote(connection.ca_pem)} \\"]
    if connection.mode is TlsMode.MUTUAL:
        certificate, key = shlex.quote(connection.client_pem), shlex.quote(connection.client_key)
        lines.append(f"  --cert {certificate} --key {key} \\")
    host, port = _place(uri)
    if host != connection.server_name:
        # curl verifies the name in the URL, so the URL holds it, and the address goes elsewhere.
        route = f"{_host(connection.server_name)}:{port}:{_host(host)}:{port}"
        lines.append(f"  --connect-to {shlex.quote(route)} \\")
    return "\n".join(lines)


def _url(connection: Connection, uri: str) -> str:
    return f"https://{_host(connection.server_name)}:{_place(uri)[1]}"


def _place(uri: str) -> tuple[str, int]:
    parts = urlsplit(uri)
    return parts.hostname or "", parts.port or 443


def _host(name: str) -> str:
    """A host as in a URI (RFC 3986 section 3.2.2)."""
    return f"[{name}]" if ":" in name else name


_SNIPPETS: Mapping[str, Callable[[Connection], str]] = {
    "python": _python,
    "env": _env,
    "curl": _curl,
}

LANGUAGES = tuple(_SNIPPETS)
