"""Changes the value of a variable that names Milvus, at its place.

That is the ``environment`` of the service, an ``env_file``, or the ``.env`` next to the compose file;
nothing is edited but what then reads as intended.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from compose_tls.compose import dotenv
from compose_tls.compose.discovery import ENV_FILE
from compose_tls.compose.edits import Destination, change_variable, set_variables
from compose_tls.compose.interpolate import interpolate
from compose_tls.compose.member_edits import Edits
from compose_tls.compose.service import Service, Variable
from compose_tls.errors import EditRefused
from compose_tls.patterns import regex
from compose_tls.project.model import Project
from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import decode
from compose_tls.yamlpatch.intent import Intent
from compose_tls.yamlpatch.splice import Splice

_NAME: Final = regex(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class AddressChange:
    """What becomes of a variable.

    Attributes:
        variable: Its name.
        value: The value that its container has now.
        old: The part of it that changes.
        new: What is there then.
    """

    variable: str
    value: str
    old: str
    new: str

    def swapped(self, text: str) -> str:
        """A text that holds the value, or makes it, with the other part in it."""
        return text.replace(self.old, self.new, 1)


def add_address_edit(
    change: AddressChange,
    service: Service,
    project: Project,
    override: Path | None,
    edits: Edits,
    *,
    reads_env: bool,
) -> None:
    """Add what gives a variable its other value.

    Args:
        change: The variable.
        service: The service.
        project: The project.
        override: The override file that gets the edits instead of the file that defines the service.
        edits: Gets the edit.
        reads_env: Whether Compose reads ``.env``, and not files that the user names in its place.

    Raises:
        EditRefused: The value is nowhere in the project where it could be changed with proof; the hint
            has the line to write.
    """
    _Address(change, service, project, override, reads_env).add_to(edits)


def is_in_compose_file(change: AddressChange, service: Service, project: Project) -> bool:
    """Whether a compose file itself holds the value, be it in a place that cannot be edited."""
    address = _Address(change, service, project, None, reads_env=False)
    here = next((v for v in reversed(service.environment()) if v.name == change.variable), None)
    return here is not None and address.rewritten(here) is not None


@dataclass(frozen=True, slots=True)
class _Address:
    change: AddressChange
    service: Service
    project: Project
    override: Path | None
    reads_env: bool

    @property
    def wanted(self) -> str:
        return self.change.swapped(self.change.value)

    def add_to(self, edits: Edits) -> None:
        name = self.change.variable
        here = next((v for v in reversed(self.service.environment()) if v.name == name), None)
        if self.override is not None and (here is None or here.definition.file != self.override):
            into = Destination.override(self.service, self.override)
            edits.add(into.file, set_variables(self.service, {name: self.wanted}, into))
        elif here is None and name not in self.service.container_variables(self.project.read):
            # Its image sets it, and the environment wins over that.
            into = Destination.main(self.service, "environment")
            edits.add(into.file, set_variables(self.service, {name: self.wanted}, into))
        elif here is None:
            self.in_file(self.service.env_files(), name, edits)
        elif intents := self.in_place(here):
            edits.add(here.definition.file, intents)
        else:
            written = self.written(here)
            names = [name] if written is None else _NAME.findall(written)
            for used in dict.fromkeys(names):
                if self.of_variable(used, written, edits):
                    return
            raise self.refusal(here.definition.document.name, here.line)

    def written(self, here: Variable) -> str | None:
        """The value as the compose file has it; ``None`` where it is taken over."""
        if here.item is not None:
            _, assigned, value = here.item.partition("=")
            return value if assigned else None
        found = here.definition.query("environment", here.name)
        return found.written if found is not None else None

    def rewritten(self, here: Variable) -> str | None:
        """What the compose file would say; ``None`` where the part that changes is not written there."""
        written = self.written(here)
        new = self.change.swapped(written) if written is not None else None
        if new is None or new == written:
            return None
        return new if interpolate(new, here.definition.variables) == self.wanted else None

    def in_place(self, here: Variable) -> list[Intent]:
        """The edit of the compose file, where the part that changes is written there."""
        new, definition = self.rewritten(here), here.definition
        if new is None or not definition.editable or not definition.writes("environment"):
            return []
        return change_variable(self.service, here, new)

    def of_variable(self, used: str, written: str | None, edits: Edits) -> bool:
        """The edit of ``.env``, where the value comes from there and nothing wins over it."""
        observation = self.project.observation
        if used in observation.given or not self.reads_env:
            return False
        old = observation.variables.get(used, "")
        new = self.change.swapped(old)
        known = {**observation.variables, used: new}
        made = new if written is None else interpolate(written, known)
        return made == self.wanted and any(
            self.value_in(path, used, old, new, edits) for path in self.env_files()
        )

    def env_files(self) -> Iterator[Path]:
        """The environment files of Compose that were read, the one that wins first."""
        directories = [self.project.directory]
        directories += [path.parent for path in self.project.observation.compose_files[:1]]
        for directory in dict.fromkeys(directories):
            if self.project.read(directory / ENV_FILE) is not None:
                yield directory / ENV_FILE

    def in_file(self, paths: list[Path], name: str, edits: Edits) -> None:
        for path in reversed(paths):
            if self.value_in(path, name, self.change.value, self.wanted, edits):
                return
        raise self.refusal(self.project.relative(paths[-1]) if paths else None, None)

    def value_in(self, path: Path, name: str, old: str, new: str, edits: Edits) -> bool:
        """Add the edit of an environment file, where it gives the variable that value."""
        content = self.project.read(path)
        if content is None or not path.is_relative_to(self.project.directory):
            return False
        try:
            text, _ = decode(content)
        except UnicodeDecodeError:
            return False
        place = dotenv.assignment(text, name)
        known = self.service.variables
        before = dotenv.parse(text, known)
        if place is None or before.get(name) != old:
            return False
        at = place.value.find(self.change.old)
        if at < 0:
            return False
        # No more than what changes: the rest may hold a password, and is recorded nowhere.
        splice = Splice(place.start + at, self.change.old, self.change.new)
        after = f"{text[: splice.start]}{splice.new}{text[splice.end :]}"
        if dotenv.parse(after, known) != {**before, name: new}:
            return False
        edits.add_value(path, name, splice)
        return True

    def refusal(self, path: str | None, line: int | None) -> EditRefused:
        name = self.change.variable
        return EditRefused(
            f"the place where {name} gets its value cannot be edited safely",
            hint=f"{name}={self.wanted}",
            path=path,
            line=line,
        )
