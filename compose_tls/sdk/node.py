"""Node.js: ``@zilliz/milvus2-sdk-node``.

The root certificate by itself means one-way TLS; with a private key next to it, mutual TLS. Versions
before 2.4 decide otherwise and come to the same.
Source: https://github.com/milvus-io/milvus-sdk-node (milvus/grpc/BaseClient.ts)
"""

from __future__ import annotations

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note
from compose_tls.sdk.quoting import javascript


def client(connection: Connection) -> str:
    """An ECMAScript module; TypeScript takes it too."""
    files = {"rootCertPath": connection.ca_pem}
    if connection.mutual:
        files["certChainPath"] = connection.client_pem
        files["privateKeyPath"] = connection.client_key
    tls = {"serverName": connection.server_name, **files}
    return "\n".join(
        (
            "// @zilliz/milvus2-sdk-node 2.2.17 and newer.",
            'import { MilvusClient } from "@zilliz/milvus2-sdk-node";',
            "",
            *mode_note(connection, "//"),
            "const client = new MilvusClient({",
            f"  address: {javascript(connection.uri)},",
            *(
                (f"  token: process.env.{CREDENTIALS_VARIABLE},",)
                if connection.authentication
                else ()
            ),
            "  tls: {",
            *(f"    {name}: {javascript(value)}," for name, value in tls.items()),
            "  },",
            "});",
        )
    )
