"""Which container runs Milvus, and as what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compose_tls.milvus.version import MilvusVersion

_REPOSITORIES = frozenset({"milvus", "milvus-dev", "milvus-gpu"})
_RUN = re.compile(r"(?:^|[\s/;&|\"'])milvus\s+run\s+(?P<role>[A-Za-z]+)", re.IGNORECASE)
# Roles that end client TLS: "standalone" holds a proxy, "mixture" starts the roles it is told.
_WITH_PROXY = frozenset({"standalone", "proxy", "mixture", "embedded"})


def repository_and_tag(image: str) -> tuple[str, str]:
    """The last part of an image's repository, and its tag (empty without one)."""
    name = image.partition("@")[0].rpartition("/")[2]
    repository, _, tag = name.partition(":")
    return repository.lower(), tag


def runs_milvus(image: str | None, command: Sequence[str]) -> bool:
    """Whether a service runs Milvus: by the name of its image, else by its command."""
    if image and repository_and_tag(image)[0] in _REPOSITORIES:
        return True
    return _RUN.search(" ".join(command)) is not None


def ends_client_tls(command: Sequence[str]) -> bool:
    """Whether a Milvus service with this command accepts clients.

    An image started without a command is the standalone server.
    """
    match = _RUN.search(" ".join(command))
    return match is None or match["role"].lower() in _WITH_PROXY


def version(image: str | None) -> MilvusVersion | None:
    """The version that an image's tag names."""
    return MilvusVersion.of_tag(repository_and_tag(image)[1]) if image else None
