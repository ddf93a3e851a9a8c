"""What the planning of a whole stack works on: its Milvus services, and what comes up for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from compose_tls.compose.service import HEALTH_TEST, Service
from compose_tls.config import TlsConfig
from compose_tls.layout import STACK_FILES
from compose_tls.plan.application_edits import Rewrite
from compose_tls.plan.identities import server_names
from compose_tls.plan.stack_health import health_change
from compose_tls.plan.stack_parts import Part
from compose_tls.project.endpoints import found_names
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import is_anybody
from compose_tls.project.stack_services import Needed
from compose_tls.setup import Directory, Identity, Member, Setting
from compose_tls.stack.milvus.settings import stack_directory
from compose_tls.stack.tool_tls import ToolTls
from compose_tls.vocabulary import TlsWarning

_Stays: TypeAlias = Callable[[Service, Mapping[str, str | None]], str | None]
_ServerKind: TypeAlias = Literal["etcd", "object-store", "broker"]
_ServerProfile: TypeAlias = Literal["server", "peer"]


class StackWork:
    """The services that take part, and what is found to change so far.

    Attributes:
        settings: What each Milvus service is told, by its name.
        identities: The certificates, without their CA.
        servers: The servers that speak TLS.
        warnings: What stays plain, and who is cut off.
        target: Where Milvus sees what it shows to the other parts.
    """

    def __init__(
        self, project: Project, proxies: Sequence[MilvusService], config: TlsConfig
    ) -> None:
        self.project = project
        self.config = config
        certain = certain_services(project.milvus)
        self.milvus = (*certain, *(one for one in proxies if one not in certain))
        self.settings: dict[str, list[Setting]] = {one.name: [] for one in self.milvus}
        self.identities: list[Identity] = []
        self.servers: list[Part] = []
        self.warnings: list[TlsWarning] = []
        self.target = stack_directory(config.container_tls_dir)

    def inside(
        self,
        needed: Sequence[Needed],
        stays: _Stays,
    ) -> list[Needed]:
        """What is in the project, plain so far, and can be switched; what is not is told."""
        reasons: dict[str, str | None] = {}
        for one in needed:
            if one.encryption == "encrypted":
                reasons.setdefault(one.name, "")
            elif one.service is None:
                reasons.setdefault(one.name, self._outside(one))
            elif one.name not in reasons:
                reasons[one.name] = stays(one.service, self.variables(one.service))
        told: set[str] = set()
        by_milvus: dict[str, list[Needed]] = {}
        for one in needed:
            by_milvus.setdefault(one.milvus.name, []).append(one)
        # A Milvus speaks to all of them alike: one that stays as it is keeps the others so.
        kept = {
            other.name
            for ones in by_milvus.values()
            if any(reasons[one.name] is not None for one in ones)
            for other in ones
        }
        for one in needed:
            reason = reasons[one.name]
            if reason and one.name not in told:
                told.add(one.name)
                self.stays_plain(
                    f"{one.purpose} {one.name} is not changed: {reason}",
                    one.service or one.milvus.service,
                    "set up TLS where that server is configured; compose-tls status shows the connection",
                )
        return [one for one in needed if one.name not in kept]

    def _outside(self, one: Needed) -> str:
        """Why a server that is no service stays as it is."""
        if is_anybody(one.name, self.project.compose.services.values()):
            return "on the network of the host, the service cannot be told from another program"
        return "it is not a service of this project"

    def variables(self, service: Service) -> Mapping[str, str | None]:
        """The environment of a service, as far as the project tells."""
        return service.container_variables(self.project.read)

    def others(self) -> list[Service]:
        """The services that are neither Milvus nor one of the servers."""
        known = {part.service.name for part in self.servers} | {one.name for one in self.milvus}
        return [one for one in self.project.compose.services.values() if one.name not in known]

    def users_of(self, needed: Iterable[Needed]) -> list[MilvusService]:
        """The Milvus services that connect to some servers, each once."""
        return list({one.milvus.name: one.milvus for one in needed}.values())

    def shown(
        self, name: str, profile: _ServerProfile, services: Sequence[Service], port: int
    ) -> Identity:
        """The certificate that some servers share."""
        servers = ((service, port) for service in services)
        found = found_names(servers, self.project.compose.services)
        members = tuple(service.name for service in services)
        return Identity(name, profile, members, *server_names((), found))

    def member(
        self,
        service: Service,
        kind: _ServerKind,
        directory: str,
        target: str,
        settings: tuple[Setting, ...],
        port: int,
    ) -> Member:
        """A server as a member of the set-up.

        Args:
            service: Its service.
            kind: What it is.
            directory: Its directory below the TLS directory, and the identity that it shows.
            target: Where that is in its container.
            settings: What it is told.
            port: Where it takes connections over TLS.
        """
        source = f"{self.config.tls_dir}/{directory}"
        files = STACK_FILES[directory]
        mounted = Directory(source, target, files)
        return Member(service.name, kind, settings, mounted, port)

    def health(
        self, service: Service, ports: Sequence[int], tool: ToolTls, hosts: Collection[str] = ()
    ) -> Iterator[Rewrite]:
        """How the health check of a server asks over TLS; nothing where it stays as it is.

        Args:
            service: Its service.
            ports: Its ports that speak TLS, the one for its clients first.
            tool: What the health check shows and trusts.
            hosts: The names of others like it, which it may ask as well.

        Raises:
            HealthCheckBreaks: How is not known, and the user has not accepted that.
        """
        change, warnings = health_change(self.project, service, ports, tool, self.config, hosts)
        self.warnings += warnings
        if change is not None:
            hint = f"make it use TLS, with {' '.join(tool.curl)}"
            yield Rewrite(HEALTH_TEST, change, hint)

    def stays_plain(self, text: str, service: Service, hint: str) -> None:
        """Say what stays plain text, where, and what can be done about it."""
        self.warnings.append(
            TlsWarning("stays-plain", text, service.main.document.name, hint, service.main.line())
        )
