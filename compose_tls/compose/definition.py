"""One place that defines (a part of) a service."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadMapping
from dataclasses import field
from pathlib import Path
from typing import TypeAlias, TypedDict

from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.query import Found, Step

Reader: TypeAlias = Callable[[Path], bytes | None]
"""Gives the bytes of a file, or ``None`` when there is none."""

RESET = "!reset"
OVERRIDE = "!override"


class PlaceInFile(TypedDict):
    """A place in a compose file: arguments of an error or a warning."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that defines (a part of) a service.

    Attributes:
        file: The compose file.
        base: The directory that relative paths in it are relative to.
        service: The mapping of the service in that file; texts in it are interpolated.
        variables: What Compose interpolates that file with.
        editable: Whether the place belongs to the project and to this service only.
    """

    file: Path
    base: Path
    service: Found = field(repr=False)
    variables: ReadMapping[str, str] = field(repr=False)
    editable: bool = True

    @property
    def document(self) -> Document:
        """The document of the file."""
        return self.service.document

    def query(self, *route: Step) -> Found | None:
        """What it says there, merge keys followed; what is null or reset is not there."""
        found = self.service
        for step in route:
            value = found.query(step)
            if value is None or value.is_null or value.tag == RESET:
                return None
            found = value
        return found

    def line(self, *route: Step) -> int:
        """The line of a place, or of the service itself where it is not there; counted from 1."""
        return (self.query(*route) or self.service).line

    def place(self, *route: Step) -> PlaceInFile:
        """The same with the file, as an error names it."""
        return PlaceInFile(path=self.document.name, line=self.line(*route))

    def replaces(self, name: str) -> bool:
        """Whether a field here drops what earlier files say, instead of being merged with it.

        Source: https://docs.docker.com/reference/compose-file/merge/#reset-value
        """
        found = self.service.query(name)
        return found is not None and found.tag in {RESET, OVERRIDE}

    def writes(self, name: str) -> bool:
        """Whether a field stands here itself, not in what a merge key brings in."""
        return self.service.query(name, merged=False) is not None
