"""Settings as environment variables, for a shell or an ``env_file``; both take single quotes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note


def settings(connection: Connection) -> str:
    """Assignments, one per line."""
    values = {
        "MILVUS_URI": connection.uri,
        "MILVUS_SERVER_NAME": connection.server_name,
        "MILVUS_CA_PEM": connection.ca_pem,
    }
    if connection.mutual:
        values["MILVUS_CLIENT_PEM"] = connection.client_pem
        values["MILVUS_CLIENT_KEY"] = connection.client_key
    lines = _assignments(values)
    if not connection.mutual:
        # https://grpc.github.io/grpc/core/md_doc_environment_variables.html
        lines += [
            *mode_note(connection, "#"),
            "# For gRPC applications without certificate options: the only CA of the whole process.",
            *_assignments({"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": connection.ca_pem}),
        ]
    if connection.authentication:
        lines.append(f"# Authentication is on: keep user:password in {CREDENTIALS_VARIABLE}.")
    return "\n".join(lines)


def _assignments(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={shlex.quote(value)}" for name, value in values.items()]
