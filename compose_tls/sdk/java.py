"""Java: ``io.milvus:milvus-sdk-java``.

As in pymilvus, the CA for one-way TLS is ``serverPemPath``, and that wins over a client certificate.
Before 2.6 one-way TLS fails without ``serverName``.
Source: https://github.com/milvus-io/milvus-sdk-java (io/milvus/v2/utils/ClientUtils.java)
"""

from __future__ import annotations

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note
from compose_tls.sdk.quoting import java


def program(connection: Connection) -> str:
    """A whole program, Connect.java."""
    settings = {"uri": connection.uri, "serverName": connection.server_name}
    if connection.mutual:
        settings["caPemPath"] = connection.ca_pem
        settings["clientPemPath"] = connection.client_pem
        settings["clientKeyPath"] = connection.client_key
    else:
        settings["serverPemPath"] = connection.ca_pem
    return "\n".join(
        (
            "// milvus-sdk-java 2.4 and newer; in 2.3, ConnectParam has the same as withUri and so on.",
            "import io.milvus.v2.client.ConnectConfig;",
            "import io.milvus.v2.client.MilvusClientV2;",
            "",
            "public class Connect {",
            "    public static void main(String[] arguments) {",
            *mode_note(connection, "        //"),
            "        ConnectConfig config = ConnectConfig.builder()",
            *(f"                .{name}({java(value)})" for name, value in settings.items()),
            *(
                (f"                .token(System.getenv({java(CREDENTIALS_VARIABLE)}))",)
                if connection.authentication
                else ()
            ),
            "                .build();",
            "        MilvusClientV2 client = new MilvusClientV2(config);",
            "        System.out.println(client.listCollections().getCollectionNames());",
            "    }",
            "}",
        )
    )
