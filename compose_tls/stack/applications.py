"""How other services reach Milvus: by their environment and their files; and what each needs for TLS.

Sources: the READMEs of Attu (MILVUS_URL, ROOT_CERT_PATH; from 3.0 on MILVUS_ADDRESS, MILVUS_SSL) and of
milvus-backup (MILVUS_TLS_MODE); Dify (MILVUS_SECURE). The rest is told by its value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from compose_tls.errors import ProjectError
from compose_tls.patterns import regex
from compose_tls.shell import typed
from compose_tls.stack import milvus_backup
from compose_tls.stack.addresses import places
from compose_tls.stack.dependency import Address, addresses
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.pass_through import passed_on
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption, TlsMode, number
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import Found, roots

_PLACE = regex(r"(?:HOST|HOSTNAME|ADDR|ADDRESS|URI|URL|SERVER|ENDPOINT|ENDPOINTS|IP)$")
_SWITCH = regex(r"MILVUS.*(?:SSL|TLS|SECURE)(?:_ENABLED)?$")
# Of milvus-backup.
_MODE = "MILVUS_TLS_MODE"
_MODE_VALUES: Mapping[str, Encryption] = {"0": "plain", "1": "encrypted", "2": "encrypted"}
_TRUST = "ROOT_CERT_PATH"
_CLIENT_CERTIFICATE = regex(r"CERT_CHAIN|MTLS_CERT|CLIENT_(?:PEM|CERT|CRT)")
# What an engine takes for itself unless it is told otherwise: https://docs.docker.com/engine/network/
_BRIDGE: Final = "172.17.0.1"
_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """What a service's environment says about its way to Milvus.

    Attributes:
        variable: The variable that names Milvus.
        port: The port in it.
        encryption: Whether the service speaks TLS.
        certificate: Whether it shows a client certificate.
        host: The name by which it calls Milvus.
        scheme: The scheme of the address; empty without one.
        passes: Whether the service only hands on the bytes of its clients, whose TLS goes through it.
    """

    variable: str
    port: int | None
    encryption: Encryption
    certificate: bool = False
    host: str = field(default="", compare=False)
    scheme: str = field(default="", compare=False)
    passes: bool = False


def connection(
    variables: Mapping[str, str | None],
    names: Collection[str],
    ports: Collection[int],
    *,
    image: str | None = None,
) -> ClientConnection | None:
    """The way of a service to Milvus; ``None`` where no variable names Milvus.

    Args:
        variables: The environment of the service.
        names: The names under which Milvus is reached.
        ports: The ports on which it accepts clients.
        image: The image of the service: Attu speaks plain text where nothing is said.
    """
    unsaid: Encryption = "plain" if repository_and_tag(image or "")[0] == "attu" else "unknown"
    for variable, address in naming(variables, names, ports):
        found = _encryption(variables, address.scheme)
        shown = any(v and _CLIENT_CERTIFICATE.search(n.upper()) for n, v in variables.items())
        encryption = unsaid if found == "unknown" else found
        return ClientConnection(
            variable, address.port, encryption, shown, address.host, address.scheme
        )
    return None


def naming(
    variables: Mapping[str, str | None], names: Collection[str], ports: Collection[int]
) -> Iterator[tuple[str, Address]]:
    """The variables that name Milvus, each with the address in it; arguments as for ``connection``."""
    for variable, value in variables.items():
        for address in addresses(value or ""):
            named = address.host in names and address.port in {None, *ports}
            # A bare name may be the name of a volume, or of the kind of database.
            if named and (address.port or address.scheme or _PLACE.search(variable.upper())):
                yield variable, address


def switches_off(variables: Mapping[str, str | None]) -> tuple[str, ...]:
    """The variables that say no to TLS in a word."""
    said = {n: (value or "").lower() for n, value in variables.items() if _SWITCH.search(n.upper())}
    return tuple(name for name, value in said.items() if value in _OFF and name.upper() != _MODE)


def elsewhere(
    variables: Mapping[str, str | None], ports: Collection[int]
) -> tuple[str, str, int] | None:
    """A variable of Milvus' name, or with the engine's own address, that names a port of it on this host.

    Args:
        variables: The environment of a service.
        ports: The ports of this host on which Milvus is published.

    Returns:
        The variable, the host and the port.
    """
    for variable, value in variables.items():
        for address in addresses(value or ""):
            # Within a network a name has a dot only if it was given one on purpose.
            other = "." in address.host or ":" in address.host
            port, named = address.port, "MILVUS" in variable.upper() or address.host == _BRIDGE
            if port is not None and port in ports and other and named:
                return variable, address.host, port
    return None


def _encryption(variables: Mapping[str, str | None], scheme: str) -> Encryption:
    if scheme == "https" or variables.get(_TRUST):
        return "encrypted"
    for variable, value in variables.items():
        switch = (value or "").lower()
        if variable.upper() == _MODE and switch in _MODE_VALUES:
            return _MODE_VALUES[switch]
        if _SWITCH.search(variable.upper()):
            if switch in _ON:
                return "encrypted"
            if switch in _OFF:
                return "plain"
    return "plain" if scheme in {"http", "tcp"} else "unknown"


# nginx.org/en/docs/http/ngx_http_grpc_module.html (grpc_pass, grpc_ssl_certificate), and what proxy_pass
# and the servers of an upstream look like; HAProxy, Caddy and Envoy files name host and port alike.
_COMMENT: Final = regex(r"(?m)^[ \t]*(?:#|//).*$")
_SHOWS: Final = regex(r"\b(?:grpc|proxy)_ssl_certificate\s")
_ENCRYPTED_SCHEMES: Final = frozenset({"https", "grpcs", "h2"})
_PLAIN_SCHEMES: Final = frozenset({"http", "grpc", "tcp", "h2c"})


def in_file(
    content: bytes, names: Collection[str], ports: Collection[int]
) -> ClientConnection | None:
    """The way to Milvus that a configuration file of a service names; ``None`` where it names none.

    Args:
        content: The file: of nginx and the like, of milvus-backup, or of an application.
        names: The names under which Milvus is reached.
        ports: The ports on which it accepts clients.
    """
    text = _COMMENT.sub("", content.decode("utf-8", "replace"))
    if found := _backup(content, text, names, ports):
        return found
    passed = passed_on(text)
    rest = text
    for block in passed:
        rest = rest.replace(block, "")
    for host, port, scheme in places(rest):
        if host in names and port in ports:
            said: Encryption = "plain" if scheme in _PLAIN_SCHEMES else "unknown"
            encryption = "encrypted" if scheme in _ENCRYPTED_SCHEMES else said
            shown = _SHOWS.search(text) is not None
            return ClientConnection(f"{host}:{port}", port, encryption, shown)
    for host, port, _ in places("".join(passed)):
        if host in names and port in ports:
            return ClientConnection(f"{host}:{port}", port, "unknown", passes=True)
    return None


def place_in(content: bytes, names: Collection[str], port: int) -> bool:
    """Whether a configuration file names a server.

    Args:
        content: The file.
        names: The names under which the server is reached.
        port: Its port.
    """
    text = _COMMENT.sub("", content.decode("utf-8", "replace"))
    if any(host in names and found == port for host, found, _ in places(text)):
        return True
    return any(
        host in names and number(found) == port
        for root in _documents(content, text)
        for host, found in milvus_backup.stores(root)
    )


def _backup(
    content: bytes, text: str, names: Collection[str], ports: Collection[int]
) -> ClientConnection | None:
    """What a backup.yaml says: https://github.com/zilliztech/milvus-backup/blob/main/configs/backup.yaml."""
    for root in _documents(content, text):
        host, route = milvus_backup.address_of(root), milvus_backup.route_of(root)
        port = root.text(*route, "port") or ""
        if host is not None and host in names and (not port or port in map(str, ports)):
            mode = root.text(*route, "tlsMode") or root.text("milvus", "tlsMode") or "0"
            return ClientConnection(
                ".".join((*route, "address")),
                number(port),
                "plain" if mode in {"0", "disabled"} else "encrypted",
                mode in {"2", "mutual"},
                host,
            )
    return None


def _documents(content: bytes, text: str) -> Sequence[Found]:
    """What may be a backup.yaml."""
    if "milvus:" not in text or "address:" not in text:
        return ()
    try:
        return roots(parse(content, "backup.yaml"))
    except ProjectError:
        return ()


@dataclass(frozen=True, slots=True)
class Application:
    """An application, and how it is configured for TLS to Milvus.

    Attributes:
        name: Its name.
        images: The repositories of its images, the last part.
        one_way: What it needs in mode 1.
        mutual: What it needs in mode 2; ``None`` where it has no option for a client certificate.
        takes_roots: Whether it is a Python or Node program, whose gRPC takes its CAs from a file.
        is_proxy: Whether it is in front of Milvus, and others are its clients.
    """

    name: str
    images: frozenset[str]
    one_way: str
    mutual: str | None = None
    takes_roots: bool = False
    is_proxy: bool = False


# gRPC takes its roots from that file where an application names none; measured with pymilvus 2.2 to 3.0:
# https://grpc.github.io/grpc/core/md_doc_environment_variables.html
_ROOTS: Final = "{uri}, and {ca} mounted and named by GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
# Go takes its roots from that file: https://pkg.go.dev/crypto/x509#SystemCertPool
_GO: Final = "{uri}, and {ca} mounted and named by SSL_CERT_FILE (it is a Go program)"
_ATTU: Final = (
    "Attu 2.3.6 or newer, which enable switches"
    " (elsewhere: the variables that compose-tls connect --lang attu prints after enable)"
)

_BACKUP: Final = "(milvus-backup 0.5.0 or newer)"

# https://nginx.org/en/docs/http/ngx_http_grpc_module.html, doc.traefik.io (serversTransport, routers),
# the page on reverse_proxy of caddyserver.com, that on UpstreamTlsContext of envoyproxy.io,
# docs.haproxy.org, where it is about servers
# Each reads files of its own container.
_MOUNTED: Final = "/ca.pem ({ca}, mounted there)"
_NGINX: Final = (
    "grpc_pass grpcs://{place}; grpc_ssl_verify on; grpc_ssl_trusted_certificate /ca.pem; "
    "({ca}, mounted there)"
)
_STREAM: Final = "or a stream block that forwards the bytes: proxy_pass {place};"
_TCP_ROUTER: Final = "a TCP router with tls.passthrough=true"
_CADDY: Final = (
    "reverse_proxy https://{place}, and in its block a block transport http with the lines versions 2 "
    f"and tls_trust_pool file {_MOUNTED}"
)
_ENVOY: Final = f"a transport_socket with an UpstreamTlsContext: trusted_ca {_MOUNTED}"
_HAPROXY: Final = "server milvus {place} ssl verify required verifyhost {host} alpn h2 "

# What the compose files and environment references of each offer, 2026-11: Attu and milvus-backup as
# above; those of github.com/langgenius/dify (pull 36265), open-webui/open-webui, HKUDS/LightRAG,
# labring/FastGPT, Tencent/WeKnora, coze-dev/coze-studio, eosphoros-ai/DB-GPT and
# NVIDIA-AI-Blueprints/rag, which have none for a client certificate.
_APPLICATIONS: Final = (
    Application("Attu", frozenset({"attu"}), _ATTU, _ATTU),
    Application(
        "milvus-backup",
        frozenset({"milvus-backup"}),
        f"milvus.tlsMode: 1 and milvus.caCertPath in backup.yaml {_BACKUP}",
        "milvus.tlsMode: 2, milvus.caCertPath, milvus.mtlsCertPath and milvus.mtlsKeyPath in "
        f"backup.yaml {_BACKUP}",
    ),
    Application(
        "Dify",
        frozenset({"dify-api", "dify-worker"}),
        "MILVUS_URI={uri}, MILVUS_SECURE=true and MILVUS_SERVER_PEM_PATH (in api and worker alike)",
        takes_roots=True,
    ),
    Application("Open WebUI", frozenset({"open-webui"}), f"MILVUS_URI={_ROOTS}", takes_roots=True),
    Application("LightRAG", frozenset({"lightrag"}), f"MILVUS_URI={_ROOTS}", takes_roots=True),
    Application("FastGPT", frozenset({"fastgpt"}), f"MILVUS_ADDRESS={_ROOTS}", takes_roots=True),
    Application("WeKnora", frozenset({"weknora", "weknora-app"}), f"MILVUS_ADDRESS={_GO}"),
    Application("Coze", frozenset({"coze-studio-server"}), f"MILVUS_ADDR={_GO}"),
    Application(
        "DB-GPT",
        frozenset({"dbgpt", "dbgpt-openai"}),
        f"MILVUS_SECURE=true, MILVUS_URL={_ROOTS}",
        takes_roots=True,
    ),
    Application(
        "NVIDIA RAG",
        frozenset({"rag-server"}),
        f"APP_VECTORSTORE_URL={_ROOTS}",
        takes_roots=True,
    ),
    Application(
        "nginx",
        frozenset({"nginx", "nginx-unprivileged", "openresty", "nginx-proxy"}),
        f"{_NGINX} {_STREAM}",
        f"{_NGINX} with grpc_ssl_certificate and grpc_ssl_certificate_key of a client; {_STREAM}",
        is_proxy=True,
    ),
    Application(
        "Traefik",
        frozenset({"traefik"}),
        "the label loadbalancer.server.scheme=https with a serversTransport whose rootCAs has "
        f"{{ca}}, or {_TCP_ROUTER}",
        f"a serversTransport with rootCAs and certificates, or {_TCP_ROUTER}",
        is_proxy=True,
    ),
    Application(
        "Caddy",
        frozenset({"caddy", "caddy-docker-proxy"}),
        _CADDY,
        f"{_CADDY}, and tls_client_auth CERTIFICATE KEY",
        is_proxy=True,
    ),
    Application(
        "Envoy",
        frozenset({"envoy"}),
        _ENVOY,
        f"{_ENVOY}, and tls_certificates with those of a client",
        is_proxy=True,
    ),
    Application(
        "HAProxy",
        frozenset({"haproxy"}),
        f"{_HAPROXY}ca-file {_MOUNTED}",
        f"{_HAPROXY}crt CLIENT.pem ca-file {_MOUNTED}",
        is_proxy=True,
    ),
)


def application_of(image: str | None) -> Application | None:
    """The application of an image; ``None`` for one that is not known."""
    repository = repository_and_tag(image or "")[0]
    return next((one for one in _APPLICATIONS if repository in one.images), None)


def needs(image: str | None, mode: TlsMode, *, place: str, ca: str, service: str) -> str:
    """What a service needs so that Milvus lets it in again, in a few words.

    Args:
        image: Its image.
        mode: One-way or mutual.
        place: Host and port of Milvus, as the services of the project reach it.
        ca: The CA certificate that clients trust.
        service: Its name.
    """
    words = {"place": place, "host": place.rpartition(":")[0], "uri": f"https://{place}", "ca": ca}
    mutual = mode is TlsMode.MUTUAL
    if one := application_of(image):
        if mutual and one.mutual is None:
            return (
                f"{one.name} has no option for a client certificate: it works with --mode 1 and "
                + one.one_way.format(**words)
            )
        return ((one.mutual if mutual else None) or one.one_way).format(**words)
    if mutual:
        return (
            f"https://{place}, {ca} and a client certificate, after enable: "
            f"compose-tls client {typed(service)}"
        )
    return f"https://{place} and {ca} as its CA: compose-tls connect shows how"
