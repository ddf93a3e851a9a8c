"""curl: a REST call, or, where REST is off, the one gRPC call that curl can make by itself.

Sources: https://milvus.io/api-reference/restful/v2.4.x/About.md, …/v2.3.x/About.md, and
https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

from compose_tls.connection import (
    CREDENTIALS_VARIABLE,
    Connection,
    mode_note,
    place,
    url_host,
)
from compose_tls.shell import quoted

# The second REST interface, /v2/vectordb, came with 2.4; on 2.3 it answers 404.
_FIRST_WITH_REST_2 = (2, 4)
_REST_1 = "v1/vector/collections"
_REST_2 = "v2/vectordb/collections/list"
_BEARER = f"Bearer ${CREDENTIALS_VARIABLE}"
_BASE64 = f"""$(printf %s "${CREDENTIALS_VARIABLE}" | base64 | tr -d '\\n')"""
# The answer is a message of gRPC; the version is the text in it.
_TEXT_ONLY = "| tr -c '[:print:]' '\\n' | grep ."
_GRPC = "milvus.proto.milvus.MilvusService/GetVersion"


def command(connection: Connection) -> str:
    """A command for a POSIX shell."""
    return "\n".join(
        _version(connection)
        if connection.rest_uri is None
        else _collections(connection, connection.rest_uri)
    )


def _collections(connection: Connection, uri: str) -> tuple[str, ...]:
    start = _start(connection, uri)
    if connection.release is not None and connection.release < _FIRST_WITH_REST_2:
        return (*mode_note(connection, "#"), *start, *_end(connection, uri, _REST_1, _BEARER))
    unsure = (f"# Milvus 2.4 and newer; 2.3 has GET /{_REST_1} instead.",)
    return (
        *(unsure if connection.release is None else ()),
        *mode_note(connection, "#"),
        *start,
        "  -H 'Content-Type: application/json' -d '{}' \\",
        *_end(connection, uri, _REST_2, _BEARER),
    )


def _version(connection: Connection) -> tuple[str, ...]:
    first, *rest = _start(connection, connection.uri)
    return (
        "# REST is off. To turn it on, on its own port: compose-tls enable --rest-port 8080",
        *mode_note(connection, "#"),
        "# Asks for the version over gRPC: sends an empty message, and prints the text in the answer.",
        rf"printf '\000\000\000\000\000' | {first}",
        *rest,
        "  --http2 -H 'Content-Type: application/grpc' -H 'TE: trailers' \\",
        "  --data-binary @- --output - \\",
        *_end(connection, connection.uri, _GRPC, _BASE64, _TEXT_ONLY),
    )


def _start(connection: Connection, uri: str) -> list[str]:
    """Curl with the files of a client, to the right place under the right name."""
    lines = [f"curl --cacert {quoted(connection.ca_pem)} \\"]
    if connection.mutual:
        certificate, key = quoted(connection.client_pem), quoted(connection.client_key)
        lines.append(f"  --cert {certificate} --key {key} \\")
    if connection.is_renamed(uri):
        # curl verifies the name in the URL, so the URL holds it, and the address goes elsewhere.
        host, port = place(uri)
        route = f"{url_host(connection.server_name)}:{port}:{url_host(host)}:{port}"
        lines.append(f"  --connect-to {quoted(route)} \\")
    return lines


def _end(
    connection: Connection, uri: str, path: str, credentials: str, then: str = ""
) -> tuple[str, ...]:
    """The URL, and the token from a here-document: command lines are visible to everyone on a machine."""
    # In brackets, an address would be a pattern to zsh.
    url = quoted(f"https://{url_host(connection.server_name)}:{place(uri)[1]}/{path}")
    if not connection.authentication:
        return (f"  {url} \\", f"  {then}") if then else (f"  {url}",)
    return (
        "  -H @/dev/fd/3 \\",
        *((f"  {url} \\", f"  3<<END {then}") if then else (f"  {url} 3<<END",)),
        f"Authorization: {credentials}",
        "END",
    )
