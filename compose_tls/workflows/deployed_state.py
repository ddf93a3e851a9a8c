"""The state of some services in the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

if TYPE_CHECKING:
    from compose_tls.results import DeployedService


@dataclass(frozen=True, slots=True)
class DeployedState:
    """What is deployed.

    Attributes:
        services: Each service; none where no engine was asked.
        reason: Why none was.
        next: The one command after which they run these files, or are looked at where they are;
            ``None`` where they do.
        refused: What Compose finds wrong with the files, which it deploys nothing of; ``None`` where it
            takes them, or was not asked.
        places: Host and port where a running service is reached, by its name.
    """

    services: tuple[DeployedService, ...] = ()
    reason: str | None = None
    next: str | None = None
    refused: TlsWarning | None = None
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def current(self) -> bool | None:
        """Whether all of them run these files; ``None`` where no engine was asked."""
        return all(one.state == "current" for one in self.services) if self.services else None
