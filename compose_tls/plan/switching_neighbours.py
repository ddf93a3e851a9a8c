"""The edits that switch a client service to TLS, and their places."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from compose_tls.config import TlsConfig
from compose_tls.layout import CLIENT_KEY, NEIGHBOUR_NAME, neighbours_directory
from compose_tls.plan.address_edits import AddressChange
from compose_tls.plan.application_edits import ApplicationEdits
from compose_tls.plan.clients import Client, naming_variables, told
from compose_tls.project.endpoints import REST_PATH, carrier, rest_port
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.setup import Directory, Member, as_variables
from compose_tls.stack.client_tls import ClientTls
from compose_tls.stack.switching import PLAIN_SCHEME, Recipe, recipe
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import Found, roots

# RFC 5280 appendix A.1: ub-common-name.
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A service that is switched to TLS together with Milvus.

    Attributes:
        client: How it connects.
        recipe: What it is told.
        edits: What switches it.
        refusal: Why its edits in place are refused.
    """

    client: Client
    recipe: Recipe
    edits: ApplicationEdits
    refusal: str | None = None

    @property
    def name(self) -> str:
        """The name of the service."""
        return self.edits.service.name

    @property
    def shows_certificate(self) -> bool:
        """Whether it shows a client certificate."""
        return CLIENT_KEY in self.recipe.files


def switching(
    ways: Sequence[Client], project: Project, config: TlsConfig, names: Collection[str]
) -> Neighbour | None:
    """A service with all that switches it; ``None`` where no one knows how, for one of its connections.

    Args:
        ways: Its connections, each to another Milvus.
        project: The project, without what an earlier enable put in.
        config: The settings.
        names: The names that the server certificate holds for certain.
    """
    made = [_one_way(one, project, config, names) for one in ways]
    found = [one for one in made if one is not None]
    if len(found) < len(ways) or any(
        (one.recipe, one.edits.documents) != (found[0].recipe, found[0].edits.documents)
        for one in found
    ):
        return None
    addresses = {change.variable: change for one in found for change in one.edits.addresses}
    edits = replace(found[0].edits, addresses=tuple(addresses.values()))
    return replace(found[0], edits=edits)


def _one_way(
    client: Client, project: Project, config: TlsConfig, names: Collection[str]
) -> Neighbour | None:
    """What switches its connection to one Milvus."""
    service = project.compose.services.get(client.name)
    found = client.connection
    if service is None or found is None or not client.certain or not found.host:
        return None
    if not re.match(NEIGHBOUR_NAME, service.name):
        return None
    mutual = config.tls_mode is TlsMode.MUTUAL
    if mutual and len(service.name.encode()) > _LONGEST:
        # No certificate can name it.
        return None
    covered = found.host in names
    kept = rest_port(client.milvus, config)
    tls = ClientTls(
        mutual,
        found.host if covered else config.server_name,
        covered,
        config.container_tls_dir,
        f"https://{found.host}:{kept}" if kept is not None else None,
    )
    variables = told(project, service)
    document = _document(client, project)
    made = recipe(client.image, variables, found, tls, document)
    if made is None:
        return None
    addresses = _addresses(client, project, made, variables)
    if addresses is None:
        return None
    source = f"{neighbours_directory(config.tls_dir)}/{service.name}"
    directory = Directory(source, config.container_tls_dir, (), read_only=True)
    member = Member(service.name, "application", as_variables(made.variables), directory, port=0)
    edited = client.path if made.settings else None
    edits = ApplicationEdits(
        service,
        member,
        addresses=addresses,
        documents={project.directory / edited: made.settings} if edited else {},
        reads_env=not config.env_file,
    )
    return Neighbour(client, made, edits)


def _addresses(
    client: Client, project: Project, made: Recipe, variables: Mapping[str, str | None]
) -> tuple[AddressChange, ...] | None:
    """What becomes of the variables that name Milvus; ``None`` where one is about something else."""
    found, ports = client.connection, _ports_of_grpc(client.milvus, project)
    addresses: list[AddressChange] = []
    if found is not None and found.port not in ports:
        return None
    for variable, address in naming_variables(project, client) if made.scheme is not None else ():
        value = variables[variable] or ""
        if address.port not in ports:
            return None
        if value.startswith(PLAIN_SCHEME):
            if "," in value or REST_PATH.search(value.removeprefix(PLAIN_SCHEME)):
                return None
            # Where nothing is left of it, what is behind it tells the place.
            rest = "" if made.scheme else address.host
            old, new = f"{PLAIN_SCHEME}{rest}", f"{made.scheme}{rest}"
            addresses.append(AddressChange(variable, value, old, new))
    return tuple(addresses)


def _ports_of_grpc(milvus: MilvusService, project: Project) -> set[int | None]:
    """The ports by which gRPC is reached, in the project and on this machine: REST is another matter."""
    port = milvus.configuration.proxy_port
    entry = carrier(milvus.service, project.compose.services).published(port)
    return {None, port, entry.published if entry else None}


def _document(client: Client, project: Project) -> Found | None:
    """The configuration file that names Milvus, where it is YAML of one document."""
    found = client.connection
    if found is None or client.path is None or not found.variable.startswith("milvus."):
        return None
    content = project.read(project.directory / client.path)
    documents = roots(parse(content or b"", client.path))
    return documents[0] if len(documents) == 1 else None
