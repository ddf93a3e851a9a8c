"""export: observe → the set-up with the target's names → issue → rehearse → spell → apply → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from compose_tls import listener
from compose_tls.apply.transaction import apply
from compose_tls.changes import CreateFile, FileChange, KeepFile, Pending, Plan, sha256
from compose_tls.credentials.export_credentials import Exported, exported
from compose_tls.errors import ValueInTheWay, WrongUsage
from compose_tls.files import YAML_LIMIT, ProjectFiles, is_directory
from compose_tls.layout import CA_CERTIFICATE, CERTIFICATE, KEY, PRIVATE, PUBLIC, SERVER, STACK_CA
from compose_tls.observe.client_files import read_clients
from compose_tls.observe.file_reader import FileReader
from compose_tls.plan.client import require_place
from compose_tls.plan.export import (
    export_setup,
    files_of,
    own_stem,
    plan_server,
    with_applications,
)
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.results import CertificateResult, ExportResult
from compose_tls.setup import TlsSetup
from compose_tls.targets.release import TARGETS, Release, Target
from compose_tls.workflows import preamble
from compose_tls.workflows.export_documents import Spelling, holds_key, require_options
from compose_tls.workflows.whole_hints import with_whole_hints

_OUTPUT = "the exported document"
_SCRIPT = 0o755
_NAME_A_FILE = "name a file in an existing directory with --output, or leave --output out"


@with_whole_hints
def export(
    directory: str | os.PathLike[str] = ".",
    target: Target = "helm",
    config: preamble.Settings = None,
    *,
    name: str = "milvus",
    namespace: str = "default",
    hosts: Iterable[str] = (),
    issuer: str | None = None,
    secret: bool | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> ExportResult:
    """The TLS set-up of an enabled project for Kubernetes, Swarm or openssl.

    The server gets a certificate with the names of the target from the CA of the project, unless its
    own one holds them; it is in ``exports`` in the PKI directory, and is kept until it is due. With
    scope ``all`` etcd and the object store of a Kubernetes cluster get certificates of their own too.

    Args:
        directory: The project directory.
        target: ``helm``, ``operator``, ``cert-manager``, ``swarm`` or ``openssl``.
        config: The settings; used are key type, days, subject and the location of the CA.
        name: The name of the Helm release, the Milvus resource or the stack.
        namespace: The Kubernetes namespace.
        hosts: Further DNS names and IP addresses under which clients reach it.
        issuer: For cert-manager: an existing issuer, ``NAME`` or ``ClusterIssuer/NAME``; by default
            a new CA.
        secret: For helm and operator: only the Secret, or all but the Secret; by default the values
            for helm, and everything for operator.
        output: The output file, with mode 0600 if it contains a key; by default it is in the result.
        dry_run: Only report what would be done; write nothing.
        environment: Variables for interpolation by Compose; by default those of the process.
        on_event: Called with progress, if an earlier command is undone first.

    Returns:
        What was exported. A document that holds a private key is in ``private_text``, which neither
        its JSON nor its repr shows.

    Raises:
        WrongUsage: The target has no Secret or no issuer, or there is no such target.
        InvalidSetting: A name is not valid for the target.
        NotEnabled: TLS is not enabled there.
        ProjectError: The project cannot be read or written.
        CertificateError: Nothing can be issued, or a certificate that was provided does not hold a name.
    """
    if target not in TARGETS:
        raise WrongUsage(f"there is no target {target}", hint=f"use one of {', '.join(TARGETS)}")
    require_options(target, secret=secret, issuer=issuer)
    private = holds_key(target, secret)
    further = (hosts,) if isinstance(hosts, str) else tuple(hosts)
    release = Release(target, name, namespace, further)
    opened = preamble.open_project(directory, config, environment)
    place = Path(os.path.normpath(opened.start / output)) if output is not None else None
    # A file is staged next to its place.
    outside = () if place is None or place.is_relative_to(opened.root) else (place.parent,)
    with preamble.writing(opened, outside, dry_run=dry_run, on_event=on_event) as opened:
        located = locate(opened.observed(), opened.config)
        if place is not None:
            _require_file(place)
            require_place(located, place, "what is exported", "--output")
        spelling = Spelling(opened, located, release, issuer, secret, place)
        setup = _setup(opened, located, spelling.release)
        found, changes = _certificates(opened, located, setup, spelling, issue=not dry_run)
        document = None if dry_run else spelling.document(setup, found)
        if place is not None:
            _require_not_ours(located, place, opened.config.pki_dir)
            mode = PRIVATE if private else _SCRIPT if target == "openssl" else PUBLIC
            changes += (_output(place, opened.root, outside, document, mode),)
        plan = Plan(opened.root, changes)
        if not dry_run and plan.changed:
            contents = {**found.pending, _OUTPUT: document or b""}
            apply(plan, contents, outside=(*opened.named_places, *outside))
    text = document.decode() if document and place is None else ""
    return ExportResult(
        changed=plan.changed,
        dry_run=True if dry_run else None,
        mode=opened.config.mode,
        project=str(opened.root),
        services=located.state.services,
        files=preamble.file_results(plan),
        target=target,
        names=spelling.names(setup),
        certificates=tuple(
            CertificateResult.of(located.project.relative(path), facts, opened.now)
            for path, facts in found.facts.items()
        ),
        text="" if private else text,
        private_text=text if private else "",
        next=spelling.following(),
        warnings=(*opened.told, *spelling.warnings(setup)),
    )


def _setup(opened: preamble.Opened, located: EnabledProject, release: Release) -> TlsSetup:
    """The set-up with the names of the target, and for Swarm with the applications of the project."""
    services = tuple(one.name for one in located.milvus)
    before = opened.observed(without_ours=True)
    setup = export_setup(before, services, opened.config, release, opened.now)
    if release.target == "swarm":
        return with_applications(setup, located, opened.config)
    return setup


def _certificates(
    opened: preamble.Opened,
    located: EnabledProject,
    setup: TlsSetup,
    spelling: Spelling,
    *,
    issue: bool,
) -> tuple[Exported, tuple[FileChange, ...]]:
    """The certificates that the target needs, and what is written for them."""
    directories = spelling.directories(setup)
    if not directories:
        return Exported(), ()
    config, root, release = opened.config, opened.root, spelling.release
    observation = located.project.observation
    sources = []
    for one in spelling.servers(setup):
        ca = CA_CERTIFICATE if one.name == SERVER else f"{STACK_CA}{CERTIFICATE}"
        trusted = observation.content(root / config.pki_dir / ca)
        stem = own_stem(release, config, root, one.name)
        [own] = read_clients(root, stem.parent, [stem.name], (CERTIFICATE, KEY), trusted)
        sources.append(plan_server(located, config, release, one, own, opened.now))
    changes = tuple(dict.fromkeys(change for source in sources for change in source.changes))
    if not issue:
        return Exported(), changes
    files = files_of(directories, config, root)
    return exported(sources, files, root, config, opened.now), changes


def _require_file(place: Path) -> None:
    """Make sure that a file can be written there.

    Raises:
        WrongUsage: It cannot.
    """
    if not is_directory(place.parent) or is_directory(place):
        there = is_directory(place)
        what = f"{place} is a directory" if there else f"there is no {place.parent}"
        raise WrongUsage(what, hint=_NAME_A_FILE)


def _require_not_ours(located: EnabledProject, place: Path, pki_dir: str) -> None:
    """Make sure that no file of the project is written over: least of all the key of the CA.

    Raises:
        ValueInTheWay: One would be.
    """
    project = located.project
    pki = project.directory / pki_dir
    used = {path for path, file in project.observation.files.items() if file is not None}
    if place.is_relative_to(pki) or place in used:
        name = project.relative(place)
        raise ValueInTheWay(
            f"{name} is a file of the project, or is among its certificates and keys",
            hint="name another file with --output",
            path=name,
        )


def _output(
    place: Path, root: Path, outside: tuple[Path, ...], document: bytes | None, mode: int
) -> FileChange:
    """What happens to the file that was named; a file with a key is made again with its mode.

    Raises:
        WrongUsage: What is there is not a file.
    """
    ProjectFiles(root, outside).require_inside(place)
    if os.path.lexists(place) and not place.is_file():
        raise WrongUsage(f"{place} is not a file, nor a link to one", hint=_NAME_A_FILE)
    reader = FileReader(root, outside)
    reader.secret(place, YAML_LIMIT)
    there = reader.files[place]
    before = there.sha256 if there else None
    same = document is not None and before == sha256(document)
    if there is not None and same and there.mode == mode:
        return KeepFile(place, before)
    return CreateFile(place, Pending(_OUTPUT), mode, before)
