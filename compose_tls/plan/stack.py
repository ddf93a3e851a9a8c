"""What else of a project is to speak TLS: its etcd, its object store, and Milvus with them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from compose_tls.compose.rewriting import written
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.errors import EditRefused, UnsupportedMilvus
from compose_tls.layout import (
    CA_BUNDLE,
    CA_CERTIFICATE,
    CERTIFICATE,
    ETCD,
    ETCD_CLIENT,
    INTERNAL,
    MILVUS,
    OBJECT_STORE,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    STACK_CA,
    STACK_FILES,
    stack_files,
)
from compose_tls.pki.client_names import CLIENT_DOMAIN
from compose_tls.plan.identities import server_names
from compose_tls.plan.stack_health import HEALTH_TEST, Client, health_change
from compose_tls.plan.stack_parts import NOTHING_ELSE, Part, Rewrite, Stack
from compose_tls.project.endpoints import found_names
from compose_tls.project.milvus_services import MilvusService, certain_services
from compose_tls.project.model import Project
from compose_tls.project.reachability import names
from compose_tls.project.stack_services import Needed, needed_servers
from compose_tls.setup import Directory, Identity, Member, Setting
from compose_tls.stack import etcd, object_store
from compose_tls.stack.milvus import internal
from compose_tls.stack.milvus.milvus_version import (
    FIRST_WITH_INTERNAL_TLS,
    FIRST_WITH_OBJECT_STORE_CA,
)
from compose_tls.stack.milvus.settings import stack_directory
from compose_tls.vocabulary import TlsWarning

_Stays: TypeAlias = Callable[[Service, Mapping[str, str | None]], str | None]
_ServerKind: TypeAlias = Literal["etcd", "object-store"]
_ServerProfile: TypeAlias = Literal["server", "peer"]

_DIRECTORY: Final = "/tls"
"""Where etcd sees its files: its image has nothing there."""


def plan_stack(project: Project, proxies: Sequence[MilvusService], config: TlsConfig) -> Stack:
    """Work out what else has to change, by ``--scope``.

    Args:
        project: The project, without what an earlier enable put in.
        proxies: The services that end client TLS.
        config: The settings.

    Raises:
        UnsupportedMilvus: A Milvus cannot encrypt what its parts say to each other.
        EditRefused: A server is told by a file, or by a variable, what would have to change.
        HealthCheckBreaks: A health check would fail, and the user has not accepted that.
    """
    if config.scope == "proxy":
        return NOTHING_ELSE
    return _Planner(project, proxies, config).plan()


class _Planner:
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

    def plan(self) -> Stack:
        needed = needed_servers(self.project.compose, self.milvus)
        if self.config.scope == "all":
            self.etcd([one for one in needed if one.purpose == "metadata"])
            self.object_store([one for one in needed if one.purpose == "object store"])
            self.brokers([one for one in needed if one.purpose == "messages"])
        self.internal()
        self.warnings += self.others_cut_off()
        if not self.identities:
            return Stack(warnings=tuple(self.warnings))
        stack = Stack((), (Identity(STACK_CA, "ca"), *self.identities), tuple(self.warnings))
        servers = tuple(self.servers)
        parts = tuple(
            self.milvus_part(one, stack) for one in self.milvus if self.settings[one.name]
        )
        return Stack((*servers, *parts), stack.identities, stack.warnings)

    def etcd(self, needed: Sequence[Needed]) -> None:
        """Every etcd of the project, and Milvus with it."""
        able = self.inside(needed, self.etcd_stays)
        if not able:
            return
        services = list({one.name: one.service for one in able if one.service}.values())
        for service in services:
            self.servers.append(self.etcd_part(service))
        images = [service.text("image") for service in services]
        members = self.shown(ETCD, "peer", services, etcd.PORT)
        self.identities.append(members)
        users = self.users_of(able)
        for one in users:
            endpoints = one.configuration.get(("etcd", "endpoints"))
            self.settings[one.name] += etcd.milvus_settings(self.target, images, endpoints)
        holders = tuple(one.name for one in users)
        domain = f"{ETCD_CLIENT}.{CLIENT_DOMAIN}"
        self.identities.append(Identity(ETCD_CLIENT, "client", holders, (domain,)))

    def etcd_stays(self, service: Service, variables: Mapping[str, str | None]) -> str | None:
        command = service.command_line()
        if not etcd.runs_etcd(service.text("image"), command):
            return "what it runs is not known to be etcd"
        if (said := etcd.decided(command, variables)) is not None:
            return f"it is told {said} already"
        if (file := etcd.configuration_file(command, variables)) is not None:
            return f"it reads {file} instead of flags and variables"
        return None

    def etcd_part(self, service: Service) -> Part:
        variables = service.container_variables(self.project.read)
        command = service.command_line()
        hint = "write https:// there, and run this again"
        rewrites = [
            Rewrite((name,), etcd.https_urls, hint)
            for name in ("entrypoint", "command")
            if etcd.https_urls(written(service, (name,))) != written(service, (name,))
        ]
        if etcd.names_plain_urls(command) and not rewrites:
            raise EditRefused(
                f"the URLs for clients of service {service.name} come from a variable",
                hint=hint,
                path=service.main.document.name,
                line=service.main.line("command"),
            )
        certificate, key, ca = (
            posixpath.join(_DIRECTORY, name)
            for name in (SERVER_CERTIFICATE, SERVER_KEY, CA_CERTIFICATE)
        )
        rewrites += self.health(service, etcd.PORT, Client(ca, certificate, key))
        settings = etcd.server_settings(_DIRECTORY, service.name, command, variables)
        return Part(
            self.member(service, "etcd", ETCD, _DIRECTORY, settings, etcd.PORT),
            service,
            rewrites=tuple(rewrites),
        )

    def object_store(self, needed: Sequence[Needed]) -> None:
        """Every object store of the project, and Milvus with it."""
        able = self.inside(needed, self.store_stays)
        if not able:
            return
        services = list({one.name: one.service for one in able if one.service}.values())
        port = next((one.port for one in able if one.port), object_store.PORT)
        for service in services:
            self.servers.append(self.store_part(service, port))
        self.identities.append(self.shown(OBJECT_STORE, "server", services, port))
        for one in self.users_of(able):
            names_ca = one.version >= FIRST_WITH_OBJECT_STORE_CA
            self.settings[one.name] += object_store.milvus_settings(self.target, names_ca=names_ca)

    def store_stays(self, service: Service, variables: Mapping[str, str | None]) -> str | None:
        kind = object_store.kind(service.text("image"), service.command_line())
        return None if kind else "how this object store is told of TLS is not known"

    def store_part(self, service: Service, port: int) -> Part:
        image, command = service.text("image"), service.command_line()
        kind = object_store.kind(image, command) or "minio"
        directory, said = object_store.certificates_directory(
            kind, image, command, service.text("user")
        )

        def change(texts: Sequence[str]) -> list[str]:
            return object_store.with_certificate(kind, directory, texts, with_flags=said)

        rewrites = [
            Rewrite((name,), change, "name the certificate there by hand")
            for name in ("entrypoint", "command")
            if change(written(service, (name,))) != written(service, (name,))
        ]
        if said and not rewrites:
            raise EditRefused(
                f"the command of service {service.name} is not there to be told of a certificate",
                hint="write the command of its image out, and run this again",
                path=service.main.document.name,
                line=service.main.line("command"),
            )
        ca = posixpath.join(directory, STACK_FILES[OBJECT_STORE][-1][0])
        rewrites += self.health(service, port, Client(ca))
        console = object_store.console_port(command)
        if console is not None and service.published(console):
            text = (
                f"the console of service {service.name}, port {console}, is reached by https then"
            )
            self.warnings.append(TlsWarning("console-over-tls", text, service.main.document.name))
        return Part(
            self.member(service, "object-store", OBJECT_STORE, directory, (), port),
            service,
            rewrites=tuple(rewrites),
        )

    def internal(self) -> None:
        """What the parts of Milvus say to each other."""
        old = [one for one in self.milvus if one.version < FIRST_WITH_INTERNAL_TLS]
        if old and self.config.scope == "internal":
            raise UnsupportedMilvus(
                f"service {old[0].name} runs Milvus {old[0].version}, whose parts speak plain text "
                "to each other",
                hint=f"use Milvus {FIRST_WITH_INTERNAL_TLS} or newer, or another --scope",
                path=old[0].service.main.document.name,
                line=old[0].service.main.line("image"),
            )
        if old:
            if any(one.component for one in old):
                text = f"the parts of Milvus {old[0].version} speak plain text to each other"
                hint = f"Milvus {FIRST_WITH_INTERNAL_TLS} and newer can encrypt it"
                self.stays_plain(text, old[0].service, hint)
            return
        found = [
            name
            for one in self.milvus
            for name in found_names(one.service, 0, self.project.compose.services)
        ]
        dns_names, ip_addresses = server_names((internal.NAME,), found)
        members = tuple(one.name for one in self.milvus)
        self.identities.append(Identity(INTERNAL, "server", members, dns_names, ip_addresses))
        for one in self.milvus:
            self.settings[one.name] += internal.internal_settings(self.target)

    def brokers(self, needed: Sequence[Needed]) -> None:
        for name, one in {one.name: one for one in needed if one.encryption == "plain"}.items():
            self.stays_plain(
                f"messages go to {name} in plain text",
                one.service or one.milvus.service,
                "compose-tls sets up no TLS for a message broker",
            )

    def milvus_part(self, one: MilvusService, stack: Stack) -> Part:
        source = f"{self.config.tls_dir}/{MILVUS}"
        files = stack_files(MILVUS, [one.name for one in stack.identities])
        directory = Directory(source, self.target, files)
        old = one.version < FIRST_WITH_OBJECT_STORE_CA
        uses_store = any(setting.route[:1] == ("minio",) for setting in self.settings[one.name])
        bundle = Directory(f"{source}/{CA_BUNDLE}", object_store.SYSTEM_BUNDLE, ())
        member = Member(
            one.name,
            "milvus",
            one.service.text("image"),
            tuple(self.settings[one.name]),
            directory,
            None,
            one.configuration.proxy_port,
        )
        return Part(member, one.service, one, bundle=bundle if old and uses_store else None)

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
                reasons.setdefault(one.name, "it is not a service of this project")
            elif one.name not in reasons:
                variables = one.service.container_variables(self.project.read)
                reasons[one.name] = stays(one.service, variables)
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
                    f"{one.purpose} {one.name} is left as it is: {reason}",
                    one.service or one.milvus.service,
                    "see to its TLS where it is set up; compose-tls status shows the connection",
                )
        return [one for one in needed if one.name not in kept]

    def users_of(self, needed: Iterable[Needed]) -> list[MilvusService]:
        return list({one.milvus.name: one.milvus for one in needed}.values())

    def shown(
        self, name: str, profile: _ServerProfile, services: Sequence[Service], port: int
    ) -> Identity:
        """The certificate that some servers share."""
        found = [
            name
            for service in services
            for name in found_names(service, port, self.project.compose.services)
        ]
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
        source = f"{self.config.tls_dir}/{directory}"
        files = STACK_FILES[directory]
        mounted = Directory(source, target, files)
        return Member(service.name, kind, service.text("image"), settings, mounted, directory, port)

    def health(self, service: Service, port: int, client: Client) -> Iterator[Rewrite]:
        change, warnings = health_change(self.project, service, port, client, self.config)
        self.warnings += warnings
        if change is not None:
            hint = f"let it ask over TLS, with {' '.join(client.curl)}"
            yield Rewrite(HEALTH_TEST, change, hint)

    def others_cut_off(self) -> Iterator[TlsWarning]:
        """The services that are not Milvus, and connect to what will not accept them as they are."""
        ours = {part.service.name for part in self.servers} | {one.name for one in self.milvus}
        for part in self.servers:
            hosts = "|".join(map(re.escape, sorted(names(part.service))))
            place = re.compile(rf"(?<![\w.-])(?:{hosts}):{part.member.port}(?!\d)")
            for other in self.project.compose.services.values():
                said = other.container_variables(self.project.read)
                texts = [*other.command_line(), *(value or "" for value in said.values())]
                found = next((m for text in texts if (m := place.search(text))), None)
                if other.name in ours or found is None:
                    continue
                ca = f"{self.config.pki_dir}/{STACK_CA}{CERTIFICATE}"
                mutual = part.member.kind == "etcd"
                client = f" and {self.config.pki_dir}/{ETCD_CLIENT}{CERTIFICATE}" if mutual else ""
                yield TlsWarning(
                    "stack-client-cut-off",
                    f"service {other.name} connects to {found[0]}, which speaks TLS then",
                    other.main.document.name,
                    f"give it https, {ca} as its CA{client}",
                    other.main.line(),
                )

    def stays_plain(self, text: str, service: Service, hint: str) -> None:
        self.warnings.append(
            TlsWarning("stays-plain", text, service.main.document.name, hint, service.main.line())
        )
