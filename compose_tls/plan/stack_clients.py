"""Services that use the object store besides Milvus, and are switched with it: mc, aws, milvus-backup."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from compose_tls.compose.rewriting import Rewriting, written
from compose_tls.compose.service import Service
from compose_tls.errors import ProjectError
from compose_tls.layout import CA_BUNDLE, MILVUS, OBJECT_STORE, STORE_CAS
from compose_tls.plan.address_edits import AddressChange
from compose_tls.plan.application_edits import ApplicationEdits, Rewrite
from compose_tls.plan.stack_parts import Part
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.reachability import names
from compose_tls.setup import Directory, Member, as_variables
from compose_tls.stack import aws_cli, mc, milvus_backup
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.switching import ENCRYPTED_SCHEME, PLAIN_SCHEME
from compose_tls.stack.tool_tls import GO_ROOTS
from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Route
from compose_tls.yamlpatch.query import Found, roots

_CA_FILE: Final = "ca.crt"
_HINT: Final = "write https:// there, and mount the CA by hand"


def store_clients(
    work: StackWork, stores: Sequence[Part], override: Path | None
) -> tuple[ApplicationEdits, ...]:
    """The services that can be told that the object store speaks TLS; others are named elsewhere.

    Args:
        work: What is planned so far.
        stores: The servers of the object store.
        override: The override file for services that cannot be edited in place; ``None`` for none.
    """
    if not stores or work.config.neighbours != "patch":
        return ()
    hosts = {name for part in stores for name in names(part.service)}
    place = _ObjectStore(work, hosts, stores[0].member.port)
    found = (
        _placed(one, work, override) for one in map(place.client, work.others()) if one is not None
    )
    return tuple(one for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class _ObjectStore:
    """The object store, as its clients name it."""

    work: StackWork
    hosts: set[str]
    port: int

    def client(self, service: Service) -> ApplicationEdits | None:
        variables = self.work.variables(service)
        return self.program(service, variables) or self.backup(service, variables)

    def program(
        self, service: Service, variables: Mapping[str, str | None]
    ) -> ApplicationEdits | None:
        """A service that runs mc or aws: its URLs, in its command or in variables, and its CAs."""
        image, command = service.text("image"), service.command_line()
        target = mc.certificates_directory(image, command, variables, service.text("user"))
        if target is not None:
            ca, member = f"{target}/{_CA_FILE}", self.member(service, target, {})
        elif not mc.runs(image, command) and aws_cli.takes_bundle(image, command, variables):
            # It may go to AWS as well, and then trusts no other CA.
            ca = posixpath.join(self.work.target, CA_BUNDLE)
            source = f"{self.work.config.tls_dir}/{MILVUS}/{CA_BUNDLE}"
            member = self.member(service, ca, {aws_cli.CA_VARIABLE: ca}, source)
        else:
            return None
        urls = mc.Urls(frozenset(self.hosts), self.port, variables, ca)
        addresses = tuple(
            AddressChange(name, value, PLAIN_SCHEME, ENCRYPTED_SCHEME)
            for name, value in variables.items()
            if value and urls.is_address(value)
        )
        rewrites: list[Rewrite] = []
        for name in ("entrypoint", "command"):
            old, change = written(service, (name,)), partial(urls.with_https, service.words(name))
            if (new := change(old)) is None:
                return None
            if new != old:
                rewrites.append(Rewrite((name,), _fixed(new), _HINT))
        if not addresses and not rewrites:
            return None
        return ApplicationEdits(
            service, member, tuple(rewrites), addresses, reads_env=not self.work.config.env_file
        )

    def backup(
        self, service: Service, variables: Mapping[str, str | None]
    ) -> ApplicationEdits | None:
        """milvus-backup: what it is told of each store, where that is said."""
        if variables.get(GO_ROOTS) is not None:
            return None
        documents: dict[Path, Mapping[Route, str]] = {}
        settings: dict[str, str] = {}
        for path, document in self.backup_files(service):
            places, told = milvus_backup.store_settings(document, variables, self.hosts, self.port)
            settings |= told
            if places and path is not None:
                documents[path] = places
        if not documents and not settings:
            return None
        settings[GO_ROOTS] = posixpath.join(self.work.target, _CA_FILE)
        member = self.member(service, self.work.target, settings)
        return ApplicationEdits(service, member, documents=documents)

    def backup_files(self, service: Service) -> Iterator[tuple[Path | None, Found | None]]:
        """The files that configure milvus-backup; of its own image also without any."""
        project = self.work.project
        own = repository_and_tag(service.text("image") or "")[0] == milvus_backup.IMAGE
        found: list[tuple[Path, Found]] = []
        for path in project.files_of(service):
            content = project.read(path) or b""
            if b"address" in content and path.suffix in {".yaml", ".yml"}:
                with suppress(ProjectError):
                    documents = roots(parse(content, project.relative(path)))
                    found += [(path, one) for one in documents if len(documents) == 1]
        found = [pair for pair in found if own or milvus_backup.is_configuration(pair[1])]
        yield from found
        if own and not found:
            yield None, None

    def member(
        self,
        service: Service,
        target: str,
        variables: Mapping[str, str],
        source: str | None = None,
    ) -> Member:
        source = source or f"{self.work.config.tls_dir}/{OBJECT_STORE}/{STORE_CAS}"
        directory = Directory(source, target, (), read_only=True)
        return Member(service.name, "application", as_variables(variables), directory, port=0)


def _fixed(new: list[str]) -> Rewriting:
    """What makes this of a field, whatever it said."""
    return lambda _: new


def _placed(
    one: ApplicationEdits, work: StackWork, override: Path | None
) -> ApplicationEdits | None:
    """A service whose edits can be made: in place, else in an override file; ``None`` where nowhere."""
    ways = [(None, one), (override, replace(one, override=override))][
        : 1 if override is None else 2
    ]
    for place, made in ways if work.config.style != "override" else [(override, one)]:
        with suppress(ProjectError):
            one.require_possible(work.project, place)
            return made
    return None
