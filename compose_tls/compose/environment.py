"""The environment variables of a service.

Source: https://docs.docker.com/reference/compose-file/services/#environment
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from compose_tls.compose.definition import Definition
from compose_tls.values import dataclass
from compose_tls.yamlpatch.query import Found


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of a service, with the place that sets it.

    Attributes:
        value: ``None`` where it is taken over from the environment of Compose, which lacks it.
        item: The whole list item where the environment is a list.
    """

    name: str
    value: str | None
    definition: Definition = field(repr=False)
    line: int
    item: str | None = None


def variables_of(definition: Definition, environment: Found) -> Iterator[Variable]:
    """The variables in a service's ``environment``, a mapping or a list."""
    taken_over = definition.variables.get
    for name, found in environment.entries().items():
        value = taken_over(name) if found.is_null else found.text()
        yield Variable(name, value, definition, found.line)
    for item in environment.items():
        if (text := item.text()) is not None:
            name, assigned, value = text.partition("=")
            given = value if assigned else taken_over(name)
            yield Variable(name, given, definition, item.line, item.written)
