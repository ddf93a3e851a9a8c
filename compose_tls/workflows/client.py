"""client: observe → plan → (preview) → issue → rehearse → apply → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compose_tls import listener
from compose_tls.apply.transaction import apply
from compose_tls.config import TlsConfig
from compose_tls.credentials.client_credentials import ClientCredentials
from compose_tls.errors import WrongUsage
from compose_tls.files import ProjectFiles
from compose_tls.layout import (
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT_FILES,
    CLIENTS_DIRECTORY,
    KEY,
)
from compose_tls.observe.client_files import read_clients
from compose_tls.pki.client_names import client_name
from compose_tls.plan.client import WantedClients, plan_clients, require_place
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.project.model import client_ca_path
from compose_tls.results import CertificateResult, ClientResult
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import ClientFiles
from compose_tls.workflows.in_the_way import require_free
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def client(
    directory: str | os.PathLike[str] = ".",
    names: Iterable[str] = (),
    config: preamble.Settings = None,
    *,
    out: str | os.PathLike[str] | None = None,
    p12: bool = False,
    passphrase_file: str | os.PathLike[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> ClientResult:
    """Issue certificates for further clients, each with a key of its own.

    A client that has a certificate already keeps it until it is due for renewal; one of a CA that goes is
    replaced.

    Args:
        directory: The project directory.
        names: The clients, such as ``alice``, ``etl-7`` or ``alice@example.com``.
        config: The settings; key type, days and subject matter, and where the CA is.
        out: Where the files go; ``clients`` in the PKI directory by default.
        p12: Make a PKCS #12 file of each as well.
        passphrase_file: Holds what opens those; by default each gets its own, in a file next to it.
        force: Replace certificates that are valid for long as well.
        dry_run: Only say what would be done.
        environment: Variables that Compose interpolates with; those of the process by default.
        on_event: Told about progress, where an earlier command has to be taken back first.

    Returns:
        The certificates, whether new or kept, and the files that were written.

    Raises:
        WrongUsage: There is no name.
        InvalidSetting: The passphrase file is empty.
        NotEnabled: TLS is not enabled there.
        NameInvalid: A name cannot be that of a client.
        ProjectError: A file is in the way, or the project cannot be read or written.
        CertificateError: Nothing can be issued; nothing was changed.
    """
    opened = preamble.open_project(directory, config, environment)
    root = opened.root
    wanted_names = tuple(dict.fromkeys(map(client_name, names)))
    if not wanted_names:
        raise WrongUsage(
            "the name of the client is missing", hint="for example: compose-tls client alice"
        )
    place = Path(os.path.normpath(opened.start / out)) if out is not None else root
    outside = () if place.is_relative_to(root) else (place,)
    ProjectFiles(root, outside).require_inside(place)
    with preamble.writing(opened, outside, dry_run=dry_run, on_event=on_event) as opened:
        project = opened.observed()
        located = locate(project, opened.config)
        settings = opened.config
        pki = root / settings.pki_dir
        wanted = WantedClients(
            directory=place.resolve() if out is not None else pki / CLIENTS_DIRECTORY,
            own_place=out is None,
            p12=p12 or passphrase_file is not None,
            own_passphrase=passphrase_file is not None,
            force=force,
        )
        require_place(located, wanted.directory)
        accepted = client_ca_path(root, settings) or pki / CA_CERTIFICATE
        trusted = project.observation.content(accepted)
        clients = read_clients(root, wanted.directory, wanted_names, CLIENT_FILES, trusted)
        planned = plan_clients(project.observation, settings, clients, wanted, opened.now)
        require_free(planned.plan)
        found = dict(planned.kept)
        if not dry_run and planned.plan.changed:
            own = opened.start / passphrase_file if passphrase_file is not None else None
            issuing = ClientCredentials(project.observation, settings, wanted.directory, opened.now)
            contents, issued = issuing.contents(planned.orders, planned.bundled, own)
            apply(planned.plan, contents, outside=(*opened.named_places, *outside))
            found |= issued
    certificates = tuple(
        CertificateResult.of(
            project.relative(wanted.directory / f"{name}{CERTIFICATE}"),
            found[name],
            opened.now,
            client=name,
        )
        for name in wanted_names
        if name in found
    )
    first = wanted.directory / wanted_names[0]
    return ClientResult(
        changed=planned.plan.changed,
        dry_run=True if dry_run else None,
        mode=settings.mode,
        project=str(root),
        services=located.state.services,
        files=preamble.file_results(planned.plan),
        certificates=certificates,
        endpoint=located.endpoint,
        connect=_connect(located, settings, first) if len(wanted_names) == 1 else None,
        directory=project.relative(wanted.directory),
        issued=tuple(planned.orders),
        kept=tuple(planned.kept),
        ca=f"{settings.pki_dir}/{CA_CERTIFICATE}",
        next=_next(opened, planned.orders) if out is None and not dry_run else (),
        warnings=(*opened.told, *planned.plan.warnings),
    )


def _next(opened: preamble.Opened, issued: Iterable[str]) -> tuple[str, ...]:
    """What prints the code of a client, where one was issued."""
    names = tuple(issued)
    return (own_command(opened, "connect", "--client", *names),) if len(names) == 1 else ()


def _connect(located: EnabledProject, config: TlsConfig, stem: Path) -> dict[str, Any] | None:
    if located.endpoint is None:
        return None
    files = ClientFiles.of(located.project.directory, config)
    own = replace(files, certificate=Path(f"{stem}{CERTIFICATE}"), key=Path(f"{stem}{KEY}"))
    return own.arguments(config.tls_mode, located.endpoint)
