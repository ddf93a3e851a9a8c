"""One place that defines (a part of) a service."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass, field
from pathlib import Path

from compose_tls.compose.interpolate import interpolate
from compose_tls.yamlpatch.document import Document, Mapping, Node, Scalar, Sequence, resolve
from compose_tls.yamlpatch.merge_keys import fields

RESET = "!reset"
OVERRIDE = "!override"


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that defines (a part of) a service.

    Attributes:
        file: The compose file.
        base: The directory that relative paths in it are relative to.
        node: The mapping of the service in that file.
        variables: What Compose interpolates that file with.
        editable: Whether the place belongs to the project and to this service alone.
    """

    file: Path
    base: Path
    document: Document = field(repr=False)
    node: Mapping = field(repr=False)
    variables: ReadMapping[str, str] = field(repr=False)
    editable: bool = True

    def field(self, name: str) -> Node | None:
        """A field of the service here, merge keys followed; what is null or reset is not there."""
        node = fields(self.node).get(name)
        if node is None:
            return None
        value = resolve(node)
        absent = value.tag == RESET or (isinstance(value, Scalar) and value.is_null)
        return None if absent else value

    def replaces(self, name: str) -> bool:
        """Whether a field here drops what earlier files say, instead of being merged with it.

        Source: https://docs.docker.com/reference/compose-file/merge/#reset-value
        """
        node = fields(self.node).get(name)
        return node is not None and resolve(node).tag in {RESET, OVERRIDE}

    def line(self, node: Node | None = None) -> int:
        """The line of a node, or of the service itself, counted from 1."""
        return self.document.line((node or self.node).start)

    def text(self, node: Node | None) -> str | None:
        """A scalar, interpolated; ``None`` for anything else."""
        value = resolve(node) if node else None
        return interpolate(value.value, self.variables) if isinstance(value, Scalar) else None

    def texts(self, node: Mapping) -> dict[str, str]:
        """The scalars of a mapping, interpolated."""
        found = {name: self.text(value) for name, value in fields(node).items()}
        return {name: text for name, text in found.items() if text is not None}


def items(node: Node | None) -> Iterator[Scalar | Sequence | Mapping]:
    """The items of a list, aliases followed; nothing where there is no list."""
    if isinstance(node, Sequence):
        yield from map(resolve, node.items)
