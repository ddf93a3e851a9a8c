"""What a service mounts: volumes in short and long syntax, configs and secrets.

Sources: https://docs.docker.com/reference/compose-file/services/#volumes, …/#configs and …/#secrets
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from compose_tls.compose.definition import Definition
from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.yamlpatch.query import Found, roots

_MARK = regex(r"\$\{|[}:]")
_WINDOWS_DRIVE = regex(r"[A-Za-z]:[\\/]")
# YAML 1.1 has more words for it than go-yaml; Compose takes these, with a warning.
_TRUE = frozenset({"true", "yes", "y", "on"})


@dataclass(frozen=True, slots=True)
class Mount:
    """One volume entry.

    Attributes:
        target: The absolute path in the container, without a trailing slash.
        source: The source as written in the file, or ``None`` for an anonymous volume.
        host_path: Where a bind mount's source is on the host; ``None`` for other volumes.
        options: The options of the short syntax (``ro``, ``z`` …).
        long: Whether it is written in long syntax.
        file: The compose file with the entry.
        line: Its line, counted from 1.
    """

    target: str
    source: str | None
    host_path: Path | None
    options: tuple[str, ...]
    long: bool
    file: Path
    line: int


def mounts_of(definition: Definition, volumes: Found) -> Iterator[Mount]:
    """The entries of a service's ``volumes``."""
    for item in volumes.items():
        if (text := item.text()) is not None:
            yield _short_mount(item, text, definition)
        elif (target := item.text("target")) is not None:
            yield _long_mount(item, target, definition)


def config_mounts_of(
    definition: Definition,
    entries: Found,
    definitions: Iterable[Definition],
    kind: Literal["configs", "secrets"] = "configs",
) -> Iterator[Mount]:
    """The entries of a service's ``configs`` or ``secrets``, as the mounts that they become.

    Args:
        definition: The place with the entries.
        entries: The entries.
        definitions: The places whose files may say what a config or secret is.
        kind: Which of the two they are: a secret is in a directory of its own.
    """
    root = "/" if kind == "configs" else "/run/secrets"
    for item in entries.items():
        source = item.text("source") or item.text()
        if source is not None:
            target = posixpath.join(root, normal_target(item.text("target") or source))
            host = _file_of(kind, source, definitions)
            yield Mount(target, source, host, ("ro",), True, definition.file, item.line)


def config_texts_of(configs: Found, definitions: Iterable[Definition]) -> Iterator[tuple[str, str]]:
    """The entries of a service's ``configs`` whose content is in the compose file itself.

    Args:
        configs: The entries.
        definitions: The places whose files may say what a config is.

    Returns:
        Each with its name: https://docs.docker.com/reference/compose-file/configs/
    """
    for item in configs.items():
        name = item.text("source") or item.text()
        for definition in definitions if name is not None else ():
            for root in roots(definition.document, definition.service.expand):
                if name is not None and (text := root.text("configs", name, "content")):
                    yield name, text


def externals_of(
    entries: Found, definitions: Iterable[Definition], kind: Literal["configs", "secrets"]
) -> Iterator[str]:
    """The configs or secrets of a service that are made elsewhere, which only Swarm has."""
    for item in entries.items():
        name = item.text("source") or item.text()
        for definition in definitions if name is not None else ():
            for root in roots(definition.document, definition.service.expand):
                said = root.text(kind, name, "external") if name is not None else None
                if name is not None and (said or "").lower() in _TRUE:
                    yield name


def split_short(entry: str) -> tuple[str | None, str, tuple[str, ...]]:
    """Source, target and options of a short entry."""
    first, *others = _split(entry)
    if not others:
        return None, first, ()
    return first, others[0], tuple(option for part in others[1:2] for option in part.split(","))


def is_path(source: str) -> bool:
    """Whether the source of a short entry is a host path rather than a named volume."""
    return source.startswith((".", "/", "~")) or bool(_WINDOWS_DRIVE.match(source))


def normal_target(target: str) -> str:
    """A container path in its shortest form."""
    # normpath keeps two leading slashes, which POSIX sets apart and containers do not.
    return posixpath.normpath(re.sub("^//+", "/", target))


def _split(entry: str) -> list[str]:
    """Split at the colons that separate: not inside ``${…}``, not after a Windows drive letter."""
    parts: list[str] = []
    start = depth = 0
    for found in _MARK.finditer(entry):
        if found.group() == "${":
            depth += 1
        elif found.group() == "}":
            depth = max(0, depth - 1)
        elif depth == 0 and not (found.start() == start + 1 and _WINDOWS_DRIVE.match(entry, start)):
            parts.append(entry[start : found.start()])
            start = found.end()
    return [*parts, entry[start:]]


def _short_mount(item: Found, text: str, definition: Definition) -> Mount:
    # Compose interpolates first: one variable may stand for "source:target".
    source, target, options = split_short(text)
    written = split_short(item.written or "")[0] or source
    host = _host_path(source, definition) if source and is_path(source) else None
    return Mount(normal_target(target), written, host, options, False, definition.file, item.line)


def _long_mount(item: Found, target: str, definition: Definition) -> Mount:
    source = item.query("source")
    host = _host_path(item.text("source"), definition) if item.text("type") == "bind" else None
    options = ["ro"] if (item.text("read_only") or "").lower() in _TRUE else []
    if label := item.text("bind", "selinux"):
        options.append(label)
    return Mount(
        normal_target(target),
        source.written if source else None,
        host,
        tuple(options),
        True,
        definition.file,
        item.line,
    )


def _host_path(source: str | None, definition: Definition) -> Path | None:
    if not source:
        return None
    if source.startswith("~"):
        source = definition.variables.get("HOME", "~") + source[1:]
    # As Compose does it: ".." goes up in the text, symbolic links are not followed.
    return Path(os.path.normpath(definition.base / source))


def _file_of(kind: str, name: str, definitions: Iterable[Definition]) -> Path | None:
    """The file behind a top-level config or secret; ``None`` for one that comes from elsewhere."""
    for definition in definitions:
        for root in roots(definition.document, definition.service.expand):
            if path := root.text(kind, name, "file"):
                return _host_path(path, definition)
    return None
