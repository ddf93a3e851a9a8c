"""init: draft → observe → plan → issue → rehearse → apply → (enable --up, with a password for root)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path

from compose_tls import listener
from compose_tls.apply.inverse import snapshot
from compose_tls.apply.transaction import apply
from compose_tls.changes import Pending
from compose_tls.compose.discovery import DEFAULT_FILES, ENV_FILE
from compose_tls.credentials import secrets
from compose_tls.credentials.issuing import Issued
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.docker_host import LITTLE_PATIENCE
from compose_tls.deploy.engine import Engine
from compose_tls.errors import (
    ComposeTlsError,
    ProjectExists,
    WriteFailed,
    WrongUsage,
)
from compose_tls.files import is_directory
from compose_tls.layout import ROOT_PASSWORD
from compose_tls.observe import observe
from compose_tls.observe.file_reader import FileReader
from compose_tls.plan.new_project import NewProject, Wanted, plan_new_project
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.project.model import Project
from compose_tls.results import InitResult
from compose_tls.targets.new_project.embed_script import DATA
from compose_tls.targets.new_project.new_compose_file import Flavour
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.first_start import FirstStart, password_file, removing, require_fresh
from compose_tls.workflows.next_step import compose_command, own_command
from compose_tls.workflows.planning import enabling, issued
from compose_tls.workflows.reporting import report
from compose_tls.workflows.rollback import HALF_WAY, Undo, put_back
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def init(
    directory: str | os.PathLike[str] = ".",
    config: preamble.Settings = None,
    *,
    milvus: str | None = None,
    flavour: Flavour | None = None,
    attu: bool = False,
    auth: bool | None = None,
    publish: str | None = None,
    dry_run: bool = False,
    up: bool = False,
    keep_on_failure: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> InitResult:
    """Create a new Milvus Compose project with TLS from the start.

    Where standalone_embed.sh is, the project is what that script starts, with its data.

    Args:
        directory: The directory of the project; it is created if it does not exist.
        config: The settings; paths in them are relative to where the process works.
        milvus: The version of Milvus, ``2.6`` or ``v2.6.25``; the recommended one by default.
        flavour: ``standalone`` with etcd and MinIO, by default; ``embedded-etcd``: one container;
            ``gpu``; ``cluster``: a service for each role.
        attu: Add Attu, the web interface.
        auth: Ask for a user and a password, with a random one for root; by default so, but where data
            are taken over.
        publish: The IP address of this machine on which clients reach it, with ``:PORT`` where that is
            another one; the loopback address by default.
        dry_run: Only report what would be done; write nothing.
        up: Deploy with Docker Compose, set the password of root over TLS, and check the server.
        keep_on_failure: With ``up``, leave files and containers as they are on failure.
        environment: Variables for Compose; by default those of the process.
        on_event: Called with progress, one line at a time.

    Returns:
        The files that were, or would be, written, the certificates, the image, where the password of root
        is, and with ``up`` the checks.

    Raises:
        ProjectError: A project already exists, or none can be created; nothing was changed.
        CertificateError: Certificates cannot be used; nothing was changed.
        EngineError: Deploying failed; everything was removed, unless ``keep_on_failure``.
        CheckFailed: The running server does not pass the checks; the project is as before.
    """
    place, wanted = Path(directory), Wanted(milvus, flavour, attu, auth, publish)
    with _directory(place, dry_run=dry_run):
        opened = preamble.open_directory(place, config, environment, Path.cwd())
        if up and not dry_run and _waits_for_start(opened):
            return _go_on(opened, wanted, on_event, keep_on_failure=keep_on_failure)
        made = _make(opened, wanted, on_event, dry_run=dry_run, up=up)
        if dry_run or not up:
            return made.result
        return _start(made, on_event, keep_on_failure=keep_on_failure)


@dataclass(frozen=True, slots=True)
class _Made:
    """A project that was made, or would be.

    Attributes:
        lasting: Whether it works on data that were there before, and stay when it is taken back.
    """

    opened: preamble.Opened
    new: NewProject
    result: InitResult
    undo: Undo | None = field(default=None, repr=False)
    lasting: bool = False


@contextmanager
def _directory(place: Path, *, dry_run: bool) -> Iterator[None]:
    """The directory of the project, made where it is not there; it goes again where nothing came of it.

    Raises:
        WrongUsage: A file has its name.
        WriteFailed: It cannot be made.
    """
    if os.path.lexists(place) and not is_directory(place):
        raise WrongUsage(
            f"{place} is not a directory",
            hint="name an existing directory, or a new one",
            path=str(place),
        )
    missing = [path for path in (place, *place.parents) if not os.path.lexists(path)]
    try:
        if missing and not dry_run:
            place.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise WriteFailed(
            f"{place} cannot be created: {error.strerror or error}",
            hint="make the directory above it writable for you, or name another one",
            path=str(place),
        ) from None
    finally:
        # Who holds something stays.
        for path in missing:
            with suppress(OSError):
                path.rmdir()


def _make(
    given: preamble.Opened, wanted: Wanted, on_event: listener.OnEvent, *, dry_run: bool, up: bool
) -> _Made:
    with preamble.writing(given, dry_run=dry_run, on_event=on_event) as opened:
        new, project = _drafted(opened, wanted)
        lasting = new.flavour is None
        with enabling(
            opened,
            project,
            deploying=up and not dry_run,
            said=new.warnings,
            completed=new.written,
        ) as found:
            planned, places, told = found.service, found.places, found.told
            if up and not dry_run:
                # What is not so is told before anything is written.
                ComposeCli.find(opened.variables)
                with Engine.connect(opened.variables) as engine:
                    settled = require_fresh(engine, opened, new, project)
                told, lasting = (*told, *settled), lasting or bool(settled)
        if dry_run:
            return _Made(opened, new, _report(opened, new, planned, told, dry_run=True))
        made = issued(planned, project, opened, opened.config)
        contents = {**made.contents, **_secrets(new)}
        undo = (planned.plan, contents, snapshot(planned.plan))
        told += apply(planned.plan, contents, outside=places)
    result = _report(opened, new, planned, told, made=made)
    return _Made(opened, new, result, undo, lasting)


def _drafted(opened: preamble.Opened, wanted: Wanted) -> tuple[NewProject, Project]:
    """The files of the new project, and the project that they are."""
    config, variables = opened.config, opened.variables
    reader = FileReader(opened.root, opened.named_places)
    named = bool(config.project_name or variables.get("COMPOSE_PROJECT_NAME"))
    try:
        new = plan_new_project(
            opened.root,
            wanted,
            config,
            reader.content,
            named=named,
            has_data=(opened.root / DATA).is_dir(),
        )
    except ProjectExists as error:
        waits = _waits_for_start(opened)
        command = own_command(opened, *(("init", "--up") if waits else ("enable",)))
        what = "starts it" if waits else "turns on TLS for it"
        error.hint = f"{command} {what}; compose-tls init DIR creates one elsewhere"
        raise
    project = observe(
        opened.root,
        config,
        variables,
        start=opened.root,
        outside=opened.named_places,
        drafts=new.contents,
    )
    # What a script has started may be in use.
    return new, replace(project, drafted="used" if new.flavour is None else "unused")


def _secrets(new: NewProject) -> dict[str, bytes]:
    """What is made at random for the drafts."""
    wanted = {draft.content.name for draft in new.drafts if isinstance(draft.content, Pending)}
    made = {
        ROOT_PASSWORD: secrets.password(),
        ENV_FILE: secrets.object_store_credentials(),
    }
    return {name: content for name, content in made.items() if name in wanted}


def _report(
    opened: preamble.Opened,
    new: NewProject,
    planned: ServicePlan,
    warnings: tuple[TlsWarning, ...],
    *,
    dry_run: bool = False,
    made: Issued | None = None,
) -> InitResult:
    result = report(
        InitResult,
        planned,
        opened.config,
        dry_run=dry_run,
        issued=made,
        following=() if dry_run else tuple(_following(opened, new)),
        warnings=warnings,
        flavour=new.flavour,
        image=new.image,
        root_password_file=password_file(opened) if new.auth else None,
    )
    return result.model_copy(update={"diff": new.diff(planned.plan)})


def _following(opened: preamble.Opened, new: NewProject) -> Iterator[str]:
    """The commands that start the project."""
    if new.container is not None:
        status: str | None = "running"
        with (
            suppress(ComposeTlsError),
            Engine.connect(opened.variables, patience=LITTLE_PATIENCE) as engine,
        ):
            status = engine.status_of(new.container)
        if status is not None:
            yield from removing(new.container, status)
    if new.auth:
        yield own_command(opened, "init", "--up")
    else:
        yield compose_command(opened, "up", "-d")
        yield own_command(opened, "check")


def _start(made: _Made, on_event: listener.OnEvent, *, keep_on_failure: bool) -> InitResult:
    """Deploy what was made; where that fails, nothing of it is left."""
    assert made.undo is not None  # noqa: S101 - it was written
    deployment = FirstStart(made.opened, auth=made.new.auth)
    try:
        return deployment.run(made.result, on_event)
    except (ComposeTlsError, KeyboardInterrupt) as error:
        stays = keep_on_failure or (made.lasting and deployment.signed_in)
        done = "the new files are in place" if stays else _take_back(made, made.undo, on_event)
        if isinstance(error, KeyboardInterrupt):
            error.__notes__ = [done]
        else:
            again = own_command(made.opened, "init", "--up")
            more = (
                f"{again} tries again" if stays else "--keep-on-failure leaves things as they are"
            )
            error.hint = f"{error.hint} ({done}; {more})"
        raise


def _take_back(made: _Made, undo: Undo, on_event: listener.OnEvent) -> str:
    """Remove what was started and written; what came of it."""
    opened = made.opened
    try:
        on_event("removing the new project")
        with preamble.writing(opened):
            compose = ComposeCli.find(opened.variables)
            compose.down(opened.invocation, volumes=not made.lasting)
            put_back([undo])
    except ComposeTlsError as error:
        return f"the new project could not be removed: {error.message}"
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(HALF_WAY)
        raise
    return "nothing of the new project is left"


def _waits_for_start(opened: preamble.Opened) -> bool:
    """Whether an earlier init made a project here, whose root may still have the default password."""
    reader = FileReader(opened.root, opened.named_places)
    there = any(reader.content(opened.root / name) is not None for name in DEFAULT_FILES)
    reader.unread(opened.root / password_file(opened))
    return there and bool(reader.files.get(opened.root / password_file(opened)))


def _go_on(
    opened: preamble.Opened,
    wanted: Wanted,
    on_event: listener.OnEvent,
    *,
    keep_on_failure: bool,
) -> InitResult:
    """Start what an earlier init made, and give root its password, if it has it not yet."""
    if wanted != Wanted():
        raise ProjectExists(
            "init already created a project here, and does not change it",
            hint=f"{own_command(opened, 'init', '--up')} starts it; for another project, name another"
            " directory: compose-tls init DIR",
        )
    deployment = FirstStart(opened, auth=True, keep_on_failure=keep_on_failure)
    return deployment.run(None, on_event)
