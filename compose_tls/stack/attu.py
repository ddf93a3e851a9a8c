"""Attu, Milvus' web interface, as a service of the project.

Attu 2.3.6 and newer take certificates; TLS is on where there is a root certificate. Attu 3 has other
variables, reads them once, and does not run as root.
Source: the README of https://github.com/zilliztech/attu at v2.3.6, v2.6.5 and v3.0.0, its docs
(milvus-mtls-local-docker.md), and pull 347 (ROOT_CERT_PATH), which v2.3.6 is the first tag to hold
"""

from __future__ import annotations

from collections.abc import Iterable

from compose_tls.connection import CREDENTIALS_VARIABLE, Connection, ContainerRoute, place
from compose_tls.stack.client_tls import ClientTls
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.milvus_version import MilvusVersion
from compose_tls.vocabulary import HOST_NAME
from compose_tls.yamlpatch.intent import Text
from compose_tls.yamlpatch.style import scalar

_DIRECTORY = "/certs"
_ROOT, _CERTIFICATE, _KEY = (
    f"{_DIRECTORY}/{name}" for name in ("ca.pem", "client.pem", "client.key")
)
_FIRST_WITH_CERTIFICATES = MilvusVersion(2, 3, 6)
_FIRST_OF_ATTU_3 = MilvusVersion(3, 0)
# Which Attu goes with which Milvus, from the first version that knows certificates.
_IMAGES = (((2, 4), "v2.3.10"), ((2, 5), "v2.4"), ((2, 6), "v2.5"), ((3, 0), "v2.6"))
_NEWEST_IMAGE = "v3.0.0"
_ABOUT_2 = "# Attu 2.3.6 to 2.6; Attu 3 has MILVUS_ADDRESS, MILVUS_SSL and MILVUS_TLS_* instead."
_ABOUT_3 = "# Attu 3; from 2.3.6 to 2.6 it has MILVUS_URL, ROOT_CERT_PATH and so on instead."
_CREDENTIALS = f"${{{CREDENTIALS_VARIABLE}:?}}"
_PORT = 3000
_ADDRESS_OF_ATTU_3 = "MILVUS_ADDRESS"
_USER_OF_ATTU_3 = "1000:1000"
MEMORY = (
    "Attu 3 keeps the connection in its database from its first start on: where it was started before, "
    "edit the connection on its page"
)
"""What has to be known of a version that is told something else."""


def is_third(image: str, variable: str) -> bool:
    """Whether it is an Attu 3: by its tag, else by the variable that names Milvus.

    Args:
        image: Its image.
        variable: The variable.
    """
    version = MilvusVersion.of_tag(repository_and_tag(image)[1])
    return version >= _FIRST_OF_ATTU_3 if version else variable == _ADDRESS_OF_ATTU_3


def user_of(image: str, variables: Iterable[str]) -> str | None:
    """The user that its image runs as, where that is not root.

    Args:
        image: The image of a service.
        variables: The names of its variables.
    """
    if repository_and_tag(image)[0] != "attu":
        return None
    named = _ADDRESS_OF_ATTU_3 if _ADDRESS_OF_ATTU_3 in variables else ""
    return _USER_OF_ATTU_3 if is_third(image, named) else None


def told(image: str, variable: str, tls: ClientTls) -> dict[str, str] | None:
    """What an Attu that is there is told besides the address; ``None`` for one without certificates.

    Args:
        image: Its image.
        variable: The variable that names Milvus.
        tls: What is wanted of it.
    """
    version = MilvusVersion.of_tag(repository_and_tag(image)[1])
    if version is not None and version < _FIRST_WITH_CERTIFICATES:
        return None
    third = is_third(image, variable)
    prefix = "MILVUS_TLS_" if third else ""
    found = {f"{prefix}ROOT_CERT_PATH": tls.ca}
    if tls.mutual:
        found[f"{prefix}PRIVATE_KEY_PATH"] = tls.key
        found[f"{prefix}CERT_CHAIN_PATH"] = tls.certificate
    found[f"{prefix}SERVER_NAME"] = tls.server_name
    return {"MILVUS_SSL": "true", **found} if third else found


def service(connection: Connection) -> str:
    """A compose file of its own, for ``-f``, or its service for the project's file.

    An Attu that already exists keeps its image, its ports and its networks.
    """
    if connection.inside is not None:
        attu = connection.attu
        third = attu is not None and is_third(attu.image, "")
        return "\n".join(_told(connection, connection.inside, third=third))
    there = connection.attu
    tag = repository_and_tag(there.image)[1] if there else _tag(connection.release)
    version = MilvusVersion.of_tag(tag)
    old = there is not None and version is not None and version < _FIRST_WITH_CERTIFICATES
    third = version is not None and version >= _FIRST_OF_ATTU_3
    name = there.service if there else "attu"
    about, *told = _told(connection, name, third=third)
    if old or not there:
        told.insert(2, f"    image: {image(connection.release)}")
    return "\n".join(
        (
            f"# Add this to service {name} of the compose file, or to another file that you add with -f."
            if there
            else "# Add this service to the compose file, or to another file that you add with -f.",
            about,
            *(
                (f"# {there.image} does not support certificates, so the image is a newer one.",)
                if there and old
                else ()
            ),
            *told,
            "    volumes:",
            *(
                line
                for source, target in mounts(connection).items()
                for line in _mount(source, target)
            ),
            *(() if there else _network(connection.container_route)),
        )
    )


def _told(connection: Connection, name: str, *, third: bool) -> list[str]:
    """What an Attu is told, as lines of a compose file; the first says of which versions."""
    values = _variables(connection, third=third)
    return [
        _ABOUT_3 if third else _ABOUT_2,
        "services:",
        f"  {scalar(Text(name, string=True), '', flow=False)}:",
        "    environment:",
        *(f"      {variable}: {_spelled(value)}" for variable, value in values.items()),
    ]


def image(release: tuple[int, int] | None) -> str:
    """The image of the Attu that goes with a release of Milvus; the newest where that is unknown."""
    return f"zilliz/attu:{_tag(release)}"


def variables(connection: Connection) -> dict[str, str]:
    """What an Attu of that image is told, as plain texts."""
    return _variables(connection, third=is_third(image(connection.release), ""))


def address(connection: Connection) -> dict[str, str]:
    """What an Attu 3 is told where nothing is said of TLS."""
    return {_ADDRESS_OF_ATTU_3: _address(connection)}


def mounts(connection: Connection) -> dict[str, str]:
    """The files that it is shown: where each is, and where it has to appear."""
    files = {connection.ca_pem: _ROOT}
    if connection.mutual:
        files |= {connection.client_pem: _CERTIFICATE, connection.client_key: _KEY}
    return files


def _tag(release: tuple[int, int] | None) -> str:
    if release is None:
        return _IMAGES[-1][1]
    return next((tag for limit, tag in _IMAGES if release < limit), _NEWEST_IMAGE)


def _variables(connection: Connection, *, third: bool) -> dict[str, str]:
    """The variables: Attu 3 keeps them in its database at the first start, Attu 2 asks who signs in."""
    root, certificate, key = _paths(connection)
    address, prefix = _address(connection), "MILVUS_TLS_" if third else ""
    first = (
        {_ADDRESS_OF_ATTU_3: address, "MILVUS_SSL": "true"} if third else {"MILVUS_URL": address}
    )
    values = {**first, f"{prefix}ROOT_CERT_PATH": root}
    if connection.mutual:
        values |= {f"{prefix}CERT_CHAIN_PATH": certificate, f"{prefix}PRIVATE_KEY_PATH": key}
    values[f"{prefix}SERVER_NAME"] = connection.server_name
    if third and connection.authentication:
        values[CREDENTIALS_VARIABLE] = _CREDENTIALS
    return values


def _paths(connection: Connection) -> tuple[str, str, str]:
    """CA, certificate and key as its container sees them."""
    if connection.inside is None:
        return _ROOT, _CERTIFICATE, _KEY
    return connection.ca_pem, connection.client_pem, connection.client_key


def _address(connection: Connection) -> str:
    if connection.inside is not None:
        host, port = place(connection.uri)
        return f"{host}:{port}"
    route = connection.container_route
    if route is None:
        return f"{HOST_NAME}:{place(connection.uri)[1]}"
    return f"{route.host}:{route.port}"


def _mount(source: str, target: str) -> tuple[str, ...]:
    """One file: the directory of the certificates holds the CA's key as well."""
    return (
        "      - type: bind",
        f"        source: {_quoted(source)}",
        f"        target: {target}",
        "        read_only: true",
    )


def _network(route: ContainerRoute | None) -> tuple[str, ...]:
    published = ("    ports:", f'      - "127.0.0.1:8000:{_PORT}"')
    if route is None:
        return (*published, "    extra_hosts:", f'      - "{HOST_NAME}:host-gateway"')
    if route.network_mode is not None:
        return (
            f"    # Attu is on port {_PORT} there.",
            f"    network_mode: {_quoted(route.network_mode)}",
        )
    if not route.networks:
        return published
    return (*published, "    networks:", *(f"      - {_quoted(name)}" for name in route.networks))


def _spelled(value: str) -> str:
    """A value as it is in a compose file: paths of ours and a variable need no quotes."""
    plain = value in {_ROOT, _CERTIFICATE, _KEY, _CREDENTIALS}
    return value if plain else _quoted(value)


def _quoted(text: str) -> str:
    """A double-quoted scalar of a compose file, where a dollar sign would start a variable.

    Source: https://docs.docker.com/reference/compose-file/interpolation/
    """
    return scalar(Text(text.replace("$", "$$"), string=True), '"', flow=False)
