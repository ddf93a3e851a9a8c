"""Go: ``github.com/milvus-io/milvus/client/v2``.

Certificates go in as a dial option, which every version takes; the newest also have WithTLSConfig.
The options replace the default ones, so those are repeated.
Source: https://github.com/milvus-io/milvus (client/milvusclient/client.go and client_config.go)
"""

from __future__ import annotations

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note
from compose_tls.sdk.quoting import go


def program(connection: Connection) -> str:
    """A whole program, main.go."""
    return "\n".join(
        (
            "// Version 3 is client/v3; the older milvus-sdk-go takes the same DialOptions.",
            "package main",
            "",
            "import (",
            *(
                f'\t"{name}"' if name else ""
                for name in (
                    *("context", "crypto/tls", "crypto/x509", "fmt", "log", "os", "time", ""),
                    "github.com/milvus-io/milvus/client/v2/milvusclient",
                    "google.golang.org/grpc",
                    "google.golang.org/grpc/credentials",
                )
            ),
            ")",
            "",
            "func main() {",
            "\tctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)",
            "\tdefer cancel()",
            "",
            f"\tca, err := os.ReadFile({go(connection.ca_pem)})",
            *_FATAL,
            "\tpool := x509.NewCertPool()",
            "\tif !pool.AppendCertsFromPEM(ca) {",
            '\t\tlog.Fatal("no CA certificate in the file")',
            "\t}",
            f"\tconfig := &tls.Config{{RootCAs: pool, ServerName: {go(connection.server_name)}}}",
            *(_certificate(connection) if connection.mutual else ()),
            "",
            *mode_note(connection, "\t//"),
            "\tclient, err := milvusclient.New(ctx, &milvusclient.ClientConfig{",
            f"\t\tAddress: {go(connection.uri)},",
            *(
                (f"\t\tAPIKey:  os.Getenv({go(CREDENTIALS_VARIABLE)}),",)
                if connection.authentication
                else ()
            ),
            "\t\tDialOptions: append(milvusclient.DefaultGrpcOpts,",
            "\t\t\tgrpc.WithTransportCredentials(credentials.NewTLS(config))),",
            "\t})",
            *_FATAL,
            "\tcollections, err := client.ListCollections(ctx, milvusclient.NewListCollectionOption())",
            *_FATAL,
            "\tfmt.Println(collections)",
            "}",
        )
    )


_FATAL = ("\tif err != nil {", "\t\tlog.Fatal(err)", "\t}")


def _certificate(connection: Connection) -> tuple[str, ...]:
    files = f"{go(connection.client_pem)}, {go(connection.client_key)}"
    return (
        f"\tcertificate, err := tls.LoadX509KeyPair({files})",
        *_FATAL,
        "\tconfig.Certificates = []tls.Certificate{certificate}",
    )
