"""The environment variables of a service.

Source: https://docs.docker.com/reference/compose-file/services/#environment
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import field

from compose_tls.compose.definition import Definition
from compose_tls.compose.interpolate import interpolate
from compose_tls.values import dataclass
from compose_tls.yamlpatch.query import Found


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of a service, with the place that sets it.

    Attributes:
        value: ``None`` where it is taken over from the environment of Compose, which lacks it.
        written: The value as the file has it; ``None`` where it has only the name.
        item: The whole list item where the environment is a list.
    """

    name: str
    value: str | None
    definition: Definition = field(repr=False)
    line: int
    written: str | None
    item: str | None = None

    def without(self, names: Collection[str]) -> str | None:
        """Its value where these are not set in the environment of Compose."""
        rest = {n: value for n, value in self.definition.variables.items() if n not in names}
        return rest.get(self.name) if self.written is None else interpolate(self.written, rest)


def variables_of(definition: Definition, environment: Found) -> Iterator[Variable]:
    """The variables in a service's ``environment``, a mapping or a list."""
    taken_over = definition.variables.get
    for name, found in environment.entries().items():
        value = taken_over(name) if found.is_null else found.text()
        written = None if found.is_null else found.written
        yield Variable(name, value, definition, found.line, written)
    for item in environment.items():
        if (text := item.text()) is not None:
            name, assigned, value = text.partition("=")
            given = value if assigned else taken_over(name)
            written = (item.written or "").partition("=")[2] if assigned else None
            yield Variable(name, given, definition, item.line, written, item.written)
