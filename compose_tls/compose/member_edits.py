"""Converts a member of the TLS set-up into edits of compose files: mounts, variables, ports."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Final

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.definition import Reader
from compose_tls.compose.edits import (
    Destination,
    MountOrder,
    add_mounts,
    change_variable,
    escaped,
    publish,
    set_variables,
)
from compose_tls.compose.ports import widest_addresses
from compose_tls.compose.service import Service, Variable
from compose_tls.compose.volumes import normal_target
from compose_tls.errors import ConflictingSettings, EditRefused, ValueInTheWay
from compose_tls.setup import Directory, Member
from compose_tls.values import dataclass
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.splice import Splice

_ANOTHER_TARGET: Final = "/milvus/compose-tls"


@dataclass(slots=True)
class Edits:
    """Intents by file, in the order in which they came up; and values of environment files."""

    by_file: dict[Path, list[Intent]] = field(default_factory=dict)
    values: dict[Path, dict[str, Splice]] = field(default_factory=dict)

    def add(self, file: Path, intents: Iterable[Intent]) -> None:
        """Add intents on one file."""
        self.by_file.setdefault(file, []).extend(intents)

    def add_value(self, file: Path, name: str, splice: Splice) -> None:
        """Add another value of a variable in an environment file; several services may want the same.

        Raises:
            EditRefused: One wants it otherwise.
        """
        if self.values.setdefault(file, {}).setdefault(name, splice) != splice:
            raise EditRefused(
                f"services share {name} of {file.name} and need different values over TLS",
                hint="give each a variable of its own, or use --style override",
                path=file.name,
            )


@dataclass(frozen=True, slots=True)
class MemberInCompose:
    """A member, and what the project says of its service.

    Attributes:
        member: What is wanted.
        service: Its service.
        config_file: A configuration file that is to be mounted; ``None`` for none.
        config_target: Where its configuration file is in the container.
        in_environment: Whether the settings go into the environment.
        sets: Whether an environment variable, however it is spelled, sets one of its settings.
        given: The names of the variables of the shell: what only they say need not be so tomorrow.
    """

    member: Member
    service: Service = field(repr=False)
    config_file: Path | None
    config_target: str
    in_environment: bool
    sets: Callable[[str, str], bool]
    given: frozenset[str] = frozenset()


def member_edits(
    one: MemberInCompose,
    project: ComposeProject,
    read: Reader,
    override: Path | None,
    edits: Edits,
) -> None:
    """Add the edits that a member needs.

    Args:
        one: The member.
        project: The project.
        read: Gives a file's bytes as they were before any earlier enable.
        override: The override file that gets the edits instead of the file that defines the service.
        edits: Gets the edits.

    Raises:
        ValueInTheWay: Something else is mounted where the TLS directory goes.
        ConflictingSettings: A mount would hide another one.
        EditRefused: A place cannot be edited without changing something else.
    """
    service = one.service
    orders = _mount_orders(one, project.directory)
    if orders:
        into = Destination.of(service, "volumes", override)
        edits.add(into.file, add_mounts(service, orders, into))
    into = Destination.of(service, "environment", override)
    environment = _Environment(one, into, read, in_place=override is None)
    for file, intents in environment.edits():
        edits.add(file, intents)
    # As the first port is: at its addresses, by the engine's choice, or not at all.
    beside = {
        entry.host_ip or None: entry.published is None
        for entry in service.ports()
        if entry.target == one.member.port
    }
    for port in one.member.published:
        if service.published(port) is None:
            into = Destination.of(service, "ports", override)
            for host_ip in widest_addresses(beside):
                picked = beside[host_ip]
                edits.add(into.file, publish(service, port, host_ip, into, picked=picked))


_WITH_PLACES_OF_THEIR_OWN: Final = frozenset({"etcd", "object-store", "broker"})


def _mount_orders(one: MemberInCompose, directory: Path) -> list[MountOrder]:
    orders: list[MountOrder] = []
    if one.member.directory is not None:
        orders += _directory_order(one, one.member.directory, directory)
    if one.config_file is not None:
        # Images that rewrite their configuration at start (sed -i) need it writable.
        rewrites = "sed -i" in " ".join(one.service.command_line())
        order = MountOrder(one.config_file, one.config_target, read_only_allowed=not rewrites)
        orders.append(order)
    return orders


def _directory_order(
    one: MemberInCompose, wanted: Directory, directory: Path
) -> Iterator[MountOrder]:
    service, target = one.service, wanted.target
    source = Path(os.path.normpath(directory / wanted.source))
    if one.config_target.startswith(f"{target}/"):
        raise ConflictingSettings(
            f"a mount at {target} would hide {one.config_target}",
            hint="choose another place with --container-tls-dir",
        )
    for mount in service.every_mount():
        if mount.target == target and mount.host_path == source:
            return
    if taken := _taken(service, target, source):
        what, file, line = taken
        hint = "remove that entry"
        if one.member.kind not in _WITH_PLACES_OF_THEIR_OWN:
            free = free_target(service, target, source)
            hint += f", or choose another place with --container-tls-dir {free}"
        raise ValueInTheWay(
            f"service {service.name} {what}", hint=hint, path=relative(file, directory), line=line
        )
    absolute = Path(wanted.source).is_absolute()
    yield MountOrder(source, target, absolute=absolute, read_only=wanted.read_only)


def free_target(service: Service, target: str, source: Path) -> str:
    """Where a directory can be mounted in a container: in its place, or else in another one.

    Args:
        service: The service.
        target: Its place in the container.
        source: The directory on this host.
    """
    others = (f"{_ANOTHER_TARGET}{number}" for number in ("", *range(2, 99)))
    return next(
        (place for place in (target, *others) if not _taken(service, place, source)), target
    )


def _taken(service: Service, target: str, source: Path) -> tuple[str, Path, int | None] | None:
    """What else is mounted at a place of a container, or in it, and where that is said."""
    for mount in service.every_mount():
        own = mount.target == target and mount.host_path == source
        if not own and (mount.target == target or mount.target.startswith(f"{target}/")):
            what = f"mounts {mount.source or 'a volume'} at {mount.target}"
            return what, mount.file, mount.line
    for entry in service.texts("tmpfs"):
        if normal_target(entry.partition(":")[0]) == target:
            return f"has a tmpfs at {target}", service.main.file, service.main.line("tmpfs")
    return None


class _Environment:
    """The variables of a service: they win over files, so one that is set has to say the same."""

    def __init__(
        self, one: MemberInCompose, into: Destination, read: Reader, *, in_place: bool
    ) -> None:
        self.one = one
        self.service = one.service
        self.into = into
        self.in_place = in_place
        self.set_here = {variable.name: variable for variable in self.service.environment()}
        self.values = self.service.container_variables(read)

    def edits(self) -> Iterator[tuple[Path, list[Intent]]]:
        """The edits that settle what is set, and where the settings go here, set what is not."""
        wanted: dict[str, str] = {}
        for setting in self.one.member.settings:
            names = [name for name in self.values if self.one.sets(name, setting.name)]
            for name in names:
                variable = self.set_here.get(name)
                own = None if variable is None else variable.without(self.one.given)
                if self.values[name] == setting.value and (
                    variable is None or own == setting.value
                ):
                    continue
                if variable is not None and self.is_own(variable):
                    change = change_variable(self.service, variable, escaped(setting.value))
                    yield variable.definition.file, change
                else:
                    wanted[name] = setting.value
            if self.one.in_environment and not names:
                wanted[setting.variable] = setting.value
        if wanted:
            yield self.into.file, set_variables(self.service, wanted, self.into)

    def is_own(self, variable: Variable) -> bool:
        """Whether a variable can be changed where it is set, and not only be beaten."""
        definition = variable.definition
        own = definition.editable and definition.writes("environment")
        return own and (self.in_place or definition.file == self.into.file)
