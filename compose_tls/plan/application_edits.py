"""What switches a service besides Milvus: its mount, its variables, its configuration files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from compose_tls.compose.member_edits import Edits, MemberInCompose, member_edits
from compose_tls.compose.service import Service
from compose_tls.plan.address_edits import AddressChange, add_address_edit
from compose_tls.project.model import Project
from compose_tls.setup import Member
from compose_tls.yamlpatch.intent import Put, Route, Text


def add_application_edits(
    service: Service,
    member: Member,
    addresses: Iterable[AddressChange],
    documents: Mapping[Path, Mapping[Route, str]],
    project: Project,
    override: Path | None,
    edits: Edits,
    *,
    reads_env: bool,
) -> None:
    """Add what switches a service.

    Args:
        service: The service.
        member: What it is told by variables, and where it sees its files.
        addresses: What becomes of the variables that name what it connects to.
        documents: Its configuration files that are edited: what is put where.
        project: The project.
        override: The override file that gets the edits instead of the file that has the service.
        edits: Gets the edits.
        reads_env: Whether Compose reads ``.env``, and not files that the user names in its place.

    Raises:
        ValueInTheWay: Something else is mounted where its files go.
        EditRefused: A place cannot be edited without changing something else.
    """
    one = MemberInCompose(member, service, None, "", in_environment=True, sets=str.__eq__)
    member_edits(one, project.compose, project.read, override, edits)
    for change in addresses:
        add_address_edit(change, service, project, override, edits, reads_env=reads_env)
    for path, settings in documents.items():
        edits.add(path, [Put(route, Text(value)) for route, value in settings.items()])
