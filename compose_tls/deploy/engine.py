"""The Docker engine, through its API: what containers do, what they logged, which ports are taken."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from compose_tls.deploy import docker_host
from compose_tls.deploy.container import (
    ContainerFacts,
    ImageFacts,
    container_facts,
    image_facts,
    last_line,
    one_line,
)
from compose_tls.deploy.exec_output import read_all, seconds_of
from compose_tls.errors import EngineUnreachable
from compose_tls.files import real_path
from compose_tls.values import dataclass
from compose_tls.vocabulary import number

if TYPE_CHECKING:
    from docker import DockerClient

# That of Compose's labels: https://github.com/docker/compose/blob/main/pkg/api/labels.go
_T = TypeVar("_T")

LABEL = "com.docker.compose."

# A Go panic is followed by every goroutine's stack, more than 3000 lines in Milvus 2.3.5 (measured).
LOG_LINES = 5000


@dataclass(frozen=True, slots=True)
class Engine:
    """A connection to the local engine. Close it, or use it in ``with``."""

    endpoint: docker_host.DockerHost
    _client: DockerClient = field(repr=False)

    @classmethod
    def connect(
        cls, environment: Mapping[str, str], *, patience: int = docker_host.PATIENCE
    ) -> Self:
        """The engine that the Docker command line would use.

        Args:
            environment: The process environment: ``DOCKER_*``, ``HOME`` and ``PATH`` are read.
            patience: Seconds within which it has to answer the first question.

        Raises:
            EngineUnreachable: It is missing, not running, not permitted, or does not speak the API.
            EngineRemote: It is on another machine.
        """
        endpoint = docker_host.reach(environment, patience=patience)
        import docker
        from docker.constants import DEFAULT_TIMEOUT_SECONDS
        from docker.errors import DockerException

        try:
            client = docker.DockerClient(
                base_url=endpoint.url,
                tls=docker_host.tls_of(endpoint),
                timeout=patience,
            )
        except DockerException as error:
            raise _unreachable(endpoint, error) from None
        client.api.timeout = DEFAULT_TIMEOUT_SECONDS
        return cls(endpoint, client)

    def container(self, project: str, service: str) -> ContainerFacts | None:
        """The container of a service; with several, a running one, then the first.

        One in the network of another has the ports and addresses of that one.

        Args:
            project: The Compose project's name.
            service: The service's name.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        first = min(self._replicas(project, service), key=lambda one: not one.running, default=None)
        return None if first is None else self._with_network(first)

    def replicas(
        self, project: str, service: str, *, running: bool = True
    ) -> tuple[ContainerFacts, ...]:
        """The running containers of a service, each as ``container`` has it; or all of them.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        found = self._replicas(project, service)
        return tuple(self._with_network(one) for one in found if one.running or not running)

    def _replicas(self, project: str, service: str) -> list[ContainerFacts]:
        found = (
            attributes
            for attributes in self.containers(service)
            if attributes["Config"]["Labels"].get(f"{LABEL}project") == project
        )
        return [container_facts(attributes) for attributes in sorted(found, key=_number)]

    def _with_network(self, facts: ContainerFacts) -> ContainerFacts:
        if facts.network_owner is None:
            return facts
        owner = self._inspect(facts.network_owner)
        if owner is None:
            return facts
        there = container_facts(owner)
        ports, networks = there.ports, there.networks
        return replace(facts, ports=ports, networks=networks, host_network=there.host_network)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of the containers of a service, whatever their project is called.

        Args:
            service: The service's name.

        Returns:
            Its answers to ``GET /containers/{id}/json``.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        labels = [f"{LABEL}service={service}", f"{LABEL}oneoff=False"]
        with self._answers():
            listed = self._client.api.containers(all=True, filters={"label": labels})
        # Between listing and looking, a container that Compose replaces may go away.
        return [found for each in listed if (found := self._inspect(each["Id"]))]

    def runs(self, project: str, service: str, directory: Path) -> dict[str, bool]:
        """Whether the containers of a service run that were made from a directory, by id and start.

        Args:
            project: The Compose project's name.
            service: The service's name.
            directory: The project directory, a real path.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        return {
            f"{each['Id']} {each['State'].get('StartedAt') or ''}": each["State"]["Status"]
            == "running"
            for each in self._made_from(project, service, directory)
        }

    def discard(self, project: str, service: str, directory: Path) -> None:
        """Remove those that were made and never started: Compose was interrupted; arguments as above.

        Raises:
            EngineUnreachable: The engine stopped answering, or refuses.
        """
        for each in self._made_from(project, service, directory):
            if each["State"]["Status"] == "created":
                with self._answers():
                    self._client.api.remove_container(each["Id"])

    def _made_from(self, project: str, service: str, directory: Path) -> Iterator[dict[str, Any]]:
        for attributes in self.containers(service):
            labels = attributes["Config"]["Labels"]
            place = (labels.get(f"{LABEL}project.working_dir") or "/").replace("\0", "")
            if labels.get(f"{LABEL}project") == project and real_path(Path(place)) == directory:
                yield attributes

    def log_tail(
        self, container_id: str, lines: int = LOG_LINES, since: datetime | None = None
    ) -> list[str]:
        """The last lines that a container wrote, standard output and error; none when it is gone.

        Args:
            container_id: Its id.
            lines: How many at most.
            since: Nothing older; an aware time. A container that is started again keeps its old log.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        start, logs = since.timestamp() if since else None, self._client.api.logs
        content = self._asked(lambda: logs(container_id, tail=lines, since=start)) or b""
        return content.decode("utf-8", "replace").splitlines()

    def image(self, reference: str) -> ImageFacts | None:
        """An image by name or id; ``None`` when it is not on this machine.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        attributes = self._asked(lambda: self._client.images.get(reference).attrs)
        return None if attributes is None else image_facts(attributes)

    def changes(self, container_id: str) -> list[dict[str, Any]]:
        """What ``docker diff`` tells: the answer to ``GET /containers/{id}/changes``, empty without one.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        return self._asked(lambda: self._client.api.diff(container_id)) or []

    def archive(
        self, container_id: str, path: str, limit: int
    ) -> tuple[dict[str, Any], bytes] | None:
        """A path of a container, as ``docker cp`` takes it out; the container may be stopped.

        Args:
            container_id: The container's id.
            path: The absolute path inside.
            limit: Bytes of the archive after which reading ends.

        Returns:
            What the engine says of the path (``name``, ``size``, ``linkTarget``), and a tar archive with
            it, cut off after ``limit``; ``None`` when there is no such path.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        found = self._asked(lambda: self._client.api.get_archive(container_id, path))
        if found is None:
            return None
        chunks, status = found
        content = bytearray()
        with self._answers(), contextlib.closing(chunks):
            for chunk in chunks:
                content += chunk
                if len(content) > limit:
                    break
        return status, bytes(content[:limit])

    @contextlib.contextmanager
    def throw_away(self, image: str) -> Iterator[str]:
        """A container of an image that is never started, so that the image's files can be read.

        Args:
            image: The image's id or name; it must be on this machine.

        Raises:
            EngineUnreachable: The engine stopped answering, or refuses.
        """
        with self._answers():
            made = self._client.api.create_container(image, command=["true"])["Id"]
        try:
            yield made
        finally:
            with self._answers():
                self._client.api.remove_container(made, v=True, force=True)

    def health_check(self, container_id: str) -> str | None:
        """Run the health check of a container once, there and then, as the engine does now and again.

        Args:
            container_id: The container's id; it must run.

        Returns:
            The last line that it wrote where it fails; ``None`` where it passes, or there is none.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        from docker.errors import APIError
        from requests import RequestException

        attributes = self._inspect(container_id) or {"Config": {}}
        declared = attributes["Config"].get("Healthcheck") or {}
        kind, *words = declared.get("Test") or ["NONE"]
        if kind == "NONE":
            return None
        shell = attributes["Config"].get("Shell") or ["/bin/sh", "-c"]
        command = [*shell, *words] if kind == "CMD-SHELL" else words
        seconds, api = seconds_of(declared), self._client.api
        try:
            run = api.exec_create(container_id, command)["Id"]
            output = read_all(api.exec_start(run, socket=True), seconds)
            if output is None:
                return f"no answer within {seconds:g} s"
            code = api.exec_inspect(run)["ExitCode"]
        except (APIError, RequestException) as error:
            return str(error)
        return last_line(output) or f"exit code {code}" if code else None

    def port_owner(self, port: int) -> str | None:
        """The container that publishes a TCP port of the host, in words; ``None`` when none does.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        with self._answers():
            for summary in self._client.api.containers():
                if any(
                    bound.get("PublicPort") == port and bound.get("Type") == "tcp"
                    for bound in summary["Ports"]
                ):
                    name = str(summary["Names"][0]).removeprefix("/")
                    project = one_line(summary["Labels"].get(f"{LABEL}project") or "")
                    return f"container {name}" + (f" of project {project}" if project else "")
        return None

    def status_of(self, name: str) -> str | None:
        """What a container of that name does, as in ``docker ps``; ``None`` where there is none.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        found = self._inspect(name)
        named = found is not None and found["Name"] == f"/{name}"
        return str(found["State"]["Status"]) if found and named else None

    def containers_of(self, project: str) -> tuple[str, ...]:
        """The names of all containers of a Compose project.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        filters = {"label": [f"{LABEL}project={project}"]}
        with self._answers():
            listed = self._client.api.containers(all=True, filters=filters)
        return tuple(sorted(str(each["Names"][0]).removeprefix("/") for each in listed))

    def volumes_named(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of some volumes that there are.

        Raises:
            EngineUnreachable: The engine stopped answering.
        """
        with self._answers():
            listed = self._client.api.volumes().get("Volumes") or ()
        there = {str(each["Name"]) for each in listed}
        return tuple(name for name in names if name in there)

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _inspect(self, container_id: str) -> dict[str, Any] | None:
        found = self._asked(lambda: self._client.api.inspect_container(container_id))
        return None if found is None else dict(found)

    def _asked(self, question: Callable[[], _T]) -> _T | None:
        """The answer to a question; ``None`` where there is nothing of that name."""
        from docker.errors import NotFound

        with self._answers(), contextlib.suppress(NotFound):
            return question()
        return None

    @contextlib.contextmanager
    def _answers(self) -> Iterator[None]:
        from docker.errors import DockerException
        from requests import RequestException

        try:
            yield
        except (DockerException, RequestException) as error:
            raise _unreachable(self.endpoint, error) from None


def _number(attributes: Mapping[str, Any]) -> int:
    return number(attributes["Config"]["Labels"].get(f"{LABEL}container-number")) or 0


def _unreachable(endpoint: docker_host.DockerHost, error: Exception) -> EngineUnreachable:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return EngineUnreachable(
        f"the Docker engine at {endpoint.display} (from {endpoint.source}) gives an invalid answer:"
        f" {reason}",
        hint="check whether docker info works; restart Docker if it does not",
    )
