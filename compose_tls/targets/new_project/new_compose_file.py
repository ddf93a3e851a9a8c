"""The compose file of a new project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from compose_tls.connection import url_host
from compose_tls.targets.new_project import services
from compose_tls.targets.new_project.milvus_lines import (
    FIRST_WITH_MIX_COORDINATOR,
    MINIO,
    PULSAR,
    MilvusLine,
)
from compose_tls.targets.new_project.services import BROKER, ETCD, OBJECT_STORE, Service
from compose_tls.values import dataclass
from compose_tls.vocabulary import DATA_DIRECTORY, GRPC_PORT
from compose_tls.yamlpatch.build import Commented, New, build

Flavour: TypeAlias = Literal["standalone", "embedded-etcd", "gpu", "cluster"]

COMPOSE_FILE: Final = "docker-compose.yml"
PROXY: Final = "proxy"
STANDALONE: Final = "standalone"

_HEADING: Final = """\
Milvus with TLS, made by compose-tls init. You can edit this file.

{start}
docker compose down       stops it; the data stays in the volumes at the end of this file
compose-tls check         checks the running server
"""
_FIRST_START: Final = """\
compose-tls init --up     starts it the first time, and sets the password of root
docker compose up -d      starts it afterwards"""
_START: Final = "docker compose up -d      starts it"
_TO_2_5: Final = ("rootcoord", "querycoord", "datacoord", "querynode", "datanode", "indexnode")
_FROM_2_6: Final = ("mixcoord", "querynode", "datanode", "streamingnode")


@dataclass(frozen=True, slots=True)
class AttuService:
    """Attu next to Milvus: its image, what it is told, and the files that it is shown."""

    image: str
    variables: Mapping[str, str]
    mounts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NewStack:
    """What a new project is to be.

    Attributes:
        flavour: Which services it has.
        release: The line of Milvus.
        image: The image of Milvus.
        auth: Whether Milvus asks for a user and a password.
        address: The IP address of this machine on which clients reach it.
        port: The port there.
        attu: The web interface; ``None`` for none.
        name: The name of the project, where it is not that of its directory.
    """

    flavour: Flavour
    release: MilvusLine
    image: str
    auth: bool
    address: str
    port: int
    attu: AttuService | None
    name: str | None

    @property
    def log(self) -> str | None:
        """What Milvus keeps its log in; ``None`` for what it takes by itself."""
        if self.release.line >= FIRST_WITH_MIX_COORDINATOR:
            return "woodpecker"
        return "pulsar" if self.flavour == "cluster" else None

    @property
    def published(self) -> str:
        """The port of gRPC as a compose file publishes it."""
        return f"{url_host(self.address)}:{self.port}:{GRPC_PORT}"


def accepts_clients(flavour: Flavour) -> str:
    """The name of the service that accepts clients."""
    return PROXY if flavour == "cluster" else STANDALONE


def compose_file(stack: NewStack) -> bytes:
    """The compose file of a new project, without TLS."""
    made: dict[str, New] = {"name": stack.name} if stack.name else {}
    found = dict(_services(stack))
    if stack.attu is not None:
        front = accepts_clients(stack.flavour)
        found["attu"] = services.attu(
            stack.attu.image, stack.attu.variables, stack.attu.mounts, front
        )
    made["services"] = {
        name: Commented(each, apart=at > 0) for at, (name, each) in enumerate(found.items())
    }
    volumes = dict.fromkeys(volume_names(stack.flavour, stack.release))
    made["volumes"] = Commented(volumes, "docker compose down -v removes them.", apart=True)
    return build(made, _HEADING.format(start=_FIRST_START if stack.auth else _START))


def embedded_etcd() -> bytes:
    """What configures the etcd inside Milvus: as standalone_embed.sh does, except for the address."""
    return build(
        {
            "listen-client-urls": Commented(
                "http://127.0.0.1:2379",
                "Only Milvus uses it, without the network.",
            ),
            "advertise-client-urls": "http://127.0.0.1:2379",
            "quota-backend-bytes": 4294967296,
            "auto-compaction-mode": "revision",
            "auto-compaction-retention": "1000",
        },
        "The etcd inside Milvus.",
    )


def volume_names(flavour: Flavour, release: MilvusLine) -> tuple[str, ...]:
    """The volumes that hold the data of a project."""
    match flavour:
        case "embedded-etcd":
            return ("milvus",)
        case "standalone" | "gpu":
            return (ETCD, OBJECT_STORE, "milvus")
        case "cluster":
            broker = () if release.line >= FIRST_WITH_MIX_COORDINATOR else (BROKER,)
            return (ETCD, OBJECT_STORE, *broker)


def _services(stack: NewStack) -> Service:
    match stack.flavour:
        case "embedded-etcd":
            return {STANDALONE: _embedded(stack)}
        case "standalone" | "gpu":
            one = services.milvus(
                STANDALONE,
                stack.image,
                services.shared_settings(stack.log, auth=stack.auth),
                volume="milvus",
                needs=(ETCD, OBJECT_STORE),
                published=stack.published,
            )
            reserved = services.gpu() if stack.flavour == "gpu" else {}
            return {**_beneath(stack), STANDALONE: {**one, **reserved}}
        case "cluster":
            return {**_beneath(stack), **_cluster(stack)}


def _beneath(stack: NewStack) -> Service:
    return {
        ETCD: services.etcd(stack.release.etcd),
        OBJECT_STORE: services.object_store(MINIO),
    }


def _embedded(stack: NewStack) -> Service:
    one = services.milvus(
        STANDALONE,
        stack.image,
        services.embedded_settings(auth=stack.auth),
        volume="milvus",
        needs=(),
        published=stack.published,
    )
    mounts = (
        f"milvus:{DATA_DIRECTORY}",
        f"./{services.EMBEDDED_ETCD_FILE}:{services.EMBEDDED_ETCD_TARGET}",
    )
    return {**one, "volumes": list(mounts)}


def _cluster(stack: NewStack) -> Service:
    """Every role in a service of its own.

    Sources: deployments/docker/cluster/docker-compose.yml of milvus v2.2, whose coordinators of indexes
    are data coordinators since 2.3; for 2.6 the roles of https://github.com/zilliztech/milvus-helm.
    """
    newer = stack.log != "pulsar"
    settings = services.shared_settings(stack.log, auth=stack.auth)
    needs = (ETCD, OBJECT_STORE) if newer else (ETCD, OBJECT_STORE, BROKER)
    roles = _FROM_2_6 if newer else _TO_2_5
    found: Service = {} if newer else {BROKER: services.broker(PULSAR)}
    for role in (PROXY, *roles):
        found[role] = services.milvus(
            role,
            stack.image,
            settings,
            volume=None,
            needs=needs,
            published=stack.published if role == PROXY else None,
        )
    return found
