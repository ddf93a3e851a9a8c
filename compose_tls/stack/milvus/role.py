"""Which container runs Milvus, and as what."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compose_tls.patterns import regex
from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_TLS, MilvusVersion

_REPOSITORIES = frozenset({"milvus", "milvus-dev", "milvus-gpu"})
_RUN = regex(
    r"(?:^|[\s/;&|(\"'])milvus[\"']?\s+run\s+(?P<role>[a-z]+)(?P<flags>[^;&|]*)", re.IGNORECASE
)
_WITH_PROXY = frozenset({"standalone", "proxy", "embedded"})
# "mixture" starts the roles that its flags name.
_PROXY_FLAG = regex(r"--?proxy(?![-=\w])|--?proxy=(?:true|t|1)\b", re.IGNORECASE)


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
    if match is None:
        return True
    role = match["role"].lower()
    return role in _WITH_PROXY or (role == "mixture" and bool(_PROXY_FLAG.search(match["flags"])))


def is_component(command: Sequence[str]) -> bool:
    """Whether a Milvus service with this command is a part of a cluster, not a whole server."""
    match = _RUN.search(" ".join(command))
    return match is not None and match["role"].lower() not in {"standalone", "embedded"}


def is_coordinator(command: Sequence[str]) -> bool:
    """Whether a Milvus service with this command coordinates others, which find it when they start.

    Source: the order in which Milvus' own rolling update takes its parts, ``match_deploy`` of
    https://github.com/milvus-io/milvus/blob/4e26d626f880c44effa6e58605d934767731ffb1/deployments/upgrade/rollingUpdate.sh
    """
    match = _RUN.search(" ".join(command))
    return match is not None and match["role"].lower().endswith(("coord", "mixture"))


def certainly_runs_milvus(command: Sequence[str]) -> bool:
    """Whether it is plain that Milvus is what a container of a Milvus image runs.

    Some run a script of their own, or only copy a file out of the image.
    """
    return not command or runs_milvus(None, command)


def version(image: str | None) -> MilvusVersion | None:
    """The version of Milvus that an image's tag names; an image of one's own may count its own."""
    repository, tag = repository_and_tag(image or "")
    found = MilvusVersion.of_tag(tag)
    if repository in _REPOSITORIES or found is None:
        return found
    return found if "milvus" in repository and found >= FIRST_WITH_TLS else None
