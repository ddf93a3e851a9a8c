"""What a service mounts: volumes in short and long syntax, and configs.

Sources: https://docs.docker.com/reference/compose-file/services/#volumes and …/#configs
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from compose_tls.compose.definition import Definition, items
from compose_tls.compose.interpolate import interpolate
from compose_tls.yamlpatch.document import Mapping, Node, Scalar, resolve
from compose_tls.yamlpatch.merge_keys import fields

_WINDOWS_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
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


def mounts_of(definition: Definition, volumes: Node) -> Iterator[Mount]:
    """The entries of a service's ``volumes``."""
    for item in items(volumes):
        if isinstance(item, Scalar):
            yield _short_mount(item, definition)
        elif isinstance(item, Mapping):
            yield from _long_mount(item, definition)


def config_mounts_of(
    definition: Definition, configs: Node, definitions: Iterable[Definition]
) -> Iterator[Mount]:
    """The entries of a service's ``configs``, as the mounts that they become.

    Args:
        definition: The place with the entries.
        configs: The entries.
        definitions: The places whose files may say what a config is.
    """
    for item in items(configs):
        entry = definition.texts(item) if isinstance(item, Mapping) else {}
        source = entry.get("source") or definition.text(item)
        if source is not None:
            target = normal_target(entry.get("target") or source)
            host = _config_file(source, definitions)
            line = definition.line(item)
            yield Mount(
                f"/{target.lstrip('/')}", source, host, ("ro",), True, definition.file, line
            )


def split_short(entry: str) -> tuple[str | None, str, tuple[str, ...]]:
    """Source, target and options of a short entry."""
    parts = _split(entry)
    if len(parts) == 1:
        return None, parts[0], ()
    options = tuple(parts[2].split(",")) if len(parts) > 2 else ()  # noqa: PLR2004 - source:target:options
    return parts[0], parts[1], options


def is_path(source: str) -> bool:
    """Whether the source of a short entry is a host path rather than a named volume."""
    return source.startswith((".", "/", "~")) or bool(_WINDOWS_DRIVE.match(source))


def normal_target(target: str) -> str:
    """A container path in its shortest form."""
    # normpath keeps two leading slashes, which POSIX sets apart and containers do not.
    return posixpath.normpath(re.sub("^//+", "/", target))


def _split(entry: str) -> list[str]:
    """Split at the colons that separate: not inside ``${…}``, not after a Windows drive letter."""
    parts = [""]
    depth = 0
    for index, character in enumerate(entry):
        if entry.startswith("${", index):
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        drive = len(parts[-1]) == 1 and _WINDOWS_DRIVE.match(entry, index - 1)
        if character == ":" and depth == 0 and not drive:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _short_mount(item: Scalar, definition: Definition) -> Mount:
    # Compose interpolates first: one variable may stand for "source:target".
    source, target, options = split_short(interpolate(item.value, definition.variables))
    written = split_short(item.value)[0] or source
    host = _host_path(source, definition) if source and is_path(source) else None
    line = definition.line(item)
    return Mount(normal_target(target), written, host, options, False, definition.file, line)


def _long_mount(item: Mapping, definition: Definition) -> Iterator[Mount]:
    entry = definition.texts(item)
    if "target" not in entry:
        return
    written = fields(item).get("source")
    source = resolve(written) if written else None
    host = _host_path(entry.get("source"), definition) if entry.get("type") == "bind" else None
    options = ["ro"] if entry.get("read_only", "").lower() in _TRUE else []
    node = fields(item).get("bind")
    bind = resolve(node) if node else None
    if isinstance(bind, Mapping) and (label := definition.texts(bind).get("selinux")):
        options.append(label)
    yield Mount(
        normal_target(entry["target"]),
        source.value if isinstance(source, Scalar) else None,
        host,
        tuple(options),
        True,
        definition.file,
        definition.line(item),
    )


def _host_path(source: str | None, definition: Definition) -> Path | None:
    if not source:
        return None
    if source.startswith("~"):
        source = definition.variables.get("HOME", "~") + source[1:]
    # As Compose does it: ".." goes up in the text, symbolic links are left alone.
    return Path(os.path.normpath(definition.base / source))


def _config_file(name: str, definitions: Iterable[Definition]) -> Path | None:
    """The file behind a top-level config; ``None`` for one that comes from elsewhere."""
    for definition in definitions:
        for root in definition.document.roots:
            node: Node | None = root
            for key in ("configs", name, "file"):
                mapping = resolve(node) if node else None
                node = fields(mapping).get(key) if isinstance(mapping, Mapping) else None
            if path := definition.text(node):
                return _host_path(path, definition)
    return None
