"""A Compose project: its files merged into services, as far as compose-tls has to understand them.

Sources: https://docs.docker.com/reference/compose-file/merge/, …/include/, and …/services/#extends
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence as ReadSequence
from dataclasses import dataclass
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose.interpolate import interpolate
from compose_tls.compose.service import Definition, Service
from compose_tls.errors import ComposeFileNotFound, NotAComposeFile
from compose_tls.yamlpatch.document import (
    Document,
    Mapping,
    Node,
    Scalar,
    Sequence,
    parse,
    resolve,
)
from compose_tls.yamlpatch.merge import fields

_MAX_NESTING = 20
"""Of include and extends: deeper is a cycle."""

Reader = Callable[[Path], bytes | None]


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """The services of a project, in the order of the files."""

    directory: Path
    services: ReadMapping[str, Service]


def load_project(
    directory: Path,
    files: ReadSequence[Path],
    read: Reader,
    variables: ReadMapping[str, str],
) -> ComposeProject:
    """Read a project.

    Args:
        directory: The project directory, absolute.
        files: The compose files in merge order.
        read: Gives the bytes of a file, or ``None`` when there is none.
        variables: What Compose interpolates with.

    Raises:
        ComposeFileNotFound: A file that the project names does not exist.
        NotAComposeFile: A file holds no ``services``.
        YamlSyntax: A file cannot be parsed.
    """
    loader = _Loader(directory, read, variables)
    base = files[0].parent
    for file in files:
        loader.load(file, base, nesting=0)
    if not loader.definitions:
        raise NotAComposeFile(
            f"{relative(files[0], directory)} defines no services",
            hint="name the Compose file with -f (a milvus.yaml is not one)",
            path=relative(files[0], directory),
        )
    services = {
        name: Service(name, tuple(found), variables) for name, found in loader.definitions.items()
    }
    return ComposeProject(directory, services)


class _Loader:
    def __init__(self, directory: Path, read: Reader, variables: ReadMapping[str, str]) -> None:
        self.directory = directory
        self.read = read
        self.variables = variables
        self.definitions: dict[str, list[Definition]] = {}

    def load(self, file: Path, base: Path, nesting: int) -> None:
        """Add the services of a file and of what it includes."""
        document = self.document(file)
        for root in map(resolve, document.roots):
            if not isinstance(root, Mapping):
                continue
            for path, directory in self.included(root, base):
                if nesting < _MAX_NESTING:
                    self.load(path, directory, nesting + 1)
            services = self.services(root)
            for name, node in services.items():
                own = Definition(file, base, document, node)
                extended = self.extended(own, nesting)
                self.definitions.setdefault(name, []).extend([*extended, own])

    def document(self, file: Path) -> Document:
        content = self.read(file)
        name = relative(file, self.directory)
        if content is None:
            raise ComposeFileNotFound(
                f"there is no compose file {name}",
                hint="the project refers to it: restore it or take the reference out",
                path=name,
            )
        return parse(content, name)

    def services(self, root: Mapping) -> dict[str, Mapping]:
        node = fields(root).get("services")
        services = resolve(node) if node else None
        if not isinstance(services, Mapping):
            return {}
        found = {name: resolve(value) for name, value in fields(services).items()}
        return {name: value for name, value in found.items() if isinstance(value, Mapping)}

    def included(self, root: Mapping, base: Path) -> list[tuple[Path, Path]]:
        """The files that a root includes, each with the directory its paths are relative to."""
        node = fields(root).get("include")
        include = resolve(node) if node else None
        found: list[tuple[Path, Path]] = []
        for item in map(resolve, include.items if isinstance(include, Sequence) else []):
            if isinstance(item, Mapping):
                entry = fields(item)
                paths = self.texts(entry.get("path"))
                directory = self.texts(entry.get("project_directory"))
            else:
                paths, directory = self.texts(item), []
            if paths:
                first = base / paths[0]
                own = base / directory[0] if directory else first.parent
                found += [(base / path, own) for path in paths]
        return found

    def extended(self, own: Definition, nesting: int) -> list[Definition]:
        """The definitions that a service extends, the most basic one first.

        They belong to another service or project: they are read, never edited.
        """
        node = own.field("extends")
        if node is None or nesting >= _MAX_NESTING:
            return []
        entry = fields(node) if isinstance(node, Mapping) else {"service": node}
        names, files = self.texts(entry.get("service")), self.texts(entry.get("file"))
        if not names:
            return []
        file = own.base / files[0] if files else own.file
        base = file.parent if files else own.base
        document = self.document(file)
        for root in map(resolve, document.roots):
            services = self.services(root) if isinstance(root, Mapping) else {}
            if names[0] in services:
                target = Definition(file, base, document, services[names[0]], editable=False)
                return [*self.extended(target, nesting + 1), target]
        return []

    def texts(self, node: Node | None) -> list[str]:
        value = resolve(node) if node else None
        items = value.items if isinstance(value, Sequence) else [value] if value else []
        return [
            interpolate(item.value, self.variables)
            for item in map(resolve, items)
            if isinstance(item, Scalar)
        ]
