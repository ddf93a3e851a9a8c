"""Where an enabled project stands: what was recorded, its Milvus services, where clients reach them."""

from __future__ import annotations

from typing import Final

from compose_tls.compose.compose_project import ComposeProject
from compose_tls.config import TlsConfig
from compose_tls.errors import NotEnabled, ServiceNotFound
from compose_tls.project.declared_tls import declared_mode
from compose_tls.project.endpoints import carrier, endpoint, rest_port
from compose_tls.project.milvus_services import MilvusService, select, undecided
from compose_tls.project.model import Project, state_path
from compose_tls.project.renamed import recording, renamed
from compose_tls.results import Endpoint
from compose_tls.setup import Proxy
from compose_tls.shell import joined
from compose_tls.state.recorded import State
from compose_tls.values import dataclass

ANOTHER: Final = "for another project, name it with -C or its --pki-dir"


@dataclass(frozen=True, slots=True)
class EnabledProject:
    """An enabled project.

    Attributes:
        project: The project.
        state: What enable recorded.
        milvus: The services that end client TLS.
    """

    project: Project
    state: State
    milvus: tuple[MilvusService, ...]

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Where clients reach each of them."""
        return proxies_of(self.project.compose, self.milvus, self.state.settings)

    @property
    def endpoint(self) -> Endpoint | None:
        """Where clients reach the first that is published; ``None`` where the files do not tell."""
        return first_endpoint(self.proxies)

    @property
    def rest_endpoint(self) -> Endpoint | None:
        """Where REST is, on its own port; ``None`` where it is off, or the files do not tell."""
        return next(filter(None, map(self.rest_endpoint_of, self.proxies)), None)

    def rest_endpoint_of(self, proxy: Proxy) -> Endpoint | None:
        """The same for one of the services."""
        if proxy.rest_port is None:
            return None
        services = self.project.compose.services
        service = carrier(services[proxy.service], services)
        return endpoint(service, self.state.settings.server_name, proxy.rest_port)


def locate(project: Project, config: TlsConfig) -> EnabledProject:
    """Find the enabled services of a project.

    Args:
        project: The project as it is.
        config: The settings; services that they name are in for those that were enabled.

    Raises:
        NotEnabled: compose-tls has not been here.
        ProjectError: The project cannot be read.
    """
    if project.state is None:
        raise not_enabled(project, config)
    wanted = config.service or project.state.services
    try:
        milvus = select(project.compose, project.milvus, wanted)
    except ServiceNotFound as error:
        gone = [name for name in project.state.services if name not in project.compose.services]
        if gone:
            _tell_gone(error, project, project.state, gone[0])
        raise
    return EnabledProject(project, project.state, milvus)


def _tell_gone(error: ServiceNotFound, project: Project, state: State, name: str) -> None:
    """Say which service is not there any more, and the command that goes on with what is."""
    names = renamed(state, project.compose.services, project.directory)
    whole = [one.name for one in project.milvus if one.proxy]
    if name in names:
        error.message = f"enable turned on TLS for {name}, which is called {names[name]} now"
        command = joined(recording(project))
        error.hint = f"call it {name} again, or record the new name {names[name]}: {command}"
        return
    error.message = f"enable turned on TLS for {name}, and the project has no such service now"
    if len(whole) == 1:
        mode = ("--mode", str(state.settings.mode))
        command = joined(["compose-tls", "enable", *mode, "--service", *whole])
        error.hint = f"add it to the project again, or turn on TLS for {whole[0]}: {command}"
    else:
        error.hint = f"add it to the project again; or {error.hint}"


def proxies_of(
    project: ComposeProject, milvus: tuple[MilvusService, ...], settings: TlsConfig
) -> tuple[Proxy, ...]:
    """Where clients reach some services, by the files."""
    return tuple(
        Proxy(
            one.name,
            one.configuration.proxy_port,
            rest_port(one, settings),
            endpoint(
                carrier(one.service, project.services),
                settings.server_name,
                one.configuration.proxy_port,
            ),
        )
        for one in milvus
    )


def first_endpoint(proxies: tuple[Proxy, ...]) -> Endpoint | None:
    """Where clients reach the first that is published; ``None`` where none is."""
    return next((proxy.endpoint for proxy in proxies if proxy.endpoint), None)


def not_enabled(project: Project, config: TlsConfig) -> NotEnabled:
    """The error for a project without state."""
    name = project.relative(state_path(project.directory, config))
    # What was made by hand is not to become weaker.
    declared = int(declared_mode(project, ()))
    by = " by compose-tls" if declared else ""
    named = config.service or tuple(one.name for one in undecided(project.milvus))
    words = [word for service in named for word in ("--service", service)]
    enable = joined(["compose-tls", "enable", "--mode", str(max(1, declared)), *words])
    return NotEnabled(
        f"TLS is not enabled{by} in {project.directory}",
        hint=f"{enable}; {ANOTHER}"
        if project.milvus
        else f"no service of this project runs Milvus; {ANOTHER}",
        path=name,
    )
