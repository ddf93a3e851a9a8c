"""The environment variables of a service.

Source: https://docs.docker.com/reference/compose-file/services/#environment
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from compose_tls.compose.definition import Definition, items
from compose_tls.yamlpatch.document import Mapping, Node, Scalar, resolve
from compose_tls.yamlpatch.merge_keys import fields


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


def variables_of(definition: Definition, environment: Node) -> Iterator[Variable]:
    """The variables in a service's ``environment``, a mapping or a list."""
    if isinstance(environment, Mapping):
        for name, node in fields(environment).items():
            scalar = resolve(node)
            taken_over = isinstance(scalar, Scalar) and scalar.is_null
            value = definition.variables.get(name) if taken_over else definition.text(scalar)
            yield Variable(name, value, definition, definition.line(node))
        return
    for item in items(environment):
        if isinstance(item, Scalar):
            name, assigned, text = (definition.text(item) or "").partition("=")
            value = text if assigned else definition.variables.get(name)
            yield Variable(name, value, definition, definition.line(item), item.value)
