"""What switches a service besides Milvus: its mount, variables, command and configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from compose_tls.compose.member_edits import Edits, MemberInCompose, member_edits
from compose_tls.compose.rewriting import Rewriting, rewrite
from compose_tls.compose.service import Service
from compose_tls.plan.address_edits import AddressChange, add_address_edit
from compose_tls.project.model import Project
from compose_tls.setup import Member
from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Put, Route, Text
from compose_tls.yamlpatch.patch import edit


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A command or a health check that is to say something else."""

    route: Route
    change: Rewriting = field(repr=False)
    hint: str


@dataclass(frozen=True, slots=True)
class ApplicationEdits:
    """What switches a service.

    Attributes:
        service: The service.
        member: Its settings in variables, and where it sees its files.
        rewrites: What its command becomes.
        addresses: What becomes of the variables that name what it connects to.
        documents: Its configuration files that are edited: what is put where.
        override: The override file that gets its edits, as those in place are refused; ``None`` where
            they go where those of Milvus do.
        reads_env: Whether Compose reads ``.env``, and not files that the user names in its place.
    """

    service: Service = field(repr=False)
    member: Member
    rewrites: tuple[Rewrite, ...] = ()
    addresses: tuple[AddressChange, ...] = ()
    documents: Mapping[Path, Mapping[Route, str]] = field(default_factory=dict)
    override: Path | None = None
    reads_env: bool = True

    def add_to(self, edits: Edits, project: Project, override: Path | None) -> None:
        """Add them to others.

        Args:
            edits: Gets them.
            project: The project.
            override: The override file that gets the edits instead of the file that has the service.

        Raises:
            ValueInTheWay: Something else is mounted where its files go.
            EditRefused: A place cannot be edited without changing something else.
        """
        override, service = override or self.override, self.service
        for each in self.rewrites:
            rewrite(service, each.route, each.change, override, edits, hint=each.hint)
        one = MemberInCompose(self.member, service, None, "", in_environment=True, sets=str.__eq__)
        member_edits(one, project.compose, project.read, override, edits)
        for change in self.addresses:
            add_address_edit(change, service, project, override, edits, reads_env=self.reads_env)
        for path, settings in self.documents.items():
            edits.add(path, [Put(route, Text(value)) for route, value in settings.items()])

    def require_possible(self, project: Project, override: Path | None) -> None:
        """Make sure that they can be made on their own; the arguments are those of ``add_to``.

        Raises:
            ProjectError: They cannot.
        """
        edits = Edits()
        self.add_to(edits, project, override)
        for path, intents in edits.by_file.items():
            content = project.read(path)
            if content is not None:
                edit(parse(content, project.relative(path)), intents)
