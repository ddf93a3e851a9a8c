"""Where an enabled project stands: its state, its Milvus service, and where clients reach it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject, load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import NotEnabled
from compose_tls.observation import Observation
from compose_tls.project.endpoints import endpoint, proxy_port
from compose_tls.project.milvus_services import MilvusService, select
from compose_tls.project.placement import place
from compose_tls.results import Endpoint
from compose_tls.state.recorded import STATE_FILE, State, read_state


@dataclass(frozen=True, slots=True)
class Located:
    """An enabled project.

    Attributes:
        state: What enable did.
        milvus: The service that ends client TLS.
        proxy_port: The port of the proxy inside the container.
        endpoint: Where clients reach it; ``None`` where the file does not tell.
    """

    state: State
    milvus: MilvusService
    proxy_port: int
    endpoint: Endpoint | None

    @property
    def rest_endpoint(self) -> Endpoint | None:
        """Where REST is, on its own port; ``None`` where it is off, or the file does not tell."""
        if self.state.rest_port is None:
            return None
        return endpoint(self.milvus.service, self.state.server_name, self.state.rest_port)


def state_of(observation: Observation, config: TlsConfig) -> State | None:
    """The state of a project; ``None`` when compose-tls has not been here.

    Raises:
        StateUnreadable: state.json is damaged.
    """
    path = observation.directory / config.pki_dir / STATE_FILE
    return read_state(observation.content(path), relative(path, observation.directory))


def locate(observation: Observation, config: TlsConfig) -> Located:
    """Find the enabled service of a project.

    Raises:
        NotEnabled: compose-tls has not been here.
        ProjectError: The project cannot be understood.
    """
    state = state_of(observation, config)
    if state is None:
        raise not_enabled(observation, config)
    milvus = select(project_of(observation), (config.service or state.services)[0])
    placement = place(milvus, config, observation.directory, observation.content)
    proxy = proxy_port(milvus, placement, observation.content)
    return Located(state, milvus, proxy, endpoint(milvus.service, state.server_name, proxy))


def project_of(observation: Observation) -> ComposeProject:
    """The Compose project as it is on disk, our own edits included.

    Raises:
        ProjectError: It cannot be understood.
    """
    return load_project(
        observation.directory,
        observation.compose_files,
        observation.content,
        observation.variables,
    )


def not_enabled(observation: Observation, config: TlsConfig) -> NotEnabled:
    """The error for a project without state."""
    path: Path = observation.directory / config.pki_dir / STATE_FILE
    name = relative(path, observation.directory)
    return NotEnabled(
        f"compose-tls has not enabled TLS here: there is no {name}",
        hint="run compose-tls enable first, or name the right place with -C and --pki-dir",
        path=name,
    )
