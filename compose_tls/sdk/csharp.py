"""C#: ``Milvus.Client`` has no TLS options, so that the gRPC channel gets them.

SocketsHttpHandler verifies the host of the URI and no other name, so that the URI holds the name
and a connection callback goes to the address.
Sources: https://github.com/milvus-io/milvus-sdk-csharp (Milvus.Client/MilvusClient.cs),
https://learn.microsoft.com/dotnet/api/system.net.security.sslclientauthenticationoptions.certificatechainpolicy
"""

from __future__ import annotations

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, mode_note, place, url_host
from compose_tls.sdk.quoting import csharp


def program(connection: Connection) -> str:
    """A whole program, Program.cs."""
    port = place(connection.uri)[1]
    uri = f"https://{url_host(connection.server_name)}:{port}"
    credentials = (
        f", Environment.GetEnvironmentVariable({csharp(CREDENTIALS_VARIABLE)})!"
        if connection.authentication
        else ""
    )
    return "\n".join(
        (
            "// .NET 7 and newer, with every Milvus.Client since 2.2.2.",
            *(f"using {name};" for name in _NAMESPACES),
            "",
            *mode_note(connection, "//"),
            "var policy = new X509ChainPolicy",
            "{",
            "    TrustMode = X509ChainTrustMode.CustomRootTrust,",
            "    RevocationMode = X509RevocationMode.NoCheck,",
            "};",
            f"policy.CustomTrustStore.ImportFromPemFile({csharp(connection.ca_pem)});",
            *(_certificate(connection) if connection.mutual else ()),
            "var handler = new SocketsHttpHandler",
            "{",
            "    SslOptions = new SslClientAuthenticationOptions",
            "    {",
            "        CertificateChainPolicy = policy,",
            *(
                ("        ClientCertificates = new X509CertificateCollection { certificate },",)
                if connection.mutual
                else ()
            ),
            "    },",
            *(_callback(connection) if connection.is_renamed(connection.uri) else ()),
            "};",
            f"using var channel = GrpcChannel.ForAddress({csharp(uri)},",
            "    new GrpcChannelOptions { HttpHandler = handler });",
            f"using var client = new MilvusClient(channel{credentials});",
            "Console.WriteLine(await client.GetVersionAsync());",
        )
    )


_NAMESPACES = (
    "System",
    "System.Net.Http",
    "System.Net.Security",
    "System.Net.Sockets",
    "System.Security.Cryptography.X509Certificates",
    "Grpc.Net.Client",
    "Milvus.Client",
)


def _certificate(connection: Connection) -> tuple[str, ...]:
    # https://github.com/dotnet/runtime/issues/23749
    return (
        "// On Windows pass on new X509Certificate2(certificate.Export(X509ContentType.Pfx)) instead.",
        "var certificate = X509Certificate2.CreateFromPemFile(",
        f"    {csharp(connection.client_pem)},",
        f"    {csharp(connection.client_key)});",
    )


def _callback(connection: Connection) -> tuple[str, ...]:
    host, port = place(connection.uri)
    return (
        "    // The URI below has the name to verify; this is the address of the server.",
        "    ConnectCallback = async (_, cancellation) =>",
        "    {",
        "        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };",
        f"        await socket.ConnectAsync({csharp(host)}, {port}, cancellation);",
        "        return new NetworkStream(socket, ownsSocket: true);",
        "    },",
    )
