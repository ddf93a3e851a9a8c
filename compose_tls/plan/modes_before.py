"""Which Milvus spoke TLS before compose-tls had anything to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from compose_tls.config import TlsConfig
from compose_tls.project.declared_tls import declared_tls
from compose_tls.project.model import Project
from compose_tls.vocabulary import TlsMode

_MODES: Final[dict[TlsMode, Literal[1, 2]]] = {TlsMode.ONE_WAY: 1, TlsMode.MUTUAL: 2}


def modes_before(
    project: Project, config: TlsConfig, services: Sequence[str]
) -> dict[str, Literal[1, 2]]:
    """The modes of services that show certificates of others.

    Where they show what lies in the TLS directory, the record of an earlier enable is lost, or the user
    brings what is there.

    Args:
        project: The project without what an earlier enable put in.
        config: The settings; they say where the TLS directory is.
        services: The services that get TLS.
    """
    ours = project.directory / config.served_dir
    return {
        one.name: _MODES[one.mode]
        for one in declared_tls(project, services)
        if one.mode in _MODES
        and not any(file.path is not None and file.path.parent == ours for file in one.files)
    }
