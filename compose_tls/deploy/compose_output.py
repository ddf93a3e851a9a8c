"""What Compose prints: states, progress and errors, read without ever passing a secret on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from compose_tls.deploy.diagnose import reason
from compose_tls.deploy.port_check import port_taken
from compose_tls.errors import ComposeFailed, EngineError, EngineUnreachable
from compose_tls.patterns import regex
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One container of a project, as ``docker compose ps`` shows it.

    Attributes:
        service: The service it belongs to.
        name: The container's name.
        id: The container's short id.
        state: ``created``, ``running``, ``paused``, ``restarting``, ``removing``, ``exited``, ``dead``.
        exit_code: Of the last run.
    """

    service: str
    name: str
    id: str
    state: str
    exit_code: int = 0

    @property
    def running(self) -> bool:
        """Whether its process runs right now."""
        return self.state == "running"

    @property
    def ended_well(self) -> bool:
        """Whether its last run was a job that is done."""
        return self.state == "exited" and self.exit_code == 0

    @property
    def alive(self) -> bool:
        """Whether it is in use, be it paused or between two runs."""
        return self.state in {"running", "paused", "restarting"}


def service_states(text: str) -> tuple[ServiceState, ...]:
    """The containers in the output of ``docker compose ps --format json``.

    Compose wrote one array up to 2.20, and writes one object a line since 2.21:
    https://github.com/docker/compose/releases/tag/v2.21.0
    """
    if text.lstrip().startswith("["):
        entries = json.loads(text)
    else:
        entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    return tuple(
        ServiceState(
            service=entry["Service"],
            name=entry["Name"],
            id=entry["ID"],
            state=entry["State"],
            exit_code=int(entry.get("ExitCode") or 0),
        )
        for entry in entries
    )


def major_version(version: str) -> int:
    """The major number of a Compose version; builds without one are development builds, thus new."""
    match = re.match(r"v?(\d+)\.", version)
    return int(match[1]) if match else 2


_ANY_STEP = regex(r"^ ?(?:(Container|Image|Network|Volume)\s|\S+ (Pulling|Pulled)\s*$)")
_LOG_LINE = regex(r"^time=\S+ level=\w+ ")


def compose_failure(
    command: str,
    stderr: str,
    environment: Mapping[str, str],
    port_owner: Callable[[int], str | None] | None = None,
) -> EngineError:
    """The error that the output of a failed ``docker compose`` stands for.

    Args:
        command: The word after ``docker compose``, for the message.
        stderr: All that it wrote to standard error.
        environment: What it was given; values with a secret's name are blacked out.
        port_owner: Asked which container publishes a port that is taken.
    """
    line = _last_words(stderr, environment)
    if _UNREACHABLE.search(line):
        return EngineUnreachable(
            f"Docker Compose cannot reach the Docker engine: {line}",
            hint="check whether docker info works; start Docker if it does not",
        )
    if taken := _PORT_TAKEN.search(line):
        port = int(next(group for group in taken.groups() if group))
        return port_taken(port, port_owner(port) if port_owner else None, "the project")
    diagnosis = reason([line])
    if diagnosis and diagnosis.known:
        return ComposeFailed(
            f"docker compose {command} failed: {diagnosis.meaning}; the engine says: {diagnosis.line}",
            hint=diagnosis.next_step,
        )
    said = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return ComposeFailed(
        f"docker compose {command} failed: {said}" if said else f"docker compose {command} failed",
        hint=_hint(line)
        or f"run docker compose {command} in the project directory to see all of its output",
    )


_UNREACHABLE = regex(
    r"Cannot connect to the Docker daemon|failed to connect to the docker API"
    r"|trying to connect to the (?:Docker daemon socket|docker API)",
    re.IGNORECASE,
)

# Engine 20 to 29, Docker Desktop, rootless and Podman each have their words; all name the port.
_PORT_TAKEN = regex(
    r"Bind for \S*:(\d+) failed: port is already allocated"
    r"|(?:listen|exposing port|host port)\b.*?:(\d+)\b.*address already in use"
    r"|host port \S*?(\d+)/tcp: address already in use",
    re.IGNORECASE,
)

# Where Compose quotes the text of a value in an error, and what stays of that error.
_QUOTED_VALUES = (
    (regex(r"(unterminated quoted value) .*"), r"\1"),
    (regex(r"(unexpected character .*? in variable name).*"), r"\1"),
    (regex(r'parsing "[^"]*"'), "parsing the value"),
)
_INTERPOLATION = "invalid interpolation format for "
SECRET_NAME = regex(r"pass|secret|token|key|credential|auth", re.IGNORECASE)
_SHORTEST_SECRET = 4
_LONGEST = 400


def _last_words(stderr: str, environment: Mapping[str, str]) -> str:
    lines = [
        line.strip()
        for line in stderr.splitlines()
        if line.strip() and not _LOG_LINE.match(line) and not _ANY_STEP.match(line)
    ]
    for line in lines:
        # What follows are the lines of the value itself.
        if line.startswith(_INTERPOLATION):
            return line.rstrip(".") + ": a literal $ has to be written $$"
    line = lines[-1] if lines else ""
    for pattern, replacement in _QUOTED_VALUES:
        line = pattern.sub(replacement, line)
    for name, value in environment.items():
        if len(value) >= _SHORTEST_SECRET and SECRET_NAME.search(name):
            line = line.replace(value, "***")
    return line.removeprefix("Error response from daemon: ").rstrip(".")


def _hint(line: str) -> str | None:
    for text, hint in _HINTS:
        if text in line:
            return hint
    return None


_REMOTE = "COMPOSE_EXPERIMENTAL_GIT_REMOTE=true COMPOSE_EXPERIMENTAL_OCI_REMOTE=true"
_HINTS = (
    (
        "remote resource is disabled by",
        f"if you trust what it includes: export {_REMOTE}, then run this again",
    ),
    ("no such service", "if it is behind a profile, switch that on with COMPOSE_PROFILES"),
    ("no configuration file provided", "name the project with --project-directory or --file"),
    (
        "no such host",
        "the image is not here, and its registry cannot be reached: check the network",
    ),
    ("no such image", "it is not here and could not be pulled: docker compose pull shows why"),
    ("pull access denied", "check the name of the image, or sign in with docker login"),
    ("manifest unknown", "there is no such tag: check the image line"),
    ("dependency failed to start", "look at what the named container logged: docker logs NAME"),
    ("is already in use by container", "remove or rename that container, or change container_name"),
    ("declared as external, but could not be found", "create it, as the compose file expects"),
    ("is missing a value", "set that variable, in the environment or in .env"),
    (
        "env file",
        "create that file, such as from an example next to it, or name another one",
    ),
)
