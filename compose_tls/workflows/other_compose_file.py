"""Where Milvus may be instead, if the files that Compose reads run none: next to them."""

from __future__ import annotations

import os
from typing import Final

from compose_tls.compose.discovery import DEFAULT_FILES, OVERRIDE_FILES, named_files
from compose_tls.errors import ComposeFileNotFound, ComposeTlsError, ProjectError, ServiceNotFound
from compose_tls.observe.file_reader import FileReader
from compose_tls.patterns import regex
from compose_tls.project.milvus_services import NAME_IT
from compose_tls.shell import typed
from compose_tls.workflows.preamble import Opened

_IMAGE: Final = regex(rb"(?m)^\s+image:\s*['\"]?([^\s'\"#]+)")
_MOST: Final = 100
"""More files than a project has: what else there is, is not looked through."""


def other_file(opened: Opened, error: ComposeTlsError) -> str | None:
    """The next step where a file that Compose does not read has an image of Milvus.

    Args:
        opened: The project.
        error: Why the command stopped.
    """
    if isinstance(error, ComposeFileNotFound):
        wanted = error.path == str(opened.root) and "\n" not in error.hint
    else:
        wanted = isinstance(error, ServiceNotFound) and error.hint == NAME_IT
    name = _first(opened) if wanted else None
    if name is None:
        return None
    option = f"-f {typed(os.path.relpath(opened.root / name, opened.start))}"
    if named_files(opened.config.file, opened.completed):
        return f"{name} has an image of Milvus: give {option} instead"
    return f"{name} has an image of Milvus: compose-tls enable … {option}"


def _first(opened: Opened) -> str | None:
    from compose_tls.stack.milvus.role import runs_milvus  # noqa: PLC0415 - only for this error

    known = {*DEFAULT_FILES, *OVERRIDE_FILES, *map(os.path.basename, opened.config.file)}
    reader = FileReader(opened.root)
    for path in sorted(opened.root.glob("*.y*ml"))[:_MOST]:
        try:
            content = reader.content(path) if path.name not in known else None
        except ProjectError:
            continue
        images = (one[1].decode("utf-8", "replace") for one in _IMAGE.finditer(content or b""))
        if any(runs_milvus(image, ()) for image in images):
            return path.name
    return None
