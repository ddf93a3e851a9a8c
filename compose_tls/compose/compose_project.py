"""A Compose project: its files merged into services, as far as compose-tls has to understand them.

Sources: https://docs.docker.com/reference/compose-file/merge/, …/include/, and …/services/#extends
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sized
from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence as ReadSequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final

from compose_tls.changes import relative
from compose_tls.compose import dotenv
from compose_tls.compose.definition import OVERRIDE, RESET, Definition, Reader
from compose_tls.compose.discovery import ENV_FILE, REMOTE
from compose_tls.compose.interpolate import interpolate, require_short
from compose_tls.compose.service import Service
from compose_tls.errors import ComposeFileNotFound, NotAComposeFile
from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import Found, roots


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a file includes or extends that no directory holds: it is not fetched, and not seen."""

    file: Path
    line: int
    place: str


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """The services of a project, in the order of the files; and what of it lies elsewhere."""

    directory: Path
    services: ReadMapping[str, Service]
    elsewhere: tuple[Elsewhere, ...]

    def without(self, files: Collection[Path]) -> ComposeProject:
        """The same without services of which only some files speak: they have no image."""
        services = {
            name: one
            for name, one in self.services.items()
            if not all(definition.file in files for definition in one.definitions)
        }
        return replace(self, services=services)


def load_project(
    directory: Path,
    files: ReadSequence[Path],
    read: Reader,
    variables: ReadMapping[str, str],
    base: Path | None = None,
) -> ComposeProject:
    """Read a project.

    Args:
        directory: The project directory, absolute.
        files: The compose files in merge order.
        read: Gives the bytes of a file, or ``None`` when there is none.
        variables: What Compose interpolates with.
        base: The directory that relative paths are relative to; that of the first file by default.

    Raises:
        ComposeFileNotFound: A file that the project names does not exist.
        NotAComposeFile: A file holds no ``services``.
        YamlSyntax: A file cannot be parsed.
    """
    loader = _Loader(directory, read)
    base = base or files[0].parent
    for path in files:
        loader.load(_File(path, base, variables), ())
    if not loader.definitions:
        places = ", ".join(one.place for one in loader.elsewhere)
        hint = "name the Compose file with -f (a milvus.yaml is not one)"
        raise NotAComposeFile(
            f"{relative(files[0], directory)} defines no services"
            + (f" but those of {places}, which is not fetched" if places else ""),
            hint=saving(places) if places else hint,
            path=relative(files[0], directory),
        )
    services = {name: Service(name, tuple(found)) for name, found in loader.definitions.items()}
    return ComposeProject(directory, services, tuple(loader.elsewhere))


# Compose has no limits of its own: these are some ten times what occurs. Each step is a call in a call.
_DEEPEST: Final = 64
_MOST_GROWN: Final = 32 << 20  # characters that variables have added, in all looks at a file
_MOST_LOADS: Final = 256


@dataclass(frozen=True, slots=True)
class _File:
    """A compose file to read: where its paths are relative to, and what it is interpolated with."""

    path: Path
    base: Path
    variables: ReadMapping[str, str] = field(repr=False)
    grown: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    def expand(self, text: str) -> str:
        """A text of the file, interpolated."""
        found = interpolate(text, self.variables)
        self.grown[0] += max(0, len(found) - len(text))
        if self.grown[0] > _MOST_GROWN:
            require_short(found + " " * _MOST_GROWN, _MOST_GROWN)
        return found

    def beside(self, name: str) -> Path:
        """A path in the file."""
        return Path(os.path.normpath(self.base / name))


_CREDENTIALS: Final = regex(r"//[^/@]*@")


def saving(place: str) -> str:
    """What to do for services that lie elsewhere to be seen."""
    return f"if Milvus or its clients are in it: get a copy of {place}, and include that instead"


class _Loader:
    def __init__(self, directory: Path, read: Reader) -> None:
        self.directory = directory
        self.read = read
        self.definitions: dict[str, list[Definition]] = {}
        self.elsewhere: dict[Elsewhere, None] = {}
        self.loads = 0
        self._roots: dict[tuple[Path, int], tuple[_File, list[Found]]] = {}

    def load(self, file: _File, above: tuple[Path, ...]) -> None:
        """Add the services of a file and of what it includes; ``above`` are the files including it."""
        inside = (*above, file.path)
        self._require_few(file.path, inside)
        self.loads += 1
        for root in self.roots(file):
            for included in self.included(root, file):
                if included.path not in inside:
                    self.load(included, inside)
            for name, service in root.entries("services").items():
                if service.tag in {RESET, OVERRIDE}:
                    self.definitions.pop(name, None)
                if service.is_mapping and service.tag != RESET:
                    own = Definition(file.path, file.base, service, file.variables)
                    extended = self.extended(own, {(file.path, name)})
                    self.definitions.setdefault(name, []).extend([*extended, own])

    def _require_few(self, path: Path, above: Sized) -> None:
        """Make sure that files do not include, and services not extend, one another without end.

        Raises:
            NotAComposeFile: They do.
        """
        if len(above) > _DEEPEST or self.loads > _MOST_LOADS:
            name = relative(path, self.directory)
            what = f"more than {_DEEPEST} deep" if len(above) > _DEEPEST else "too often"
            raise NotAComposeFile(
                f"{name} is included or extended {what}",
                hint="shorten the chain of include or extends",
                path=name,
            )

    def roots(self, file: _File) -> list[Found]:
        """The documents of a file, read once for the same variables."""
        key = (file.path, id(file.variables))
        if key not in self._roots:
            self._roots[key] = (file, self._read(file))
        return self._roots[key][1]

    def _read(self, file: _File) -> list[Found]:
        content = self.read(file.path)
        name = relative(file.path, self.directory)
        if content is None:
            raise ComposeFileNotFound(
                f"there is no compose file {name}",
                hint="the project refers to it: restore it or remove the reference",
                path=name,
            )
        return roots(parse(content, name), file.expand)

    def included(self, root: Found, file: _File) -> Iterator[_File]:
        """The files that a root includes: projects of their own, each with its own .env."""
        for item in root.items("include"):
            named = item.query("path") or item
            paths = [file.beside(text) for text in self.here(named, file.path)]
            if not paths:
                continue
            own = [file.beside(place) for place in item.texts("project_directory")]
            base = own[0] if own else paths[0].parent
            env_files = [file.beside(path) for path in item.texts("env_file")]
            added: dict[str, str] = {}
            for path in env_files or [base / ENV_FILE]:
                text = (self.read(path) or b"").decode("utf-8", "replace")
                added |= dotenv.parse(text, {**added, **file.variables})
            for path in paths:
                yield _File(path, base, {**added, **file.variables})

    def here(self, named: Found, file: Path) -> list[str]:
        """The paths among those that a file names; what lies elsewhere is kept in mind."""
        paths = []
        for one in named.items() if named.is_list else [named]:
            text = one.text() or ""
            if REMOTE.search(text):
                place = _CREDENTIALS.sub("//", one.written or "")
                self.elsewhere[Elsewhere(file, one.line, place)] = None
            elif text:
                paths.append(text)
        return paths

    def extended(self, own: Definition, above: set[tuple[Path, str]]) -> list[Definition]:
        """The definitions that a service extends, the most basic one first.

        They belong to another service or project: they are read, never edited.
        """
        extends = own.query("extends")
        if extends is None:
            return []
        self._require_few(own.file, above)
        names, named = extends.texts("service") or extends.texts(), extends.query("file")
        files = self.here(named, own.file) if named else []
        if not names or (named and not files):
            return []
        file = _File(own.file, own.base, own.variables)
        if files:
            path = file.beside(files[0])
            file = _File(path, path.parent, own.variables)
        for root in self.roots(file):
            target = root.query("services", names[0])
            if target is not None and target.is_mapping and (file.path, names[0]) not in above:
                base = Definition(file.path, file.base, target, file.variables, editable=False)
                return [*self.extended(base, {*above, (file.path, names[0])}), base]
        return []
