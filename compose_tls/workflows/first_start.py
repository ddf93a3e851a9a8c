"""The first start of a new project: checks that it is new, and sets the password of root."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from compose_tls import listener
from compose_tls.checks import root_password
from compose_tls.deploy.engine import Engine
from compose_tls.errors import ContainerInTheWay, DataExists, NotDeployed, settle
from compose_tls.layout import ROOT_PASSWORD
from compose_tls.plan.new_project import NewProject
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.model import Project
from compose_tls.results import InitResult, Probe
from compose_tls.shell import quoted, typed
from compose_tls.targets.new_project.embed_script import DATA, SCRIPT
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.enable import enable_opened
from compose_tls.workflows.server_access import HostPort, target_of


def password_file(opened: preamble.Opened) -> str:
    """Where the password of root is, relative to the project."""
    return f"{opened.config.pki_dir}/{ROOT_PASSWORD}"


def removing(container: str, status: str) -> Iterator[str]:
    """What takes the script's container away; its data are in a mount."""
    if status == "running":
        yield f"bash {SCRIPT} stop"
    yield f"docker rm {typed(container)}"


def require_fresh(
    engine: Engine, opened: preamble.Opened, new: NewProject, project: Project
) -> tuple[TlsWarning, ...]:
    """Make sure that what is started is new, or is what the user means.

    Raises:
        ContainerInTheWay: There are containers of that name.
        DataExists: There are volumes of that name, and the user has not accepted that.
    """
    name = project.observation.variables["COMPOSE_PROJECT_NAME"]
    status = engine.status_of(new.container) if new.container else None
    if new.container and status is not None:
        raise ContainerInTheWay(
            f"container {new.container} of {SCRIPT} exists ({status}), and uses the same data",
            hint=f"{', then '.join(removing(new.container, status))} (the data stay in {DATA}),"
            " then run this again",
            path=SCRIPT,
        )
    if found := engine.containers_of(name):
        raise ContainerInTheWay(
            f"there are containers of another project {name}: {', '.join(found)}",
            hint="run this again with -p NAME, which gives this one another name;"
            f" docker compose -p {quoted(name)} down removes those",
        )
    volumes = [f"{name}_{volume}" for volume in new.volumes]
    if there := engine.volumes_named(volumes):
        refusal = DataExists(
            f"the new project would use existing data: volumes {', '.join(there)}",
            hint="run this again with -p NAME, which gives this one another name; "
            f"docker volume rm {' '.join(there)} deletes the data",
        )
        return (settle(refusal, opened.config.accept),)
    return ()


@dataclass(slots=True)
class FirstStart:
    """A new project, deployed and proved as ``enable --up`` does, with the password in between.

    Attributes:
        signed_in: Whether root's password may have been changed.
    """

    opened: preamble.Opened
    auth: bool
    keep_on_failure: bool = True
    signed_in: bool = False
    probes: list[Probe] = field(default_factory=list)

    def run(self, made: InitResult | None, on_event: listener.OnEvent) -> InitResult:
        """Start it and prove it.

        Args:
            made: What was made; ``None`` where it was there.
            on_event: Told about progress.

        Raises:
            EngineError: It cannot be started, or does not become ready.
            CheckFailed: It runs, but does not do what it must.
        """

        def before_proof(planned: ServicePlan) -> None:
            if self.auth:
                on_event("setting the password of root, over TLS")
                self._settle_password(planned)

        enabled = enable_opened(
            self._opened,
            up=True,
            keep_on_failure=self.keep_on_failure,
            on_event=on_event,
            before_proof=before_proof,
        )
        password = password_file(self.opened) if self.auth else None
        checks = (*self.probes, *enabled.checks)
        if made is not None:
            warnings = tuple(dict.fromkeys((*made.warnings, *enabled.warnings)))
            update = {"checks": checks, "deployed": True, "next": (), "warnings": warnings}
            return made.model_copy(update={**update, "then": enabled.then})
        found = {name: getattr(enabled, name) for name in type(enabled).model_fields}
        kept = {n: v for n, v in found.items() if n in InitResult.model_fields and n != "command"}
        kept.pop("schema_version")
        return InitResult(**{**kept, "checks": checks, "root_password_file": password})

    @property
    def _opened(self) -> preamble.Opened:
        """The project, with root's credentials for the proof."""
        if not self.auth:
            return self.opened
        sign_in = {
            "user": root_password.ROOT,
            "password_file": password_file(self.opened),
            "token_file": None,
        }
        given = self.opened.given.model_copy(update=sign_in)
        return replace(self.opened, given=given).settled()

    def _settle_password(self, planned: ServicePlan) -> None:
        opened = self._opened
        if planned.endpoint is None:
            raise NotDeployed(
                "no port of Milvus is published, so root's password cannot be set from here",
                hint="publish port 19530 on this machine in the compose file",
            )
        address = HostPort.of(planned.endpoint)
        target = target_of(opened.root, opened.config, address, service=planned.services[0])
        self.signed_in = True
        assert target.password is not None  # noqa: S101 - it is in the settings
        self.probes += root_password.settle(target, target.password, opened.config.timeout)
